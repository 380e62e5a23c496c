import { setImmediate } from "node:timers/promises";
import type { TaskContext, TaskStore } from "@mcp-task-store/core";
import { isTerminal, taskExecution, TaskStoreError } from "@mcp-task-store/core";
import { defineMutant, type Mutant } from "./mutant.ts";
import { eachAlternative, intercepting, rewriting, unguarded } from "./over-driver.ts";
import { hang, onCode, overStore } from "./over-store.ts";

/** The context with some of its parts replaced. */
export function contextWith(context: TaskContext, parts: Partial<TaskContext>): TaskContext {
  return new Proxy(context, {
    get(target, key): unknown {
      if (Object.hasOwn(parts, key)) return Reflect.get(parts, key);
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** A cancel as compare-and-set: only if nothing changed between a read and a round trip. */
function starving(store: TaskStore, fired: () => void): TaskStore {
  return overStore(store, {
    methods: (inner) => ({
      async cancelTask(taskId, options) {
        for (;;) {
          const before = await inner.getTask(taskId);
          await setImmediate();
          const after = await inner.getTask(taskId);
          if (before?.revision === after?.revision) return inner.cancelTask(taskId, options);
          fired();
        }
      },
    }),
  });
}

export const cancel: readonly Mutant[] = [
  defineMutant({
    name: "cancel-overwrites",
    fault: "A cancel is written whatever the status.",
    killedBy: ["cancel/terminal-rejected"],
    mayAlso: [
      "lifecycle/copies-out",
      "lifecycle/revision",
      "lifecycle/terminal-final",
      "cancel/race-finish",
      "finish/one-winner",
      "bad/typed",
    ],
    driver: (driver, { backend, fired }) =>
      rewriting(driver, (write, kind) => {
        const row = backend.rows.get(write.taskId);
        if (kind !== "cancel" || row === undefined || !isTerminal(row.status)) return write;
        fired();
        return unguarded(write, "open");
      }),
  }),
  defineMutant({
    name: "cancel-silent",
    fault: "Cancelling an ended task returns it instead of refusing.",
    killedBy: ["cancel/terminal-rejected"],
    mayAlso: [
      "ttl/maintain-race",
      "lifecycle/revision",
      "lifecycle/terminal-final",
      "cancel/race-finish",
      "finish/one-winner",
      "bad/typed",
    ],
    store: (store, { fired }) =>
      overStore(store, {
        methods: (inner) => ({
          cancelTask: (taskId, options) =>
            onCode("TASK_TERMINAL", inner.cancelTask(taskId, options), ({ task }) => {
              fired();
              return task ?? hang().then(() => inner.cancelTask(taskId));
            }),
        }),
      }),
  }),
  defineMutant({
    name: "cancel-toctou",
    fault: "A cancel reads, checks, and then writes without a condition.",
    killedBy: ["cancel/race-finish"],
    mayAlso: ["finish/one-winner"],
    driver: (driver, { backend, fired }) =>
      intercepting(driver, async (write, kind, send) => {
        if (kind !== "cancel") return send(write);
        const { rows } = await driver.read([write.taskId]);
        if (rows.some((row) => isTerminal(row.status))) return send(write);
        if (isTerminal(backend.rows.get(write.taskId)?.status ?? "working")) fired();
        return send(unguarded(write, "open"));
      }),
  }),
  defineMutant({
    name: "refusal-stale",
    fault: "A refused cancel carries the task as it was read before.",
    killedBy: ["cancel/race-finish", "finish/one-winner"],
    mayAlso: ["durable/unknown"],
    store: (store, { fired }) =>
      overStore(store, {
        methods: (inner) => ({
          async cancelTask(taskId, options) {
            const before = await inner.getTask(taskId, options);
            return onCode("TASK_TERMINAL", inner.cancelTask(taskId, options), ({ task = before }) => {
              if (task?.revision !== before?.revision) fired();
              throw new TaskStoreError("TASK_TERMINAL", "It ended.", before && { task: before });
            });
          },
        }),
      }),
  }),
  defineMutant({
    name: "cancel-both-win",
    fault: "Cancelling a cancelled task succeeds again.",
    killedBy: ["cancel/race-finish"],
    mayAlso: ["lifecycle/terminal-final", "cancel/terminal-rejected", "finish/one-winner"],
    store: (store, { fired }) =>
      overStore(store, {
        methods: (inner) => ({
          cancelTask: (taskId, options) =>
            onCode("TASK_TERMINAL", inner.cancelTask(taskId, options), ({ task }) => {
              if (task?.status !== "cancelled")
                throw new TaskStoreError("TASK_TERMINAL", "It ended.", task && { task });
              fired();
              return task;
            }),
        }),
      }),
  }),
  defineMutant({
    name: "late-result-kept",
    fault: "A result that comes after a cancel is stored beside the status.",
    killedBy: ["cancel/late-result"],
    store(store, { backend, fired }) {
      return overStore(store, {
        methods: (inner) => ({
          async getOutcome(taskId, options) {
            const outcome = await inner.getOutcome(taskId, options);
            const late = backend.rows.get(taskId)?.outcome;
            if (outcome?.status !== "cancelled" || typeof late !== "string") return outcome;
            fired();
            return { status: "completed", ...JSON.parse(late) };
          },
        }),
        root: (inner) => ({
          finishTask: (taskId, outcome, options) =>
            onCode("TASK_TERMINAL", inner.finishTask(taskId, outcome, options), ({ task }) => {
              if (task?.status === "cancelled" && "result" in outcome) {
                backend.patch(taskId, () => ({ outcome: JSON.stringify({ result: outcome.result }) }));
              }
              throw new TaskStoreError("TASK_TERMINAL", "It ended.", task && { task });
            }),
        }),
      });
    },
  }),
  defineMutant({
    name: "coop-hard",
    fault: "A requested cancellation cancels at once, whoever works on the task.",
    killedBy: ["cancel/coop"],
    mayAlso: [
      "ttl/restart-once",
      "lifecycle/copies-out",
      "lifecycle/shape",
      "durable/reopen",
      "cancel/coop-asked",
      "clock/stamps",
    ],
    driver: (driver, { fired }) =>
      rewriting(driver, (write, kind) => {
        if (kind !== "request-cancel") return write;
        fired();
        return unguarded({ ...write, alternatives: write.alternatives.slice(0, 1) }, "lease");
      }),
  }),
  defineMutant({
    name: "coop-waits-for-none",
    fault: "A requested cancellation of a task that nobody holds is only noted.",
    killedBy: ["cancel/coop"],
    mayAlso: ["cancel/coop-orphan", "cancel/coop-asked"],
    driver: (driver, { fired }) =>
      rewriting(driver, (write, kind) => {
        if (kind !== "request-cancel") return write;
        fired();
        return unguarded({ ...write, alternatives: write.alternatives.slice(1) }, "lease");
      }),
  }),
  defineMutant({
    name: "coop-from-cache",
    fault: "Whether somebody works on a task is judged by the process's last read of it.",
    killedBy: ["cancel/coop"],
    mayAlso: ["cancel/coop-asked", "exec/keeps-terminal", "durable/reopen"],
    store(store, { fired }) {
      const free = new Set<string>();
      return overStore(store, {
        methods: (inner) => ({
          async getTask(taskId, options) {
            const task = await inner.getTask(taskId, options);
            if (task?.lease === undefined) free.add(taskId);
            else free.delete(taskId);
            return task;
          },
          async requestCancellation(taskId, options) {
            const task = await inner.requestCancellation(taskId, options);
            if (!free.has(taskId) || isTerminal(task.status)) return task;
            fired();
            return inner.cancelTask(taskId, options);
          },
        }),
      });
    },
  }),
  defineMutant({
    name: "coop-restamps",
    fault: "Each request sets cancelRequestedAt anew.",
    killedBy: ["cancel/coop"],
    driver: (driver, { backend, fired }) =>
      intercepting(driver, async (write, kind, send) => {
        const answer = await send(write);
        if (kind !== "request-cancel" || answer.kind === "gone") return answer;
        fired();
        const cancelRequestedAt = backend.nowMs();
        backend.patch(write.taskId, () => ({ cancelRequestedAt }));
        return { ...answer, row: { ...answer.row, cancelRequestedAt } };
      }),
  }),
  defineMutant({
    name: "coop-throws",
    fault: "Requesting the cancellation of an ended task is refused.",
    killedBy: ["cancel/coop"],
    store: (store, { fired }) =>
      overStore(store, {
        methods: (inner) => ({
          async requestCancellation(taskId, options) {
            const task = await inner.getTask(taskId);
            if (task === undefined || !isTerminal(task.status)) return inner.requestCancellation(taskId, options);
            fired();
            throw new TaskStoreError("TASK_TERMINAL", "It ended.", { task });
          },
        }),
      }),
  }),
  defineMutant({
    name: "coop-forgotten",
    fault: "Maintenance does not look for a wish to cancel.",
    killedBy: ["cancel/coop-orphan"],
    driver: (driver, { fired }) =>
      rewriting(driver, (write, kind) => {
        if (kind !== "recover") return write;
        fired();
        return eachAlternative(write, (one) => (one.when.cancelRequested === true ? undefined : one));
      }),
  }),
  defineMutant({
    name: "cancelled-counted-failed",
    fault: "Maintenance reports the tasks that it cancelled as failed.",
    killedBy: ["cancel/coop-orphan"],
    store: (store, { fired }) =>
      overStore(store, {
        root: (inner) => ({
          async maintain(options) {
            const report = await inner.maintain(options);
            if (report.cancelled === 0) return report;
            fired();
            return { ...report, failed: report.failed + report.cancelled, cancelled: 0 };
          },
        }),
      }),
  }),
  defineMutant({
    name: "cancel-starves",
    fault: "A cancel starts again whenever the task changed meanwhile.",
    killedBy: ["cancel/not-starved"],
    mayAlso: ["durable/unknown"],
    store: (store, { fired }) => starving(store, fired),
  }),
  defineMutant({
    name: "signal-local",
    fault: "A worker does not watch its task: cancels of other processes do not reach it.",
    killedBy: ["cancel/signal"],
    mayAlso: ["cancel/signal-early", "exec/keeps-terminal", "exec/inputs"],
    execute: (fired) => (store, taskId, handler, options) => {
      const deaf = overStore(store, {
        methods: () => ({ waitForUpdate: (_taskId, { signal }) => (fired(), hang(signal)) }),
        root: () => ({
          watchTasks: () => ({
            [Symbol.asyncIterator]: () => ({ next: () => hang().then(() => ({ done: true, value: undefined })) }),
          }),
        }),
      });
      return taskExecution(deaf, taskId, handler, options);
    },
  }),
  defineMutant({
    name: "signal-all",
    fault: "One abort signal serves every run of the process.",
    killedBy: ["cancel/signal"],
    mayAlso: ["exec/lost-lease", "cancel/signal-early", "exec/max-run"],
    execute: (fired) => {
      const shared = new AbortController();
      return (store, taskId, handler, options) =>
        taskExecution(
          store,
          taskId,
          (context) => {
            context.signal.addEventListener("abort", () => (fired(), shared.abort()));
            return handler(contextWith(context, { signal: shared.signal }));
          },
          options,
        );
    },
  }),
];
