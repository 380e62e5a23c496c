import { isTerminal } from "@mcp-task-store/core";
import type { Mutant } from "../mutants/mutant.ts";
import { defineSdkMutant } from "./define-sdk-mutant.ts";

/** Faults in how tasks end, in who sees them, and in what is a copy. */
export const taskMutants: readonly Mutant[] = [
  defineSdkMutant({
    name: "v1-live-create",
    fault: "createTask answers with the very object that the store goes on changing.",
    killedBy: "v1/snapshots",
    store: (store, tasks, fired) => ({
      async createTask(...call) {
        const task = await store.createTask(...call);
        const stored = tasks.get(task.taskId);
        if (stored === undefined) return task;
        const live = { ...stored.task };
        Object.defineProperty(stored, "task", {
          get: () => live,
          set: (next: object) => {
            fired();
            Object.assign(live, next);
          },
        });
        return live;
      },
    }),
  }),
  defineSdkMutant({
    name: "v1-live-result",
    fault: "Results are kept and handed out as the object that was given.",
    killedBy: "v1/snapshots",
    store(store, _tasks, fired) {
      const live = new Map<string, Readonly<Record<string, unknown>>>();
      return {
        async storeTaskResult(taskId, status, result, session) {
          await store.storeTaskResult(taskId, status, result, session);
          live.set(taskId, result);
        },
        async getTaskResult(taskId, session) {
          const copy = await store.getTaskResult(taskId, session);
          fired();
          return live.get(taskId) ?? copy;
        },
      };
    },
  }),
  defineSdkMutant({
    name: "v1-trusts-sdk",
    fault: "The status is set whatever it was: the SDK has looked before.",
    killedBy: "v1/guards",
    mayAlso: ["v1/codes", "cancel", "finish"],
    store: (store, tasks, fired) => ({
      async updateTaskStatus(taskId, status, statusMessage, session) {
        const stored = tasks.get(taskId);
        if (stored === undefined || stored.session !== session || !isTerminal(stored.task.status)) {
          return store.updateTaskStatus(taskId, status, statusMessage, session);
        }
        fired();
        stored.task = { ...stored.task, status };
      },
    }),
  }),
  defineSdkMutant({
    name: "v1-plain-error",
    fault: "Refusals are errors without a code.",
    killedBy: "v1/codes",
    store: (store, _tasks, fired) => ({
      updateTaskStatus: (...call) =>
        store.updateTaskStatus(...call).catch((error: unknown) => {
          fired();
          throw new Error("It has ended", { cause: error });
        }),
    }),
  }),
  defineSdkMutant({
    name: "v1-row-spread",
    fault: "A task carries what the store keeps besides.",
    killedBy: "v1/fields",
    store: (store, _tasks, fired) => ({
      async getTask(taskId, session) {
        const task = await store.getTask(taskId, session);
        if (task === null) return null;
        fired();
        return { ...task, sessionId: session };
      },
    }),
  }),
  defineSdkMutant({
    name: "v1-session-ignored",
    fault: "A result is read by whoever knows the id.",
    killedBy: "v1/session",
    store: (store, tasks, fired) => ({
      async getTaskResult(taskId, session) {
        const owner = tasks.get(taskId)?.session;
        if (tasks.has(taskId) && owner !== session) fired();
        return store.getTaskResult(taskId, owner);
      },
    }),
  }),
  defineSdkMutant({
    name: "v1-unbound-public",
    fault: "A task without a session is found in every session.",
    killedBy: "v1/unbound",
    store: (store, tasks, fired) => ({
      async getTask(taskId, session) {
        const stored = tasks.get(taskId);
        if (stored === undefined || stored.session !== undefined) return store.getTask(taskId, session);
        if (session !== undefined) fired();
        return store.getTask(taskId, undefined);
      },
    }),
  }),
  defineSdkMutant({
    name: "v1-queue-open",
    fault: "Messages are taken by whoever has no session.",
    killedBy: "v1/unbound",
    queue: (queue, tasks, fired) => ({
      async dequeue(taskId, session) {
        const owner = tasks.get(taskId)?.session;
        if (session !== undefined || owner === undefined) return queue.dequeue(taskId, session);
        fired();
        return queue.dequeue(taskId, owner);
      },
    }),
  }),
  defineSdkMutant({
    name: "v1-bare-hangs",
    fault: "A task may be completed without a result, and who reads that waits for it.",
    killedBy: "v1/bare",
    store: (store, tasks, fired) => ({
      async updateTaskStatus(taskId, status, statusMessage, session) {
        const stored = tasks.get(taskId);
        if (status !== "completed" || stored === undefined || isTerminal(stored.task.status)) {
          return store.updateTaskStatus(taskId, status, statusMessage, session);
        }
        stored.task = { ...stored.task, status };
      },
      async getTaskResult(taskId, session) {
        const stored = tasks.get(taskId);
        if (stored?.task.status !== "completed" || stored.result !== undefined)
          return store.getTaskResult(taskId, session);
        fired();
        return new Promise(() => undefined);
      },
    }),
  }),
];
