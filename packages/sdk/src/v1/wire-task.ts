import type { Task } from "@mcp-task-store/core";
import type { Task as SdkTask } from "@modelcontextprotocol/sdk/types.js";

/**
 * What clients of 2025-11-25 see of a task: the fields of the specification and no others. A copy of its own each time.
 * @see S-31, S-32, S-34, S-36; rules v1/fields, v1/snapshots
 */
export function wireTask(task: Task): SdkTask {
  const { taskId, status, statusMessage, createdAt, lastUpdatedAt, ttlMs, pollIntervalMs } = task;
  return {
    taskId,
    status,
    ...(statusMessage !== undefined && { statusMessage }),
    createdAt,
    lastUpdatedAt,
    ttl: ttlMs,
    pollInterval: pollIntervalMs,
  };
}
