import type {
  ScopedTaskStore,
  Task,
  TaskChange,
  TaskOutcome,
  TaskStore,
  WriteOptions,
  FinishOptions,
} from "@mcp-task-store/core";
import {
  integerWithin,
  HOUR_MS,
  DAY_MS,
  CENTURY_MS,
  objectWithKeys,
  optionalInteger,
  statusMessage,
} from "./checks.ts";
import { createTask, givenPrincipal } from "./create.ts";
import { Handle, type Reach } from "./handle.ts";
import { IndependentBackend } from "./independent-backend.ts";
import { acquireLease, releaseLease, renewLease } from "./leases.ts";
import { cancel, end, mustBeOpen, mustHold } from "./life.ts";
import { listTasks } from "./listing.ts";
import { maintain, maintainRegularly } from "./maintenance.ts";
import { messageQueue } from "./message-queue.ts";
import { givenOutcome, outcomeFor } from "./outcome.ts";
import { storedObject } from "./plain-json.ts";
import { answerInputs, requestInputs } from "./questions.ts";
import { cappedTtl, type IndependentStoreOptions, settingsFrom } from "./settings.ts";
import { isOpen, liveLease, shownTask } from "./stored-task.ts";
import { givenRevision, waitFor } from "./waiting.ts";
import { watchTasks } from "./watch.ts";

/** Opens a store on a backend, by default one of its own. @throws TaskStoreError INVALID_ARGUMENT */
export function createIndependentStore(
  options: IndependentStoreOptions = {},
  backend: IndependentBackend = new IndependentBackend(),
): TaskStore {
  const handle = new Handle(backend, settingsFrom(options));
  maintainRegularly(handle);
  const close: TaskStore["close"] = async ({ graceMs } = {}) => {
    optionalInteger("graceMs", graceMs, 0, HOUR_MS);
    handle.close();
    // Calls that were made before have their turn before this one.
    await backend.step(() => undefined);
  };
  return {
    ...sharedMethods(handle, undefined),
    capabilities: handle.settings.capabilities,
    messages: messageQueue(handle),
    createTask: (params = {}, call) => createTask(handle, undefined, params, call),
    scoped: (principal) => scopedStore(handle, givenPrincipal(principal)),
    updateTask: (taskId, change, call) => updateTask(handle, taskId, change, call),
    finishTask: (taskId, outcome, call) => finishTask(handle, taskId, outcome, call),
    requestInputs: (taskId, inputs, call) => requestInputs(handle, taskId, inputs, call),
    acquireLease: (taskId, call) => acquireLease(handle, taskId, call),
    renewLease: (taskId, token, call) => renewLease(handle, taskId, token, call),
    releaseLease: (taskId, token, call) => releaseLease(handle, taskId, token, call),
    setup: (call) => handle.call(call, () => undefined),
    maintain: (call) => maintain(handle, call),
    close,
    [Symbol.asyncDispose]: () => close(),
  };
}

/** A view has its own methods and nothing else: no way leads from it to the store. */
function scopedStore(handle: Handle, principal: string | null): ScopedTaskStore {
  return Object.freeze({
    ...sharedMethods(handle, principal),
    principal,
    createTask: (params = {}, call) => createTask(handle, principal, params, call),
  } satisfies ScopedTaskStore);
}

