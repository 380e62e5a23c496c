import type { JsonObject, JsonRpcError } from "@mcp-task-store/core";

/** One JSON-RPC message as it stands on the wire; what does not fit is left out. */
export interface WireMessage {
  readonly id?: number | string;
  readonly method?: string;
  readonly params?: JsonObject;
  readonly result?: JsonObject;
  readonly error?: JsonRpcError;
}

/** @returns undefined for what is no JSON-RPC message */
export function wireMessage(value: unknown): WireMessage | undefined {
  if (!isJsonObject(value) || value["jsonrpc"] !== "2.0") return undefined;
  const { id, method, params, result, error } = value;
  return {
    ...(typeof id === "number" || typeof id === "string" ? { id } : {}),
    ...(typeof method === "string" ? { method } : {}),
    ...(isJsonObject(params) ? { params } : {}),
    ...(isJsonObject(result) ? { result } : {}),
    ...(isJsonRpcError(error) ? { error } : {}),
  };
}

/** @returns undefined for what is no JSON, or no JSON-RPC message */
export function parsedMessage(text: string): WireMessage | undefined {
  try {
    return wireMessage(JSON.parse(text));
  } catch {
    return undefined;
  }
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The object under a key; an empty one where there is none. */
export function objectIn(value: JsonObject | undefined, key: string): JsonObject {
  const inner = value?.[key];
  return isJsonObject(inner) ? inner : {};
}

/** The text under a key; undefined where there is none. */
export function textIn(value: JsonObject | undefined, key: string): string | undefined {
  const inner = value?.[key];
  return typeof inner === "string" ? inner : undefined;
}

function isJsonRpcError(value: unknown): value is JsonRpcError {
  return isJsonObject(value) && typeof value["code"] === "number" && typeof value["message"] === "string";
}
