import { isJsonObject, objectAt } from "../src/stored-call.ts";
import type { JsonObject } from "@mcp-task-store/core";

export const EXTENSION = "io.modelcontextprotocol/tasks";
export const SUBSCRIPTION_ID = "io.modelcontextprotocol/subscriptionId";
const SERVER_INFO = "io.modelcontextprotocol/serverInfo";
export const SERVER: JsonObject = { name: "listen-test", version: "1.2.3" };

/** The envelope of a request; `declares`: with the tasks extension. */
export function envelope(declares = true): JsonObject {
  return {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": { name: "listen-test-client", version: "1.0.0" },
    "io.modelcontextprotocol/clientCapabilities": declares ? { extensions: { [EXTENSION]: {} } } : {},
  };
}

export interface ListenParams {
  readonly id?: string | number;
  readonly declares?: boolean;
  readonly notifications: JsonObject;
}

export function listenRequest({ id = 1, declares = true, notifications }: ListenParams): JsonObject {
  return {
    jsonrpc: "2.0",
    id,
    method: "subscriptions/listen",
    params: { notifications, _meta: envelope(declares) },
  };
}

/** The object at the end of a path. @throws Error if there is none */
export function at(message: JsonObject | undefined, ...path: readonly string[]): JsonObject {
  let found = message;
  for (const key of path) found = found && objectAt(found, key);
  if (found === undefined) throw new Error(`nothing at ${path.join(".")} of ${JSON.stringify(message)}`);
  return found;
}

/** Which subscription a message says that it belongs to. */
export function subscriptionOf(message: JsonObject): unknown {
  return at(message, "result" in message ? "result" : "params", "_meta")[SUBSCRIPTION_ID];
}

export function asObject(value: unknown): JsonObject {
  if (!isJsonObject(value)) throw new Error(`no object: ${JSON.stringify(value)}`);
  return value;
}

export function closing(id: string | number): JsonObject {
  return {
    jsonrpc: "2.0",
    id,
    result: { resultType: "complete", _meta: { [SUBSCRIPTION_ID]: id, [SERVER_INFO]: SERVER } },
  };
}
