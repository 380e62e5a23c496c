/**
 * What the kit uses of the SDK 1.x interfaces `TaskStore` and `TaskMessageQueue`, written down here so that the kit needs
 * the SDK only where it runs its server.
 */
import type { JsonObject, QueuedMessage, TaskStatus } from "@mcp-task-store/core";

/** A task as the SDK 1.x types it. */
export interface SdkTask {
  readonly taskId: string;
  readonly status: TaskStatus;
  readonly statusMessage?: string | undefined;
  readonly createdAt: string;
  readonly lastUpdatedAt: string;
  readonly ttl: number | null;
  readonly pollInterval?: number | undefined;
}

/** A `TaskStore` of the SDK 1.x, as far as the kit calls it. */
export interface SdkTaskStore {
  createTask(
    params: { readonly ttl?: number | null; readonly pollInterval?: number },
    requestId: string | number,
    request: { readonly method: string; readonly params?: Record<string, unknown> | undefined },
    sessionId?: string,
  ): Promise<SdkTask>;
  getTask(taskId: string, sessionId?: string): Promise<SdkTask | null>;
  storeTaskResult(
    taskId: string,
    status: "completed" | "failed",
    result: JsonObject,
    sessionId?: string,
  ): Promise<void>;
  getTaskResult(taskId: string, sessionId?: string): Promise<JsonObject>;
  updateTaskStatus(taskId: string, status: TaskStatus, statusMessage?: string, sessionId?: string): Promise<void>;
  listTasks(
    cursor?: string,
    sessionId?: string,
  ): Promise<{ readonly tasks: SdkTask[]; readonly nextCursor?: string | undefined }>;
}

/** A `TaskMessageQueue` of the SDK 1.x, as far as the kit calls it. */
export interface SdkMessageQueue {
  enqueue(taskId: string, message: QueuedMessage, sessionId?: string, maxSize?: number): Promise<void>;
  dequeue(taskId: string, sessionId?: string): Promise<QueuedMessage | undefined>;
  dequeueAll(taskId: string, sessionId?: string): Promise<QueuedMessage[]>;
}

/** One client's connection to a real server of the SDK that has the store. */
export interface SdkConnection {
  /** The result, or the JSON-RPC error as it came over the wire. */
  request(method: string, params: JsonObject): Promise<WireAnswer>;
  close(): Promise<void>;
}

export type WireAnswer =
  | { readonly result: JsonObject }
  | { readonly error: { readonly code: number; readonly message: string; readonly data?: unknown } };

/** Connects a client with this session to a server that has this store; undefined: a transport without sessions. */
export type ConnectSdk = (store: SdkTaskStore, sessionId: string | undefined) => Promise<SdkConnection>;

/** A store of the SDK 1.x as rules about it see it. */
export interface SdkHandle {
  readonly store: SdkTaskStore;
  readonly queue: SdkMessageQueue | undefined;
  readonly connect: ConnectSdk;
}
