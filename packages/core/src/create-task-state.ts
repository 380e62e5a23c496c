import { check, taskIdSchema, taskStateSchema } from "./arguments.ts";
import { deepFreeze } from "./json-text.ts";
import { TASK_STORE_DEFAULTS } from "./options.ts";
import type { Task } from "./task.ts";
import { generateTaskId } from "./task-id.ts";
import type { CreateTaskParams } from "./task-store.ts";

/** What a task state that lives in no store may be given. */
export type TaskStateParams = Pick<CreateTaskParams, "generation" | "ttlMs" | "pollIntervalMs" | "statusMessage">;

/**
 * A working task that no store knows: for receivers that keep a task themselves, and for tests. Deeply frozen.
 *
 * `createdAt` and `lastUpdatedAt` are one reading of the caller's clock; in a store they come from the backend's. The
 * revision is 0, nobody owns it, there is no lease and no claim.
 * @param params ttl in ms, null (the default here) is unlimited; poll interval in ms, 500 by default
 * @param taskId a random UUID by default
 * @throws TaskStoreError INVALID_ARGUMENT
 * @see S-22, S-31, S-32; `create_task_state` of the Python SDK
 */
export function createTaskState(params: TaskStateParams = {}, taskId: string = generateTaskId()): Task {
  check(taskIdSchema, taskId, "taskId");
  const given = check(taskStateSchema, params, "params");
  const ttlMs = given.ttlMs ?? null;
  const now = Date.now();
  const createdAt = new Date(now).toISOString();
  return deepFreeze({
    taskId,
    principal: null,
    generation: given.generation ?? null,
    revision: 0,
    status: "working",
    ...(given.statusMessage === undefined ? {} : { statusMessage: given.statusMessage }),
    createdAt,
    lastUpdatedAt: createdAt,
    ttlMs,
    pollIntervalMs: given.pollIntervalMs ?? TASK_STORE_DEFAULTS.defaultPollIntervalMs,
    expiresAt: ttlMs === null ? null : new Date(now + ttlMs).toISOString(),
    attempts: 0,
    inputs: {},
  });
}
