import type { Refusal } from "./commands.ts";
import type { CommandResult } from "./engine.ts";
import { TaskStoreError } from "./errors.ts";
import type { Task } from "./task.ts";
import type { TaskRecord } from "./task-record.ts";
import { taskView } from "./task-view.ts";
import { notFoundError } from "./waiters.ts";

/** The row of a command that went through, or the error that says why it did not. */
export function rowOrThrow(taskId: string, result: CommandResult): TaskRecord {
  if (result.kind === "gone") throw notFoundError(taskId);
  if (result.kind === "refused") throw refusalError(result.refusal, taskView(result.row));
  return result.row;
}

/** A refusal as its error. The task it carries is the very state that the guards saw. */
export function refusalError(refusal: Refusal, task: Task): TaskStoreError {
  switch (refusal) {
    case "terminal":
      return new TaskStoreError("TASK_TERMINAL", `The task is already ${task.status}.`, { task });
    case "lease-lost":
    case "held":
    case "attempts-exhausted":
      return new TaskStoreError("LEASE_LOST", "The caller does not hold the live lease of this task.");
    case "input-key-reused":
      return new TaskStoreError("INPUT_KEY_REUSED", "An input key was used for another request of this task before.", {
        argument: "inputs",
      });
    case "failed-with-result":
      return new TaskStoreError(
        "INVALID_ARGUMENT",
        "outcome with status failed and a result that is no error needs generation 2025-11-25; give an error.",
        { argument: "outcome" },
      );
    case "cancel-requested":
    case "inputs-changed":
    case "not-due":
      return new TaskStoreError("STORE_UNAVAILABLE", "Other writes to this task came first; try again.");
  }
}
