import { isTaskStoreError } from "@mcp-task-store/core";
import type { ToolResult } from "./tool-context.ts";
import { isJsonRpcError } from "./tool-error.ts";

/** Whether what a tool threw is for the model to see: it is no JSON-RPC error, and nothing that a store says. */
export function isAnswerOfTool(thrown: unknown): boolean {
  return !isTaskStoreError(thrown) && !isJsonRpcError(thrown);
}

/**
 * What the model is shown of an error that a tool threw. The same as the official SDK makes of it within a request, so
 * that a task ends as the call would have, though always with text that a store can keep.
 */
export function errorResult(error: unknown): ToolResult {
  return { content: [{ type: "text", text: textOf(error) }], isError: true };
}

/** Anything may be thrown; no getter can make this throw. */
function textOf(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error).toWellFormed();
  } catch {
    return "The tool failed.";
  }
}
