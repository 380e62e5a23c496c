/** How the demo sets its stores: short enough to watch, long enough that a busy machine takes nobody for dead. */
import type { TaskStoreOptions } from "@mcp-task-store/core";

export const LEASE_MS = 5_000;
export const MAINTENANCE_EVERY_MS = 200;

/**
 * Workers leave maintenance to the client, which knows who is there to take over. (A store that maintains without
 * `onOrphan` fails the tasks of lost workers.)
 */
export const workerStoreOptions: TaskStoreOptions = { leaseMs: LEASE_MS, maintenance: false };

export function clientStoreOptions(
  onOrphan: NonNullable<TaskStoreOptions["onOrphan"]>,
  onError: NonNullable<TaskStoreOptions["onError"]>,
): TaskStoreOptions {
  return { leaseMs: LEASE_MS, maintenance: { everyMs: MAINTENANCE_EVERY_MS }, onOrphan, onError };
}
