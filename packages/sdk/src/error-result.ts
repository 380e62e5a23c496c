import type { ToolResult } from "./tool-context.ts";

/**
 * What the model is shown of an error that a tool threw. The same as the official SDK makes of it within a request, so
 * that a task ends as the call would have.
 */
export function errorResult(error: unknown): ToolResult {
  return { content: [{ type: "text", text: textOf(error) }], isError: true };
}

/** Anything may be thrown; no getter can make this throw. */
function textOf(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error);
  } catch {
    return "The tool failed.";
  }
}
