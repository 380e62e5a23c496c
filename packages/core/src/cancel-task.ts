import type { Task } from "./task.ts";
import type { CancelOptions, ScopedTaskStore, TaskStore } from "./task-store.ts";

/**
 * Cancels an open task: one conditional write, so that of a cancel and an ending at the same time exactly one takes
 * effect. Whoever works on the task learns it by `ctx.signal`.
 * @returns the cancelled task
 * @throws TaskStoreError TASK_NOT_FOUND; TASK_TERMINAL with the task as it stands; STORE_UNAVAILABLE: nothing was
 *   written; WRITE_OUTCOME_UNKNOWN: read the task; ABORTED, CLOSED
 * @see S-55, S-57, S-58; rules cancel/*; `cancel_task` of the Python SDK
 */
export async function cancelTask(
  store: Pick<TaskStore | ScopedTaskStore, "cancelTask">,
  taskId: string,
  options?: CancelOptions,
): Promise<Task> {
  return await store.cancelTask(taskId, options);
}
