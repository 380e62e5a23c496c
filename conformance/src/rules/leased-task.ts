import type { Lease, RootCreateTaskParams, TaskStore } from "@mcp-task-store/core";
import { CouldNotRun } from "../attempt.ts";
import type { Kit } from "../kit.ts";

/**
 * A fresh task that this handle has taken.
 * @throws CouldNotRun if it could not
 */
export async function leasedTask(
  kit: Kit,
  by: TaskStore,
  leaseMs: number,
  params: RootCreateTaskParams = {},
): Promise<Lease> {
  const { taskId } = await kit.task(params);
  const lease = await by.acquireLease(taskId, { holder: "worker", leaseMs });
  if (lease === undefined) throw new CouldNotRun("a fresh task could not be leased");
  return lease;
}
