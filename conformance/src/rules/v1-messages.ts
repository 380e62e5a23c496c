import type { JsonObject } from "@mcp-task-store/core";

/** A message as the SDK types it. */
export function noteOf(text: string): {
  readonly type: "notification";
  readonly message: JsonObject;
  readonly timestamp: number;
} {
  const message = { jsonrpc: "2.0", method: "notifications/message", params: { level: "info", data: text } };
  return { type: "notification", message, timestamp: 0 };
}
