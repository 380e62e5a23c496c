import type { JsonObject } from "@mcp-task-store/core";
import {
  INTERNAL_ERROR,
  type JSONRPCErrorResponse,
  type JSONRPCNotification,
  type JSONRPCResultResponse,
  type RequestId,
  SERVER_INFO_META_KEY,
  SUBSCRIPTION_ID_META_KEY,
} from "@modelcontextprotocol/server";
import { isJsonObject, objectAt } from "../stored-call.ts";
import { isJsonRpcError } from "../tool-error.ts";
import { causeBehind } from "../wire-error.ts";
import { toProtocolError } from "./protocol-errors.ts";

const ACKNOWLEDGED = "notifications/subscriptions/acknowledged";

/** The SDK's acknowledgement of a subscription. */
export interface Acknowledgement {
  readonly subscriptionId: RequestId;
  /** Whether the SDK delivers something of its own on it. */
  readonly honorsOthers: boolean;
  /** The same with the tasks that are followed. Ids that are not the caller's are simply not among them. */
  readonly withTaskIds: (taskIds: readonly string[]) => JSONRPCNotification;
}

/** undefined: another message. */
export function acknowledgementOf(message: unknown): Acknowledgement | undefined {
  if (!isJsonObject(message) || message["method"] !== ACKNOWLEDGED) return undefined;
  const subscriptionId = subscriptionIdOf(message);
  if (subscriptionId === undefined) return undefined;
  const params = objectAt(message, "params") ?? {};
  const notifications = objectAt(params, "notifications") ?? {};
  return {
    subscriptionId,
    honorsOthers: Object.keys(notifications).length > 0,
    withTaskIds: (taskIds) => ({
      jsonrpc: "2.0",
      method: ACKNOWLEDGED,
      params: { ...params, notifications: { ...notifications, taskIds } },
    }),
  };
}

/** Which subscription a notification belongs to. */
export function subscriptionIdOf(message: JsonObject): RequestId | undefined {
  const meta = objectAt(objectAt(message, "params") ?? {}, "_meta") ?? {};
  return requestIdOf(meta[SUBSCRIPTION_ID_META_KEY]);
}

/** Which request a message answers; undefined: it answers none. */
export function answeredIdOf(message: JsonObject): RequestId | undefined {
  return "result" in message || "error" in message ? requestIdOf(message["id"]) : undefined;
}

export function requestIdOf(value: unknown): RequestId | undefined {
  return typeof value === "string" || typeof value === "number" ? value : undefined;
}

/** What a task is now, as `tasks/get` would say it. */
export function taskNotification(subscriptionId: RequestId, detailedTask: JsonObject): JSONRPCNotification {
  return {
    jsonrpc: "2.0",
    method: "notifications/tasks",
    params: { ...detailedTask, _meta: { [SUBSCRIPTION_ID_META_KEY]: subscriptionId } },
  };
}

/** Who the server says it is, in any of its results. */
export type ServerInfo = NonNullable<
  NonNullable<JSONRPCResultResponse["result"]["_meta"]>[typeof SERVER_INFO_META_KEY]
>;

/** The graceful end of a subscription, as the SDK says it. */
export function closingResult(subscriptionId: RequestId, serverInfo: ServerInfo | undefined): JSONRPCResultResponse {
  const _meta = {
    [SUBSCRIPTION_ID_META_KEY]: subscriptionId,
    ...(serverInfo && { [SERVER_INFO_META_KEY]: serverInfo }),
  };
  return { jsonrpc: "2.0", id: subscriptionId, result: { resultType: "complete", _meta } };
}

/**
 * Whether a fault of the server's own was not told to `onError` yet. What was made for the client to see is no fault, or
 * was told where it was made.
 */
export function isUnreported(thrown: unknown): boolean {
  return causeBehind(thrown) !== undefined;
}

/** The answer to a request that could not be served, or not any longer. */
export function errorAnswer(id: RequestId, thrown: unknown): JSONRPCErrorResponse {
  const error = toProtocolError(thrown);
  const data: unknown = "data" in error ? error.data : undefined;
  return {
    jsonrpc: "2.0",
    id,
    error: { code: errorCode(error), message: error.message, ...(data === undefined ? {} : { data }) },
  };
}

function errorCode(error: Error): number {
  return isJsonRpcError(error) ? error.code : INTERNAL_ERROR;
}
