import type { JsonObject, TaskOutcome } from "@mcp-task-store/core";
import { INTERNAL_ERROR } from "../tool-error.ts";
import { mcpError } from "./mcp-errors.ts";

/**
 * What the request that became the task would have been answered with: its result, also an `isError` one, as a copy.
 * @throws McpError its JSON-RPC error, to the letter; -32603 for a cancelled task, which has no answer
 * @see S-38, S-40, S-67, S-68
 */
export function resultOf(outcome: TaskOutcome): JsonObject {
  if ("result" in outcome) return structuredClone(outcome.result);
  if ("error" in outcome) throw mcpError(outcome.error);
  throw mcpError({ code: INTERNAL_ERROR, message: "The task was cancelled and has no result" });
}
