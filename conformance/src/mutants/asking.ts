import type { TaskContext } from "@mcp-task-store/core";
import { taskExecution } from "@mcp-task-store/core";
import type { TaskExecution } from "../target.ts";
import { contextWith } from "./cancel.ts";
import { defineMutant, type Mutant } from "./mutant.ts";
import { rewriting, unguarded } from "./over-driver.ts";
import { hang, mapTasks, overStore } from "./over-store.ts";

type WaitForInputs = TaskContext["waitForInputs"];

/** Runs whose handlers wait for answers in another way. */
function waitingFor(
  wait: (context: TaskContext, fired: () => void) => WaitForInputs,
): (fired: () => void) => TaskExecution {
  return (fired) => (store, taskId, handler, options) =>
    taskExecution(
      store,
      taskId,
      (context) => handler(contextWith(context, { waitForInputs: wait(context, fired) })),
      options,
    );
}

export const asking: readonly Mutant[] = [
  defineMutant({
    name: "release-shows-before",
    fault: "A release answers with the task as it was read before the write.",
    killedBy: ["inputs/handover"],
    mayAlso: ["cancel/race-update", "lease", "cancel/coop-asked", "durable/reopen", "ttl/given-back"],
    store: (store, { fired }) =>
      overStore(store, {
        root: (inner) => ({
          async releaseLease(taskId, token, options) {
            const before = await inner.getTask(taskId);
            const after = await inner.releaseLease(taskId, token, options);
            if (before === undefined) return after;
            fired();
            return before;
          },
        }),
      }),
  }),
  defineMutant({
    name: "answer-shows-before",
    fault: "An answer shows the lease that the task had before the write.",
    killedBy: ["inputs/handover"],
    mayAlso: ["lifecycle/copies-in"],
    store: (store, { fired }) =>
      overStore(store, {
        methods: (inner) => ({
          async answerInputs(taskId, answers, options) {
            const before = await inner.getTask(taskId);
            const after = await inner.answerInputs(taskId, answers, options);
            if (before?.lease === undefined || after.lease !== undefined) return after;
            fired();
            const { claimBy: _, ...held } = after;
            return { ...held, lease: before.lease };
          },
        }),
      }),
  }),
  defineMutant({
    name: "exec-inputs-first",
    fault: "A handler that waits for several answers goes on with the first.",
    killedBy: ["exec/inputs"],
    execute: waitingFor((context, fired) => async (keys) => {
      if (keys.length > 1) fired();
      return await Promise.race(keys.map((key) => context.waitForInputs([key])));
    }),
  }),
  defineMutant({
    name: "exec-inputs-deaf",
    fault: "A handler that waits for answers does not hear that it should stop.",
    killedBy: ["exec/inputs"],
    execute: waitingFor((context, fired) => async (keys) => {
      try {
        return await context.waitForInputs(keys);
      } catch (error) {
        fired();
        await hang();
        throw error;
      }
    }),
  }),
  defineMutant({
    name: "coop-spares-asked",
    fault: "A requested cancellation of a task that waits for answers is only noted, though nobody holds it.",
    killedBy: ["cancel/coop-asked"],
    driver: (driver, { backend, fired }) =>
      rewriting(driver, (write, kind) => {
        if (kind !== "request-cancel" || backend.rows.get(write.taskId)?.status !== "input_required") return write;
        fired();
        return unguarded({ ...write, alternatives: write.alternatives.slice(1) }, "lease");
      }),
  }),
  defineMutant({
    name: "coop-kills-asked",
    fault: "A requested cancellation of a task that waits for answers cancels it, whoever holds it.",
    killedBy: ["cancel/coop-asked"],
    mayAlso: ["exec/inputs"],
    driver: (driver, { backend, fired }) =>
      rewriting(driver, (write, kind) => {
        if (kind !== "request-cancel" || backend.rows.get(write.taskId)?.status !== "input_required") return write;
        fired();
        return unguarded({ ...write, alternatives: write.alternatives.slice(0, 1) }, "lease");
      }),
  }),
  defineMutant({
    name: "generation-dropped",
    fault: "A task's generation is not stored.",
    killedBy: ["lifecycle/generation"],
    mayAlso: ["finish", "durable/reopen"],
    store: (store, { fired }) =>
      overStore(store, {
        root: (inner) => ({
          createTask: async ({ generation, ...params } = {}, options) => {
            if (generation !== undefined && generation !== null) fired();
            return await inner.createTask(params, options);
          },
        }),
      }),
  }),
  defineMutant({
    name: "generation-by-end",
    fault: "A task's generation is guessed from how it ended.",
    killedBy: ["lifecycle/generation"],
    mayAlso: ["durable", "lifecycle", "finish", "durable/reopen", "wait", "watch", "cancel", "list"],
    store: (store, { fired }) =>
      mapTasks(store, (task) => {
        if (task.status !== "completed" || task.generation === "2026-07-28") return task;
        fired();
        return { ...task, generation: "2026-07-28" };
      }),
  }),
];
