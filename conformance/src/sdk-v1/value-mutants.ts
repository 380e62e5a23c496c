import type { TaskStatus } from "@mcp-task-store/core";
import type { Mutant } from "../mutants/mutant.ts";
import { defineSdkMutant } from "./define-sdk-mutant.ts";

/** Faults in values, times, pages and messages, and in what outlives what. */
export const valueMutants: readonly Mutant[] = [
  defineSdkMutant({
    name: "v1-null-dropped",
    fault: "Nulls in a result are left out.",
    killedBy: "v1/payload",
    mayAlso: ["finish"],
    store: (store, _tasks, fired) => ({
      async getTaskResult(taskId, session) {
        const result = await store.getTaskResult(taskId, session);
        const kept = Object.entries(result).filter(([, value]) => value !== null);
        if (kept.length < Object.keys(result).length) fired();
        return Object.fromEntries(kept);
      },
    }),
  }),
  defineSdkMutant({
    name: "v1-status-free",
    fault: "Any text is a status.",
    killedBy: "v1/status",
    store: (store, tasks, fired) => ({
      async updateTaskStatus(taskId, status, statusMessage, session) {
        const stored = tasks.get(taskId);
        const known: ReadonlySet<string> = new Set(["working", "input_required", "completed", "failed", "cancelled"]);
        if (stored === undefined || known.has(status))
          return store.updateTaskStatus(taskId, status, statusMessage, session);
        fired();
        stored.task = { ...stored.task, status };
      },
    }),
  }),
  defineSdkMutant({
    name: "v1-message-kept",
    fault: "An empty status message is taken for none.",
    killedBy: "v1/message",
    store: (store, _tasks, fired) => ({
      updateTaskStatus(taskId, status: TaskStatus, statusMessage, session) {
        if (statusMessage === "") fired();
        return store.updateTaskStatus(taskId, status, statusMessage === "" ? undefined : statusMessage, session);
      },
    }),
  }),
  defineSdkMutant({
    name: "v1-time-epoch",
    fault: "Instants are numbers as text.",
    killedBy: "v1/times",
    mayAlso: ["lifecycle/updated-moves", "list/complete", "ttl"],
    store: (store, _tasks, fired) => ({
      async getTask(taskId, session) {
        const task = await store.getTask(taskId, session);
        if (task === null) return null;
        fired();
        return { ...task, createdAt: String(Date.parse(task.createdAt)) };
      },
    }),
  }),
  defineSdkMutant({
    name: "v1-created-moves",
    fault: "The end of a task sets createdAt anew.",
    killedBy: "v1/times",
    mayAlso: ["list"],
    store: (store, tasks, fired) => ({
      async storeTaskResult(taskId, status, result, session) {
        await store.storeTaskResult(taskId, status, result, session);
        const stored = tasks.get(taskId);
        if (stored === undefined) return;
        fired();
        stored.task = { ...stored.task, createdAt: stored.task.lastUpdatedAt };
      },
    }),
  }),
  defineSdkMutant({
    name: "v1-result-in-memory",
    fault: "Results are kept by the process that stored them.",
    killedBy: "v1/reopen",
    mayAlso: ["cancel", "finish", "ttl"],
    store(store, tasks, fired) {
      const results = new Map<string, string>();
      return {
        async storeTaskResult(taskId, status, result, session) {
          await store.storeTaskResult(taskId, status, result, session);
          results.set(taskId, JSON.stringify(result));
          const stored = tasks.get(taskId);
          if (stored !== undefined) stored.result = undefined;
        },
        async getTaskResult(taskId, session) {
          const known = results.get(taskId);
          const stored = tasks.get(taskId);
          if (stored === undefined || known === undefined) fired();
          if (stored !== undefined) stored.result = known;
          return store.getTaskResult(taskId, session).finally(() => {
            if (stored !== undefined) stored.result = undefined;
          });
        },
      };
    },
  }),
  defineSdkMutant({
    name: "v1-ttl-zero-for-ever",
    fault: "A ttl of 0 is kept as it is, and means no ttl.",
    killedBy: "v1/ttl",
    store: (store, tasks, fired) => ({
      async createTask(params, ...call) {
        if (params.ttl !== 0) return store.createTask(params, ...call);
        fired();
        const task = await store.createTask({ ...params, ttl: null }, ...call);
        const stored = tasks.get(task.taskId);
        if (stored !== undefined) stored.task = { ...stored.task, ttl: 0 };
        return { ...task, ttl: 0 };
      },
    }),
  }),
  defineSdkMutant({
    name: "v1-ttl-nan",
    fault: "A ttl that is no number is kept as it is.",
    killedBy: "v1/ttl",
    store: (store, tasks, fired) => ({
      async createTask(params, ...call) {
        const { ttl } = params;
        if (typeof ttl !== "number" || !Number.isNaN(ttl)) return store.createTask(params, ...call);
        fired();
        const task = await store.createTask({ ...params, ttl: null }, ...call);
        const stored = tasks.get(task.taskId);
        if (stored !== undefined) stored.task = { ...stored.task, ttl };
        return { ...task, ttl };
      },
    }),
  }),
  defineSdkMutant({
    name: "v1-cursor-lookup",
    fault: "A cursor is the id of a task, and is unknown when that is gone.",
    killedBy: "v1/cursor-task-gone",
    store: (store, _tasks, fired) => ({
      async listTasks(cursor, session) {
        const named = cursor?.replace(/^after /, "");
        if (named !== undefined && (await store.getTask(named, session)) === null) {
          fired();
          throw Object.assign(new Error("invalid cursor"), { code: -32_602 });
        }
        return store.listTasks(cursor, session);
      },
    }),
  }),
  defineSdkMutant({
    name: "v1-queue-outlives",
    fault: "Messages stay when their task has expired.",
    killedBy: "v1/queue-ends",
    queue: (queue, tasks, fired) => ({
      async dequeueAll(taskId, session) {
        const stored = tasks.get(taskId);
        if (stored === undefined || stored.session !== session) return queue.dequeueAll(taskId, session);
        if (performance.now() >= stored.endsAtMs) fired();
        return stored.queue.splice(0);
      },
    }),
  }),
  defineSdkMutant({
    name: "v1-bad-cursor-first-page",
    fault: "An unknown cursor means the first page.",
    killedBy: "v1/bad-cursor",
    mayAlso: ["v1/codes"],
    store: (store, _tasks, fired) => ({
      listTasks: (cursor, session) =>
        store.listTasks(cursor, session).catch(() => {
          fired();
          return store.listTasks(undefined, session);
        }),
    }),
  }),
  defineSdkMutant({
    name: "v1-drain-read-clear",
    fault: "All messages are read, and then all are removed.",
    killedBy: "v1/queue-drain",
    queue: (queue, tasks, fired) => ({
      async dequeueAll(taskId, session) {
        const stored = tasks.get(taskId);
        const isThere = stored !== undefined && stored.session === session && performance.now() < stored.endsAtMs;
        if (!isThere) return queue.dequeueAll(taskId, session);
        const read = [...stored.queue];
        for (let turn = 0; turn < 6; turn += 1) await Promise.resolve();
        if (stored.queue.length > read.length) fired();
        await queue.dequeueAll(taskId, session);
        return read;
      },
    }),
  }),
];
