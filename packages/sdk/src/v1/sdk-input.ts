import type { ScopedTaskStore, Task, TaskStore } from "@mcp-task-store/core";

/**
 * The SDK 1.x keeps its questions in its message queue and sets a bare status. Our tasks ask by key, so the status is a
 * key of its own: no question that any client of either generation would be shown as a form.
 */
const METHOD = "ping";
const KEY = "@modelcontextprotocol/sdk:";

/** Moves a working task to input_required (S-25). */
export async function askForInput(store: TaskStore, task: Task): Promise<void> {
  const key = `${KEY}${Object.keys(task.inputs).length}`;
  await store.requestInputs(task.taskId, { [key]: { method: METHOD } });
}

/** Moves a task, for whose status the SDK asked, back to working (S-28). */
export async function inputArrived(view: ScopedTaskStore, task: Task): Promise<void> {
  const open = Object.entries(task.inputs).filter(([key, input]) => isSdkInput(key) && input.response === undefined);
  if (open.length > 0) await view.answerInputs(task.taskId, Object.fromEntries(open.map(([key]) => [key, {}])));
}

export function isSdkInput(key: string): boolean {
  return key.startsWith(KEY);
}
