import type { JsonRpcError } from "@mcp-task-store/core";
import { McpError } from "@modelcontextprotocol/sdk/types.js";
import { TASK_NOT_FOUND, wireError } from "../wire-error.ts";

/** A JSON-RPC error with exactly this message: the SDK's own constructor puts the code before it (S-67). */
export function mcpError({ code, message, data }: JsonRpcError): McpError {
  const error = new McpError(code, message, data);
  error.message = message;
  return error;
}

/** Any error as the client may see it; an `McpError` passes as it is. */
export function toMcpError(error: unknown): McpError {
  return error instanceof McpError ? error : mcpError(wireError(error));
}

export function taskNotFound(): McpError {
  return mcpError(TASK_NOT_FOUND);
}
