import type { JsonObject, Task, TaskOutcome, TaskStore } from "@mcp-task-store/core";
import { isTerminal, TaskStoreError } from "@mcp-task-store/core";
import { defineMutant, type Mutant, type Plot } from "./mutant.ts";
import { intercepting, rewriting, unguarded } from "./over-driver.ts";
import { mapTasks, overStore } from "./over-store.ts";

/** A store that keeps what it gave out and gives it again, to be written over. */
function livingObjects(store: TaskStore, { fired }: Plot): TaskStore {
  const live = new Map<string, Task>();
  return overStore(store, {
    methods: (inner) => ({
      async getTask(taskId, options) {
        const task = await inner.getTask(taskId, options);
        if (task === undefined || options?.outcome === true || options?.request === true) return task;
        const known = live.get(taskId);
        if (known !== undefined) fired();
        if (known !== undefined && JSON.stringify(known).includes("vandalised")) return known;
        const copy = structuredClone(task);
        live.set(taskId, copy);
        return copy;
      },
    }),
  });
}

function livingOutcomes(store: TaskStore, { fired }: Plot): TaskStore {
  const live = new Map<string, TaskOutcome>();
  return overStore(store, {
    methods: (inner) => ({
      async getOutcome(taskId, options) {
        const outcome = await inner.getOutcome(taskId, options);
        if (outcome === undefined) return undefined;
        const copy = live.get(taskId) ?? structuredClone(outcome);
        live.set(taskId, copy);
        return copy;
      },
      async getTask(taskId, options) {
        const task = await inner.getTask(taskId, options);
        const outcome = live.get(taskId);
        if (task?.outcome === undefined || outcome === undefined) return task;
        fired();
        return { ...task, outcome };
      },
    }),
  });
}

function keepsArguments(store: TaskStore, { fired }: Plot): TaskStore {
  const kept = new Map<string, JsonObject>();
  return overStore(store, {
    methods: (inner) => ({
      async getTask(taskId, options) {
        const task = await inner.getTask(taskId, options);
        const metadata = kept.get(taskId);
        if (task === undefined || metadata === undefined) return task;
        fired();
        return { ...task, metadata };
      },
    }),
    root: (inner) => ({
      async createTask(params = {}, options) {
        const { metadata } = params;
        const task = await inner.createTask(params, options);
        if (metadata !== undefined) kept.set(task.taskId, metadata);
        return task;
      },
      async updateTask(taskId, change, options) {
        kept.delete(taskId);
        return inner.updateTask(taskId, change, options);
      },
    }),
  });
}

/** A cache for reads: a process sees its own writes at once, and others' when the entry is old. */
function cachesReads(store: TaskStore, { fired }: Plot): TaskStore {
  const cache = new Map<string, { readonly task: Task; readonly at: number }>();
  return overStore(store, {
    methods: (inner) => ({
      async getTask(taskId, options) {
        const entry = cache.get(taskId);
        if (options === undefined && entry !== undefined && performance.now() - entry.at < 50)
          return (fired(), entry.task);
        const task = await inner.getTask(taskId, options);
        if (task !== undefined) cache.set(taskId, { task, at: performance.now() });
        return task;
      },
    }),
  });
}

