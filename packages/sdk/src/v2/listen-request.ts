import type { JsonObject } from "@mcp-task-store/core";
import { CLIENT_CAPABILITIES_META_KEY, PROTOCOL_VERSION_META_KEY, type RequestId } from "@modelcontextprotocol/server";
import { isJsonObject, objectAt } from "../stored-call.ts";
import { declaresTasks } from "./tasks-capability.ts";

export const LISTEN_METHOD = "subscriptions/listen";

/** A `subscriptions/listen` request that asks for tasks. Nothing of it is checked yet. */
export interface TaskListen {
  readonly id: RequestId;
  readonly taskIds: unknown;
  /** Whether the client declared the extension in this very request. */
  readonly declaresTasks: boolean;
  /** The same request as the SDK is to see it, with other filters than asked for. */
  readonly withNotifications: (notifications: JsonObject) => JsonObject;
  /** The other filters, which are the SDK's. */
  readonly otherNotifications: JsonObject;
}

/**
 * undefined: not ours. That is every other message, and one without the envelope: it belongs to the older specification,
 * on which the extension enables nothing.
 */
export function taskListenOf(message: unknown): TaskListen | undefined {
  if (!isJsonObject(message) || message["method"] !== LISTEN_METHOD) return undefined;
  const { id } = message;
  if (typeof id !== "string" && typeof id !== "number") return undefined;
  const params = objectAt(message, "params") ?? {};
  const envelope = objectAt(params, "_meta") ?? {};
  const notifications = objectAt(params, "notifications") ?? {};
  if (!Object.hasOwn(notifications, "taskIds") || !Object.hasOwn(envelope, PROTOCOL_VERSION_META_KEY)) return undefined;
  const { taskIds, ...otherNotifications } = notifications;
  return {
    id,
    taskIds,
    declaresTasks: declaresTasks(objectAt(envelope, CLIENT_CAPABILITIES_META_KEY) ?? {}),
    otherNotifications,
    withNotifications: (asked) => ({ ...message, params: { ...params, notifications: asked } }),
  };
}
