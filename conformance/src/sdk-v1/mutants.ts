import { isTerminal, type TaskStatus } from "@mcp-task-store/core";
import type { Mutant } from "../mutants/mutant.ts";
import { connectSdk } from "./connect-sdk.ts";
import { fromSdkV1, type SdkOwners } from "./from-sdk-v1.ts";
import { plainSdkStores, type SdkTasks } from "./plain-sdk-stores.ts";
import type { SdkMessageQueue, SdkTaskStore } from "./sdk-interfaces.ts";
import { SDK_V1_RULES, SDK_V1_SESSION_RULES } from "./sdk-v1-rules.ts";

/** A fault in otherwise correct stores of the SDK's interfaces. */
interface SdkFault {
  readonly name: string;
  readonly fault: string;
  readonly killedBy: string;
  readonly mayAlso?: readonly string[];
  readonly store?: (store: SdkTaskStore, tasks: SdkTasks, fired: () => void) => Partial<SdkTaskStore>;
  readonly queue?: (queue: SdkMessageQueue, tasks: SdkTasks, fired: () => void) => Partial<SdkMessageQueue>;
}

function defineSdkMutant({
  name,
  fault,
  killedBy,
  mayAlso = [],
  store: changeStore,
  queue: changeQueue,
}: SdkFault): Mutant {
  return {
    name,
    fault,
    killedBy: [killedBy],
    mayAlso,
    alone: false,
    onlyIn: undefined,
    plant() {
      let count = 0;
      const fired = (): void => {
        count += 1;
      };
      const open = (tasks: SdkTasks): { readonly store: SdkTaskStore; readonly queue: SdkMessageQueue } => {
        const { store, queue } = plainSdkStores(tasks);
        return {
          store: { ...store, ...changeStore?.(store, tasks, fired) },
          queue: { ...queue, ...changeQueue?.(queue, tasks, fired) },
        };
      };
      const target = {
        name,
        opensTwice: true,
        settings: [],
        rules: [...SDK_V1_RULES, ...SDK_V1_SESSION_RULES],
        async namespace() {
          const tasks: SdkTasks = new Map();
          const owners: SdkOwners = new Map();
          return {
            async open() {
              const { store, queue } = open(tasks);
              return fromSdkV1(store, queue, owners);
            },
            openSdkV1: async () => ({ ...open(tasks), connect: connectSdk }),
            [Symbol.asyncDispose]: async () => undefined,
          };
        },
      };
      return { target, fired: () => count };
    },
  };
}

/** Without anything wrong: what the mutants are made of. */
export const plainSdk: Mutant = defineSdkMutant({ name: "plain SDK store", fault: "None.", killedBy: "" });

/** Stores of the SDK 1.x interfaces that are wrong on purpose, one fault each. */
export const sdkV1Mutants: readonly Mutant[] = [
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
