import type { ScopedTaskStore, Task, TaskStore } from "@mcp-task-store/core";
import { isTaskStoreError } from "@mcp-task-store/core";
import type { Attempt } from "../attempt.ts";
import { isError } from "../is-error.ts";
import { questionFor } from "../question.ts";
import { COMPLETED } from "./endings.ts";

/** Every method of a view that names a task. `patienceMs` bounds those that wait. */
export const VIEW_OPERATIONS: Readonly<
  Record<
    string,
    (view: Omit<ScopedTaskStore, "principal" | "createTask">, taskId: string, patienceMs: number) => Promise<unknown>
  >
> = {
  getTask: (view, taskId) => view.getTask(taskId),
  "getTask with request and outcome": (view, taskId) => view.getTask(taskId, { request: true, outcome: true }),
  getOutcome: (view, taskId) => view.getOutcome(taskId),
  cancelTask: (view, taskId) => view.cancelTask(taskId),
  requestCancellation: (view, taskId) => view.requestCancellation(taskId),
  answerInputs: (view, taskId) => view.answerInputs(taskId, { k: { action: "accept" } }),
  waitForUpdate: (view, taskId, timeoutMs) => view.waitForUpdate(taskId, { since: 0, timeoutMs }),
  waitForOutcome: (view, taskId, timeoutMs) => view.waitForOutcome(taskId, { timeoutMs }),
  watchTasks: (view, taskId, timeoutMs) => firstOfWatch(view, taskId, AbortSignal.timeout(timeoutMs)),
  deleteTask: (view, taskId) => view.deleteTask(taskId),
};

/** The first task that a watch shows; undefined: it just ends. */
export async function firstOfWatch(
  view: Pick<ScopedTaskStore, "watchTasks">,
  taskId: string,
  signal: AbortSignal,
): Promise<Task | undefined> {
  for await (const task of view.watchTasks([taskId], { signal })) return task;
  return undefined;
}

/** What trusted code can do besides. */
export const ROOT_OPERATIONS: Readonly<Record<string, (store: TaskStore, taskId: string) => Promise<unknown>>> = {
  updateTask: (store, taskId) => store.updateTask(taskId, { statusMessage: "late" }),
  finishTask: (store, taskId) => store.finishTask(taskId, COMPLETED),
  "finishTask by force": (store, taskId) => store.finishTask(taskId, COMPLETED, { force: true }),
  requestInputs: (store, taskId) => store.requestInputs(taskId, { late: questionFor("late") }),
  acquireLease: (store, taskId) => store.acquireLease(taskId, { holder: "late" }),
  renewLease: (store, taskId) => store.renewLease(taskId, 1),
  releaseLease: (store, taskId) => store.releaseLease(taskId, 1),
};

/** All of an answer that a caller can tell apart, with the task's id masked. */
export function fingerprint(call: Attempt<unknown>, taskId: string): string {
  if (call.kind !== "rejected") return `${call.kind} ${call.kind === "fulfilled" ? JSON.stringify(call.value) : ""}`;
  const { error } = call;
  if (!isError(error)) return `threw ${typeof error}`;
  const keys = Object.keys(error).toSorted().join(",");
  const code = isTaskStoreError(error) ? `${error.code} ${error.retryable} ${error.argument}` : "no code";
  const cause = error.cause === undefined ? "no cause" : "a cause";
  return `${error.constructor.name} ${error.name} ${code} {${keys}} ${cause}: ${error.message.replaceAll(taskId, "<id>")}`;
}
