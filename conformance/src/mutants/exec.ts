import type { Lease, TaskContext } from "@mcp-task-store/core";
import { taskExecution } from "@mcp-task-store/core";
import type { TaskExecution } from "../target.ts";
import { contextWith } from "./cancel.ts";
import { defineMutant, type Mutant } from "./mutant.ts";
import { eachAlternative, intercepting, rewriting, unguarded } from "./over-driver.ts";
import { onCode, overStore } from "./over-store.ts";

/** The message that marks a write of `exec-fail-blind`. */
const BLIND = "failed blindly";

type Handler = Parameters<TaskExecution>[2];

/** The handler, but what it throws goes to `caught`; unless that throws again, nothing is returned. */
function catching(handler: Handler, caught: (error: unknown, context: TaskContext) => Promise<void> | void): Handler {
  return async (context) => {
    try {
      return await handler(context);
    } catch (error) {
      await caught(error, context);
      return undefined;
    }
  };
}

export const exec: readonly Mutant[] = [
  defineMutant({
    name: "exec-leaves-working",
    fault: "What a handler throws is swallowed, and the task stays open.",
    killedBy: ["exec/auto-fail"],
    execute: (fired) => (store, taskId, handler, options) =>
      taskExecution(
        store,
        taskId,
        catching(handler, () => fired()),
        options,
      ),
  }),
  defineMutant({
    name: "exec-rethrows",
    fault: "The task fails, and the call rejects, too.",
    killedBy: ["exec/auto-fail"],
    mayAlso: ["exec/keeps-terminal", "lease/handed-on"],
    execute: (fired) => async (store, taskId, handler, options) => {
      const thrown: Error[] = [];
      const task = await taskExecution(
        store,
        taskId,
        catching(handler, (error) => {
          thrown.push(new Error("the handler threw", { cause: error }));
          throw error;
        }),
        options,
      );
      const [error] = thrown;
      if (error === undefined) return task;
      fired();
      throw error;
    },
  }),
  defineMutant({
    name: "exec-reads-message",
    fault: "The message of whatever was thrown is read, as if it were always an Error.",
    killedBy: ["exec/auto-fail"],
    execute: (fired) => async (store, taskId, handler, options) => {
      const thrown: { readonly value: unknown }[] = [];
      const task = await taskExecution(
        store,
        taskId,
        catching(handler, (error) => {
          thrown.push({ value: error });
          throw error;
        }),
        options,
      );
      for (const { value } of thrown) {
        if (value !== undefined && value !== null) continue;
        fired();
        throw new TypeError("Cannot read properties of undefined (reading 'message')");
      }
      return task;
    },
  }),
  defineMutant({
    name: "exec-ghost",
    fault: "For a missing task the handler runs all the same.",
    killedBy: ["exec/auto-fail"],
    execute: (fired) => (store, taskId, handler, options) =>
      onCode("TASK_NOT_FOUND", taskExecution(store, taskId, handler, options), async () => {
        fired();
        const ghost = await store.createTask();
        await taskExecution(store, ghost.taskId, handler, options);
        return taskExecution(store, taskId, handler, options);
      }),
  }),
  defineMutant({
    name: "exec-fail-blind",
    fault: "A throw fails the task even if it has ended before.",
    killedBy: ["exec/keeps-terminal"],
    mayAlso: ["exec/lost-lease", "exec/auto-fail", "lease/handed-on", "exec/inputs"],
    driver: (driver) =>
      rewriting(driver, (write) =>
        write.alternatives[0]?.then.set?.statusMessage === BLIND ? unguarded(write, "open", "lease") : write,
      ),
    execute: (fired) => (store, taskId, handler, options) =>
      taskExecution(
        store,
        taskId,
        catching(handler, async (error) => {
          fired();
          const failure = { code: -32603, message: "blind" };
          await store.finishTask(taskId, { status: "failed", error: failure }, { force: true, statusMessage: BLIND });
          throw error;
        }),
        options,
      ),
  }),
  defineMutant({
    name: "exec-abort-fails",
    fault: "A throw after the signal fired is taken for a failure.",
    killedBy: ["exec/keeps-terminal"],
    mayAlso: ["lease/handed-on", "exec/inputs"],
    execute: (fired) => (store, taskId, handler, options) =>
      taskExecution(
        store,
        taskId,
        catching(handler, async (reason, context) => {
          if (!context.signal.aborted) throw reason;
          fired();
          await context.fail(reason).catch(() => undefined);
          throw reason;
        }),
        options,
      ),
  }),
  defineMutant({
    name: "exec-no-heartbeat",
    fault: "Nothing prolongs the lease of a run.",
    killedBy: ["exec/lease"],
    alone: true,
    execute: (fired) => (store, taskId, handler, options) => {
      const leases = new Map<string, Lease>();
      const silent = overStore(store, {
        root: (inner) => ({
          async acquireLease(id, given) {
            const lease = await inner.acquireLease(id, given);
            if (lease !== undefined) leases.set(id, lease);
            return lease;
          },
          async renewLease(id, token, given) {
            fired();
            return leases.get(id) ?? inner.renewLease(id, token, given);
          },
        }),
      });
      return taskExecution(silent, taskId, handler, options);
    },
  }),
  defineMutant({
    name: "exec-keeps-lease",
    fault: "A run that ends without a result keeps its lease.",
    killedBy: ["exec/lease"],
    mayAlso: ["lease/handed-on"],
    execute: (fired) => (store, taskId, handler, options) => {
      const holding = overStore(store, {
        root: (inner) => ({
          async releaseLease(id, token, given) {
            fired();
            return (await inner.getTask(id)) ?? inner.releaseLease(id, token, given);
          },
        }),
      });
      return taskExecution(holding, taskId, handler, options);
    },
  }),
  defineMutant({
    name: "exec-completes-undefined",
    fault: "A handler that returns nothing completes its task.",
    killedBy: ["exec/lease"],
    mayAlso: ["cancel/signal-early", "cancel/signal"],
    execute: (fired) => (store, taskId, handler, options) =>
      taskExecution(
        store,
        taskId,
        async (context) => {
          const result = await handler(contextWith(context, {}));
          if (result === undefined) fired();
          return result ?? {};
        },
        options,
      ),
  }),
  defineMutant({
    name: "run-forever",
    fault: "maxRunMs is ignored.",
    killedBy: ["exec/max-run"],
    driver: (driver, { fired }) =>
      rewriting(driver, (write, kind) => {
        if (kind !== "acquire") return write;
        return eachAlternative(write, ({ when, then }) => {
          if (typeof then.runInMs === "number") fired();
          return { when, then: { ...then, runInMs: null } };
        });
      }),
  }),
  defineMutant({
    name: "run-restarts",
    fault: "Each heartbeat starts maxRunMs anew.",
    killedBy: ["exec/max-run"],
    driver: (driver, { backend, fired }) =>
      intercepting(driver, async (write, kind, send) => {
        const answer = await send(write);
        const before = backend.rows.get(write.taskId);
        if (kind !== "renew" || answer.kind !== "written" || typeof before?.runUntil !== "number") return answer;
        fired();
        const runUntil = backend.nowMs() + 3_600_000;
        backend.patch(write.taskId, () => ({ runUntil, dueAt: runUntil }));
        return { ...answer, row: { ...answer.row, runUntil } };
      }),
  }),
];
