import type { ScopedTaskStore, Task, TaskStore } from "@mcp-task-store/core";
import { bareStatusKey, isBareStatus } from "../sdk-inputs.ts";

/** No question that any client would be asked. */
const NOTHING = { method: "ping" };

/** Moves a working task to input_required (S-25). */
export async function askForInput(store: TaskStore, task: Task): Promise<void> {
  await store.requestInputs(task.taskId, { [bareStatusKey(task.inputs)]: NOTHING });
}

/** Moves a task, for whose status the SDK asked, back to working (S-28). */
export async function inputArrived(store: Pick<ScopedTaskStore, "answerInputs">, task: Task): Promise<void> {
  const open = Object.entries(task.inputs).filter(([key, { response }]) => isBareStatus(key) && response === undefined);
  if (open.length > 0) await store.answerInputs(task.taskId, Object.fromEntries(open.map(([key]) => [key, {}])));
}