export const lifecycle: readonly Mutant[] = [
  defineMutant({
    name: "born-submitted",
    fault: "A new task is said to be in another status than working.",
    killedBy: ["lifecycle/transitions"],
    mayAlso: ["ids", "lifecycle", "ttl", "list", "wait", "payload", "bad", "durable", "close", "caps"],
    store: (store, { fired }) =>
      overStore(store, {
        root: (inner) => ({
          async createTask(params, options) {
            fired();
            return { ...(await inner.createTask(params, options)), status: "input_required" };
          },
        }),
      }),
  }),
  defineMutant({
    name: "input-dead-end",
    fault: "A task in input_required cannot be ended.",
    killedBy: ["lifecycle/transitions"],
    mayAlso: ["lifecycle/copies-in", "scope/every-op", "inputs/terminal", "exec/inputs"],
    store(store, { fired }) {
      const check = async (taskId: string): Promise<void> => {
        if ((await store.getTask(taskId))?.status !== "input_required") return;
        fired();
        throw new TaskStoreError("INVALID_ARGUMENT", "The task waits for input.");
      };
      return overStore(store, {
        methods: (inner) => ({
          cancelTask: async (taskId, options) => (await check(taskId), inner.cancelTask(taskId, options)),
        }),
        root: (inner) => ({
          finishTask: async (taskId, outcome, options) => (
            await check(taskId),
            inner.finishTask(taskId, outcome, options)
          ),
        }),
      });
    },
  }),
  defineMutant({
    name: "status-free-text",
    fault: "An unknown status is taken for completed.",
    killedBy: ["lifecycle/transitions"],
    store: (store, { fired }) =>
      overStore(store, {
        root: (inner) => ({
          async finishTask(taskId, outcome, options) {
            if (isTerminal(outcome.status)) return inner.finishTask(taskId, outcome, options);
            fired();
            return inner.finishTask(taskId, { status: "completed", result: {} }, options);
          },
        }),
      }),
  }),
  defineMutant({
    name: "terminal-message-edit",
    fault: "Reports are written whatever the status.",
    killedBy: ["lifecycle/terminal-final"],
    mayAlso: ["lifecycle/revision"],
    driver: (driver, { backend, fired }) =>
      rewriting(driver, (write, kind) => {
        const row = backend.rows.get(write.taskId);
        if (kind !== "report" || row === undefined || !isTerminal(row.status)) return write;
        fired();
        return unguarded(write, "open");
      }),
  }),
  defineMutant({
    name: "time-epoch",
    fault: "Instants are numbers as text, not ISO 8601.",
    killedBy: ["lifecycle/times"],
    mayAlso: ["ttl/actual", "watch/all", "lease/fenced", "lease/stale-refused"],
    store: (store, { fired }) =>
      mapTasks(store, (task) => (fired(), { ...task, createdAt: String(Date.parse(task.createdAt)) })),
  }),
  defineMutant({
    name: "updated-frozen",
    fault: "Only a change of status moves lastUpdatedAt.",
    killedBy: ["lifecycle/updated-moves"],
    driver: (driver, { backend, fired }) =>
      intercepting(driver, async (write, kind, send) => {
        const before = backend.rows.get(write.taskId);
        const answer = await send(write);
        if (kind !== "report" || answer.kind !== "written" || before === undefined) return answer;
        fired();
        const { lastUpdatedAt } = before;
        backend.patch(write.taskId, () => ({ lastUpdatedAt }));
        return { ...answer, row: { ...answer.row, lastUpdatedAt } };
      }),
  }),
  defineMutant({
    name: "revision-flat",
    fault: "A report keeps the revision.",
    killedBy: ["lifecycle/revision"],
    mayAlso: ["lifecycle/updated-moves", "wait/abort", "wait/hint-and-poll", "wait/many", "wait/peer"],
    driver: (driver, { fired }) =>
      rewriting(driver, (write, kind) => (kind === "report" ? (fired(), { ...write, quiet: true }) : write)),
  }),
  defineMutant({
    name: "message-dropped",
    fault: "Finishing without a message erases the last one.",
    killedBy: ["lifecycle/message"],
    driver: (driver, { fired }) =>
      rewriting(driver, (write, kind) => {
        if (kind !== "finish") return write;
        return {
          ...write,
          alternatives: write.alternatives.map(({ when, then }) => {
            if (then.set?.statusMessage === undefined) fired();
            return { when, then: { ...then, set: { statusMessage: null, ...then.set } } };
          }),
        };
      }),
  }),
  defineMutant({
    name: "live-object",
    fault: "A read task is given out again, as its reader left it.",
    killedBy: ["lifecycle/copies-out"],
    store: livingObjects,
  }),
  defineMutant({
    name: "live-outcome",
    fault: "A read outcome is given out again, as its reader left it.",
    killedBy: ["lifecycle/copies-out"],
    store: livingOutcomes,
  }),
  defineMutant({
    name: "keeps-argument",
    fault: "The metadata object given to create is kept by reference.",
    killedBy: ["lifecycle/copies-in"],
    mayAlso: ["lifecycle/copies-out"],
    store: keepsArguments,
  }),
  defineMutant({
    name: "serialises-late",
    fault: "Arguments are copied in a later turn.",
    killedBy: ["lifecycle/copies-in"],
    store: (store, { fired }) =>
      overStore(store, {
        root: (inner) => ({
          async createTask(params, options) {
            fired();
            await Promise.resolve();
            return inner.createTask(params, options);
          },
          async finishTask(taskId, outcome, options) {
            await Promise.resolve();
            return inner.finishTask(taskId, outcome, options);
          },
        }),
      }),
  }),
  defineMutant({
    name: "peer-cache",
    fault: "A process answers reads from a cache for 50 ms.",
    killedBy: ["lifecycle/read-your-writes"],
    mayAlso: ["lifecycle/message", "payload/limits"],
    store: cachesReads,
  }),
];
