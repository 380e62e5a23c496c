import type { Task } from "@mcp-task-store/core";
import type { Kit } from "../kit.ts";

/** A task that was seen after its time. */
export interface Outlived {
  readonly ttlMs: number;
  /** By the store's own dates. */
  readonly laterMs: number;
  readonly seen: Task;
}

/**
 * A task that is still there long after its ttl: without this, a store that lets nothing expire would keep every rule
 * that waits for an end from its verdict, and break none. The witness is the store's own clock, so no slowness counts.
 */
export async function outlives(kit: Kit, ttlMs: number): Promise<Outlived | undefined> {
  if (kit.advance !== undefined) return undefined;
  const { taskId, createdAt, ttlMs: stated } = await kit.task({ ttlMs });
  // A store may give a task another life than was asked for, if it says so: then `elapse` finds out.
  if (stated !== ttlMs) return undefined;
  const late = await kit.until(
    () => kit.A.getTask(taskId),
    (task) => task === undefined,
    ttlMs,
  );
  if (late === undefined) return undefined;
  const laterMs = Date.parse((await kit.task()).createdAt) - Date.parse(createdAt);
  const seen = await kit.A.getTask(taskId);
  return seen !== undefined && laterMs > ttlMs ? { ttlMs, laterMs, seen } : undefined;
}