/** What a view and the store itself do alike, on the tasks that they reach. */
function sharedMethods(handle: Handle, reach: Reach): Omit<ScopedTaskStore, "principal" | "createTask"> {
  const { backend } = handle;
  return {
    getTask: (taskId, { request, outcome, ...call } = {}) =>
      handle.call(call, (now) => {
        const task = backend.find(taskId, reach, now);
        return task === undefined ? undefined : shownTask(task, { request, outcome });
      }),
    getOutcome: (taskId, call) => handle.onTask(reach, taskId, call, (task) => task.outcome),
    listTasks: (page = {}, call) => listTasks(handle, reach, page, call),
    async cancelTask(taskId, call = {}) {
      const message = statusMessage("statusMessage", call.statusMessage);
      return await handle.onTask(reach, taskId, call, (task, now) => {
        mustBeOpen(task);
        cancel(backend, task, now, message);
        return shownTask(task);
      });
    },
    requestCancellation: (taskId, call) =>
      handle.onTask(reach, taskId, call, (task, now) => {
        const isHeld = liveLease(task, now) !== undefined;
        if (isOpen(task) && !(isHeld && task.cancelRequestedAt !== undefined)) {
          task.cancelRequestedAt ??= now;
          if (isHeld) backend.changed(task, now);
          else cancel(backend, task, now);
        }
        return shownTask(task);
      }),
    answerInputs: (taskId, answers, call) => answerInputs(handle, reach, taskId, answers, call),
    deleteTask: (taskId, call) =>
      handle.call(call, (now) => {
        const task = backend.find(taskId, reach, now);
        if (task !== undefined) backend.remove(task);
        return task !== undefined;
      }),
    async waitForUpdate(taskId, options) {
      const since = givenRevision(options);
      return await waitFor(handle, reach, taskId, options, (task) =>
        task.revision !== since || !isOpen(task) ? shownTask(task) : undefined,
      );
    },
    waitForOutcome: (taskId, options = {}) => waitFor(handle, reach, taskId, options, (task) => task.outcome),
    watchTasks: (taskIds, { signal } = {}) => watchTasks(handle, reach, taskIds, signal),
  };
}

async function updateTask(
  handle: Handle,
  taskId: string,
  change: TaskChange,
  options: WriteOptions = {},
): Promise<Task> {
  const { capabilities, maxTtlMs } = handle.settings;
  objectWithKeys("change", change, ["statusMessage", "metadata", "pollIntervalMs", "ttlMs"]);
  const message = statusMessage("statusMessage", change.statusMessage ?? undefined);
  const metadata =
    change.metadata === undefined || change.metadata === null
      ? change.metadata
      : storedObject("metadata", change.metadata, capabilities.maxPayloadBytes);
  const pollIntervalMs = optionalInteger("pollIntervalMs", change.pollIntervalMs, 1, DAY_MS);
  const ttlMs =
    change.ttlMs === undefined || change.ttlMs === null
      ? change.ttlMs
      : integerWithin("ttlMs", change.ttlMs, 1, CENTURY_MS);
  const clearsMessage = change.statusMessage === null;
  return await handle.onTask(undefined, taskId, options, (task, now) => {
    mustBeOpen(task);
    mustHold(task, now, options);
    if (message !== undefined || clearsMessage) task.statusMessage = message;
    if (metadata !== undefined) task.metadata = metadata ?? undefined;
    if (pollIntervalMs !== undefined) task.pollIntervalMs = pollIntervalMs;
    if (ttlMs !== undefined) {
      const lifeMs = cappedTtl(ttlMs, maxTtlMs);
      const before = task.expiresAt;
      task.ttlMs = lifeMs === null ? null : now - task.createdAt + lifeMs;
      task.expiresAt = lifeMs === null ? null : now + lifeMs;
      // What keeps a task for its worker is not taken away again.
      if (task.lease !== undefined && task.expiresAt !== null) {
        task.expiresAt = before === null ? null : Math.max(before, task.expiresAt);
      }
    }
    handle.backend.changed(task, now);
    return shownTask(task);
  });
}

async function finishTask(
  handle: Handle,
  taskId: string,
  outcome: TaskOutcome,
  options: FinishOptions = {},
): Promise<Task> {
  const given = givenOutcome(outcome, handle.settings.capabilities.maxPayloadBytes);
  const message = statusMessage("statusMessage", options.statusMessage) ?? given.message;
  return await handle.onTask(undefined, taskId, options, (task, now) => {
    mustBeOpen(task);
    mustHold(task, now, options);
    end(handle.backend, task, now, outcomeFor(task.generation, given.outcome), message);
    return shownTask(task);
  });
}
