import type { TaskStoreCapabilities } from "@mcp-task-store/core";
import { createTaskState, TaskStoreError } from "@mcp-task-store/core";
import { defineMutant, type Layers, type Mutant } from "./mutant.ts";
import { hang, onCode, overStore } from "./over-store.ts";

/** A store that declares something else than it is. */
function declaring(change: (capabilities: TaskStoreCapabilities) => TaskStoreCapabilities): Pick<Layers, "store"> {
  return {
    store: (store, { fired }) => (
      fired(),
      overStore(store, { root: (inner) => ({ capabilities: change(inner.capabilities) }) })
    ),
  };
}

export const close: readonly Mutant[] = [
  defineMutant({
    name: "ack-before-commit",
    fault: "A create is acknowledged before it is on disk.",
    killedBy: ["durable/reopen"],
    mayAlso: ["caps/restart"],
    driver: (driver, { backend, fired }) => {
      let unsynced: string | undefined;
      backend.onRestart(() => {
        if (unsynced === undefined || !backend.rows.delete(unsynced)) return;
        fired();
      });
      return {
        ...driver,
        async insert(insert, options) {
          const answer = await driver.insert(insert, options);
          unsynced = insert.taskId;
          return answer;
        },
      };
    },
  }),
  defineMutant({
    name: "intent-in-memory",
    fault: "A wish to cancel is not stored.",
    killedBy: ["durable/reopen"],
    driver: (driver, { backend, fired }) => {
      backend.onRestart(() => {
        for (const [taskId, row] of backend.rows) {
          if (row.cancelRequestedAt !== null) fired();
          backend.patch(taskId, () => ({ cancelRequestedAt: null }));
        }
      });
      return driver;
    },
  }),
  defineMutant({
    name: "close-strands",
    fault: "Closing leaves its waiters waiting.",
    killedBy: ["close/settles"],
    mayAlso: ["close/after"],
    store: (store, { fired }) =>
      overStore(store, {
        methods: (inner) => ({
          waitForUpdate: (taskId, options) =>
            onCode("CLOSED", inner.waitForUpdate(taskId, options), () => {
              fired();
              return hang(options.signal, options.timeoutMs);
            }),
        }),
      }),
  }),
  defineMutant({
    name: "close-fakes-ack",
    fault: "Closing acknowledges the writes that it drops.",
    killedBy: ["close/settles"],
    store(store, { fired }) {
      let closed = false;
      return overStore(store, {
        root: (inner) => ({
          async createTask(params = {}, options) {
            // The way to the backend, on which a close overtakes it.
            await Promise.resolve();
            if (!closed || params.taskId === undefined) return inner.createTask(params, options);
            fired();
            return createTaskState({}, params.taskId);
          },
          async close(options) {
            closed = true;
            await inner.close(options);
          },
        }),
      });
    },
    mayAlso: ["lifecycle/copies-in"],
  }),
  defineMutant({
    name: "close-kills-shared",
    fault: "Closing a store closes the connection that others were given, too.",
    killedBy: ["close/after"],
    mayAlso: ["close", "caps/facilities"],
    store: (store, { notes, fired }) =>
      overStore(store, {
        methods: (inner) => ({
          async getTask(taskId, options) {
            if (!notes.has("closed")) return inner.getTask(taskId, options);
            fired();
            throw new TaskStoreError("CLOSED", "The connection is closed.");
          },
        }),
        root: (inner) => ({
          async close(options) {
            // What closes with a grace period is the kit itself, done with a rule.
            if (options === undefined) notes.set("closed", "yes");
            await inner.close(options);
          },
        }),
      }),
  }),
  defineMutant({
    name: "closed-hangs",
    fault: "A closed store answers no read.",
    killedBy: ["close/after"],
    store: (store, { fired }) =>
      overStore(store, {
        methods: (inner) => ({
          getTask: (taskId, options) =>
            onCode("CLOSED", inner.getTask(taskId, options), () => {
              fired();
              return hang(options?.signal);
            }),
        }),
      }),
  }),
  defineMutant({
    name: "closed-pushes",
    fault: "A closed store acknowledges messages that it does not take.",
    killedBy: ["close/after"],
    store: (store, { fired }) =>
      overStore(store, {
        root: (inner) => ({
          messages: {
            ...inner.messages,
            push: (taskId, message, options) =>
              onCode("CLOSED", inner.messages.push(taskId, message, options), () => fired()),
          },
        }),
      }),
  }),
  defineMutant({
    name: "close-twice-throws",
    fault: "Closing a second time fails.",
    killedBy: ["close/after"],
    store: (store, { fired }) => {
      let closed = false;
      return overStore(store, {
        root: (inner) => ({
          async close(options) {
            if (closed) {
              fired();
              throw new Error("the store is closed already");
            }
            closed = true;
            await inner.close(options);
          },
        }),
      });
    },
  }),
  defineMutant({
    name: "caps-overstated",
    fault: "A capability is declared that is not there.",
    killedBy: ["caps/claims"],
    mayAlso: [
      "lifecycle/copies-in",
      "driver/messages",
      "durable/own-win",
      "messages",
      "ttl",
      "durable/reopen",
      "payload",
      "bad",
      "close/after",
    ],
    driver: (driver) => ({ ...driver, capabilities: { ...driver.capabilities, messages: false } }),
    ...declaring((capabilities) => ({ ...capabilities, messages: true })),
  }),
  defineMutant({
    name: "caps-understated",
    fault: "A capability is hidden.",
    killedBy: ["caps/claims"],
    ...declaring((capabilities) => ({ ...capabilities, listing: false })),
  }),
  defineMutant({
    name: "caps-missing",
    fault: "A capability is not declared at all.",
    killedBy: ["caps/claims"],
    mayAlso: ["ttl/lease-raises"],
    ...declaring((capabilities) => {
      const partial = { ...capabilities };
      Reflect.deleteProperty(partial, "graceMs");
      return partial;
    }),
  }),
  defineMutant({
    name: "advance-noop",
    fault: "The target says that it moves the backend's clock, and does not.",
    killedBy: ["caps/facilities"],
    mayAlso: ["ids", "cancel", "exec", "scope", "ttl", "list", "lease", "clock", "messages", "wait"],
    advance:
      ({ fired }) =>
      async () =>
        fired(),
  }),
  defineMutant({
    name: "peer-is-store",
    fault: "The target gives the same store twice for two processes.",
    killedBy: ["caps/facilities"],
    // The one that the others close.
    mayAlso: ["lease/late-finish", "caps/restart", "close", "durable", "wait/outage"],
    sameStore: true,
  }),
  defineMutant({
    name: "restart-noop",
    fault: "The target says that it has restarted, and everything goes on.",
    killedBy: ["caps/restart"],
    restartNoop: true,
  }),
  defineMutant({
    name: "cut-noop",
    fault: "The target takes a way through the kit's proxy, and connects past it.",
    killedBy: ["caps/facilities"],
    // Without a wire nothing can be said about lost answers.
    mayAlso: ["lease/late-finish", "durable", "wait", "driver"],
    pastVia: true,
  }),
];
