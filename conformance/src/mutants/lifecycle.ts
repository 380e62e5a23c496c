import type { Task } from "@mcp-task-store/core";
import { isTerminal, TaskStoreError } from "@mcp-task-store/core";
import { defineMutant, type Mutant } from "./mutant.ts";
import { intercepting, rewriting, unguarded } from "./over-driver.ts";
import { mapTasks, onCode, overStore } from "./over-store.ts";

export const lifecycle: readonly Mutant[] = [
  defineMutant({
    name: "born-submitted",
    fault: "A new task is said to be in another status than working.",
    killedBy: ["lifecycle/transitions"],
    mayAlso: ["ids", "lifecycle", "scope/exact", "ttl", "list", "wait", "payload", "bad", "durable", "close", "caps"],
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
    mayAlso: [
      "cancel/race-update",
      "durable/unknown",
      "lifecycle/copies-in",
      "scope/every-op",
      "inputs/terminal",
      "exec/inputs",
    ],
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
    name: "cancel-working-only",
    fault: "A task in input_required cannot be cancelled.",
    killedBy: ["lifecycle/transitions"],
    mayAlso: [
      "cancel/race-update",
      "durable/unknown",
      "scope/every-op",
      "inputs/terminal",
      "exec/inputs",
      "cancel/signal",
    ],
    store: (store, { fired }) =>
      overStore(store, {
        methods: (inner) => ({
          async cancelTask(taskId, options) {
            if ((await inner.getTask(taskId))?.status !== "input_required") return inner.cancelTask(taskId, options);
            fired();
            throw new TaskStoreError("INVALID_ARGUMENT", "The task waits for input.");
          },
        }),
      }),
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
    mayAlso: ["cancel/race-update", "lifecycle/revision"],
    driver: (driver, { backend, fired }) =>
      rewriting(driver, (write, kind) => {
        const row = backend.rows.get(write.taskId);
        if (kind !== "report" || row === undefined || !isTerminal(row.status)) return write;
        fired();
        return unguarded(write, "open");
      }),
  }),
  defineMutant({
    name: "terminal-same-ok",
    fault: "Ending a task again in the same status succeeds.",
    killedBy: ["lifecycle/terminal-final"],
    mayAlso: ["cancel", "finish", "lifecycle/revision", "bad/typed"],
    store: (store, { fired }) => {
      const again = async (status: string, task: Task | undefined): Promise<Task> => {
        if (task?.status !== status) throw new TaskStoreError("TASK_TERMINAL", "It ended.", task && { task });
        fired();
        return task;
      };
      return overStore(store, {
        methods: (inner) => ({
          cancelTask: (taskId, options) =>
            onCode("TASK_TERMINAL", inner.cancelTask(taskId, options), ({ task }) => again("cancelled", task)),
        }),
        root: (inner) => ({
          finishTask: (taskId, outcome, options) =>
            onCode("TASK_TERMINAL", inner.finishTask(taskId, outcome, options), ({ task }) =>
              again(outcome.status, task),
            ),
        }),
      });
    },
  }),
  defineMutant({
    name: "time-epoch",
    fault: "Instants are numbers as text, not ISO 8601.",
    killedBy: ["lifecycle/times"],
    mayAlso: ["ttl/actual", "ttl/not-early", "clock/stamps", "ttl/given-back", "ttl/later", "ttl/later-capped"],
    store: (store, { fired }) =>
      mapTasks(store, (task) => (fired(), { ...task, createdAt: String(Date.parse(task.createdAt)) })),
  }),
  defineMutant({
    name: "created-rewritten",
    fault: "The end of a task sets createdAt anew.",
    killedBy: ["lifecycle/times"],
    mayAlso: ["durable/own-win", "list", "clock/stamps"],
    driver: (driver, { backend, fired }) =>
      intercepting(driver, async (write, kind, send) => {
        const answer = await send(write);
        if (kind !== "finish" || answer.kind !== "written") return answer;
        fired();
        const createdAt = answer.row.lastUpdatedAt;
        backend.patch(write.taskId, () => ({ createdAt }));
        return { ...answer, row: { ...answer.row, createdAt } };
      }),
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
    mayAlso: [
      "cancel/race-update",
      "durable/own-win",
      "wait/outage",
      "wait/gap",
      "lifecycle/updated-moves",
      "wait/abort",
      "wait/hint-and-poll",
      "wait/many",
      "wait/peer",
    ],
    driver: (driver, { fired }) =>
      rewriting(driver, (write, kind) => (kind === "report" ? (fired(), { ...write, quiet: true }) : write)),
  }),
  defineMutant({
    name: "revision-on-refusal",
    fault: "A refused report moves the revision.",
    killedBy: ["lifecycle/revision"],
    mayAlso: ["lifecycle/terminal-final", "cancel/race-update", "lease", "ttl/restart-once", "wait/quiet"],
    driver: (driver, { backend, fired }) =>
      intercepting(driver, async (write, kind, send) => {
        const answer = await send(write);
        if (kind !== "report" || answer.kind !== "refused") return answer;
        fired();
        backend.patch(write.taskId, () => ({ revision: backend.nowUs() }));
        return answer;
      }),
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
    name: "message-empty-kept",
    fault: "An empty message is taken for none.",
    killedBy: ["lifecycle/message"],
    store: (store, { fired }) =>
      overStore(store, {
        root: (inner) => ({
          async updateTask(taskId, { statusMessage, ...change }, options) {
            if (statusMessage === undefined) return inner.updateTask(taskId, change, options);
            if (statusMessage !== "") return inner.updateTask(taskId, { ...change, statusMessage }, options);
            fired();
            const known = await inner.getTask(taskId);
            return inner.updateTask(taskId, { ...change, statusMessage: known?.statusMessage ?? "" }, options);
          },
        }),
      }),
  }),
  defineMutant({
    name: "end-message-empty-kept",
    fault: "An empty message at the end of a task is taken for none.",
    killedBy: ["lifecycle/message"],
    store: (store, { fired }) =>
      overStore(store, {
        root: (inner) => ({
          async finishTask(taskId, outcome, { statusMessage, ...options } = {}) {
            if (statusMessage !== "") return inner.finishTask(taskId, outcome, { ...options, statusMessage });
            fired();
            return inner.finishTask(taskId, outcome, options);
          },
        }),
      }),
  }),
];
