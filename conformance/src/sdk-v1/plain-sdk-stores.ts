import { generateTaskId, isTerminal, type JsonObject, type QueuedMessage, type TaskStatus } from "@mcp-task-store/core";
import { McpError } from "@modelcontextprotocol/sdk/types.js";
import type { SdkMessageQueue, SdkTask, SdkTaskStore } from "./sdk-interfaces.ts";

const INVALID_PARAMS = -32_602;
const PAGE = 10;
const STATUSES: ReadonlySet<string> = new Set(["working", "input_required", "completed", "failed", "cancelled"]);

/** An error that the SDK passes on with its code: it does so with its own class only. */
function invalidParams(message: string): McpError {
  return new McpError(INVALID_PARAMS, message);
}

export interface StoredSdkTask {
  task: SdkTask;
  readonly session: string | undefined;
  /** ms of `performance.now()`. */
  endsAtMs: number;
  result: string | undefined;
  readonly queue: QueuedMessage[];
}

/** The tasks behind a plain store, for mutants to plant their faults in. In the order of their creation. */
export type SdkTasks = Map<string, StoredSdkTask>;

/** A correct store of the SDK 1.x interfaces in a Map, and the queue beside it. */
export function plainSdkStores(tasks: SdkTasks): { readonly store: SdkTaskStore; readonly queue: SdkMessageQueue } {
  const found = (taskId: string, session: string | undefined): StoredSdkTask | undefined => {
    const stored = tasks.get(taskId);
    return stored !== undefined && stored.session === session && isThere(stored) ? stored : undefined;
  };
  const open = (taskId: string, session: string | undefined): StoredSdkTask => {
    const stored = found(taskId, session);
    if (stored === undefined) throw invalidParams("Task not found");
    if (isTerminal(stored.task.status)) throw invalidParams(`The task is ${stored.task.status}`);
    return stored;
  };
  const change = (stored: StoredSdkTask, status: TaskStatus, statusMessage: string | undefined): void => {
    const lastUpdatedAt = new Date().toISOString();
    stored.task = { ...stored.task, status, lastUpdatedAt, ...(statusMessage === undefined ? {} : { statusMessage }) };
    if (isTerminal(status)) stored.endsAtMs = endOf(stored.task.ttl);
  };
  const store: SdkTaskStore = {
    async createTask({ ttl = null, pollInterval = 500 }, _requestId, _request, session) {
      if (ttl !== null && !(Number.isSafeInteger(ttl) && ttl > 0))
        throw invalidParams("ttl must be a positive integer");
      const createdAt = new Date().toISOString();
      const task: SdkTask = {
        taskId: generateTaskId(),
        status: "working",
        createdAt,
        lastUpdatedAt: createdAt,
        ttl,
        pollInterval,
      };
      tasks.set(task.taskId, { task, session, endsAtMs: endOf(ttl), result: undefined, queue: [] });
      return { ...task };
    },
    async getTask(taskId, session) {
      const stored = found(taskId, session);
      return stored === undefined ? null : { ...stored.task };
    },
    async storeTaskResult(taskId, status, result, session) {
      const stored = open(taskId, session);
      stored.result = JSON.stringify(result);
      change(stored, status, undefined);
    },
    async getTaskResult(taskId, session) {
      const stored = found(taskId, session);
      if (stored?.result === undefined) throw invalidParams("Task not found, or without a result");
      const result: JsonObject = JSON.parse(stored.result);
      return result;
    },
    async updateTaskStatus(taskId, status, statusMessage, session) {
      const stored = open(taskId, session);
      if (!STATUSES.has(status)) throw invalidParams("unknown status");
      if (status === "completed") throw invalidParams("a task is completed by its result");
      change(stored, status, statusMessage);
    },
    async listTasks(cursor, session) {
      const own = [...tasks.values()].filter((stored) => stored.session === session && isThere(stored));
      const all = [...tasks.keys()];
      const at = cursor === undefined ? -1 : all.indexOf(cursor.replace(/^after /, ""));
      const named = at < 0 ? undefined : tasks.get(all[at] ?? "");
      if (cursor !== undefined && (named === undefined || named.session !== session))
        throw invalidParams("invalid cursor");
      const rest = own.filter(({ task }) => all.indexOf(task.taskId) > at);
      const page = rest.slice(0, PAGE).map(({ task }) => ({ ...task }));
      const last = page.at(-1);
      return rest.length > PAGE && last !== undefined
        ? { tasks: page, nextCursor: `after ${last.taskId}` }
        : { tasks: page };
    },
  };
  const queue: SdkMessageQueue = {
    async enqueue(taskId, message, session, maxSize = Infinity) {
      const stored = open(taskId, session);
      if (stored.queue.length >= maxSize) throw new Error("The queue is full");
      stored.queue.push(structuredClone(message));
    },
    dequeue: async (taskId, session) => found(taskId, session)?.queue.shift(),
    dequeueAll: async (taskId, session) => found(taskId, session)?.queue.splice(0) ?? [],
  };
  return { store, queue };
}

function endOf(ttl: number | null): number {
  return ttl === null ? Infinity : performance.now() + ttl;
}

/** Expired ones stay in the Map, so that a cursor may name one. */
function isThere({ endsAtMs }: StoredSdkTask): boolean {
  return performance.now() < endsAtMs;
}
