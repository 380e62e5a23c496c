import type { CreateTaskParams, Generation } from "@mcp-task-store/core";
import { type StoredCall, toRequest } from "./stored-call.ts";
import type { TaskTool } from "./task-tool.ts";

/** The task that a call becomes. @param ttlMs as the client wishes. @default the tool's, then the store's */
export function newTask(
  { pollIntervalMs, ...tool }: TaskTool,
  call: StoredCall,
  generation: Generation,
  ttlMs: number | null | undefined = tool.ttlMs,
): CreateTaskParams {
  return {
    generation,
    request: toRequest(call),
    ...(ttlMs !== undefined && { ttlMs }),
    ...(pollIntervalMs !== undefined && { pollIntervalMs }),
  };
}
