import type { TaskStore } from "@mcp-task-store/core";

/** Proves that the store and this machine work: what hangs then, hangs for another reason. */
export async function controlTask(store: TaskStore): Promise<void> {
  const task = await store.createTask({ ttlMs: 600_000 });
  await store.waitForUpdate(task.taskId, { since: task.revision, timeoutMs: 20 });
  await store.finishTask(task.taskId, { status: "completed", result: {} });
  await store.getTask(task.taskId);
}
