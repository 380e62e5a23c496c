import type { JsonRpcError } from "@mcp-task-store/core";
import { McpError } from "@modelcontextprotocol/sdk/types.js";
import { causeBehind, TASK_NOT_FOUND, wireError } from "../wire-error.ts";

/** A JSON-RPC error with exactly this message: the SDK's own constructor puts the code before it (S-67). */
export function mcpError({ code, message, data }: JsonRpcError): McpError {
  const error = new McpError(code, message, data);
  error.message = message;
  return error;
}

/** Any error as the client may see it; an `McpError` passes as it is. What is behind it stays here, as its cause. */
export function toMcpError(thrown: unknown): McpError {
  if (thrown instanceof McpError) return thrown;
  const error = mcpError(wireError(thrown));
  const cause = causeBehind(thrown);
  if (cause !== undefined) error.cause = cause;
  return error;
}

export function taskNotFound(): McpError {
  return mcpError(TASK_NOT_FOUND);
}
