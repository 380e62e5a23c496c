/** How the demo sets its stores: short enough to watch, long enough that a busy machine takes nobody for dead. */
import type { TaskStoreOptions } from "@mcp-task-store/core";

export const LEASE_MS = 5_000;
export const MAINTENANCE_EVERY_MS = 200;

/**
 * Only the server maintains: it knows how to hand a task out again. (A store that maintains without `onOrphan` fails
 * the tasks of lost workers.)
 */
export const quietStoreOptions: TaskStoreOptions = { leaseMs: LEASE_MS, maintenance: false };

export function serverStoreOptions(
  onOrphan: NonNullable<TaskStoreOptions["onOrphan"]>,
  onError: NonNullable<TaskStoreOptions["onError"]>,
): TaskStoreOptions {
  return { leaseMs: LEASE_MS, maintenance: { everyMs: MAINTENANCE_EVERY_MS }, onOrphan, onError };
}
