import type { TaskStore } from "@mcp-task-store/core";
import { anyEnd } from "./attempt.ts";
import { inTime } from "./in-time.ts";

/**
 * Proves that the store and this machine work: what hangs then, hangs for another reason.
 * @param waitMs how long its wait may take, which has a far shorter time-out: a store whose waits do not end is judged, too
 */
export async function controlTask(store: TaskStore, waitMs: number): Promise<void> {
  const task = await store.createTask({ ttlMs: 600_000 });
  await inTime(
    waitMs,
    anyEnd(() => store.waitForUpdate(task.taskId, { since: task.revision, timeoutMs: 20 })),
  );
  await store.finishTask(task.taskId, { status: "completed", result: {} });
  await store.getTask(task.taskId);
}
