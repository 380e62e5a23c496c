import { isTaskStoreError, type QueuedMessage, type ScopedTaskStore, type TaskStore } from "@mcp-task-store/core";
import type {
  QueuedMessage as SdkQueuedMessage,
  TaskMessageQueue as SdkTaskMessageQueue,
} from "@modelcontextprotocol/sdk/experimental/tasks";
import {
  JSONRPCErrorResponseSchema,
  JSONRPCNotificationSchema,
  JSONRPCRequestSchema,
  JSONRPCResultResponseSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { taskNotFound, toMcpError } from "./mcp-errors.ts";
import { principalOf, type SdkStoreOptions } from "./sdk-principal.ts";

/** The most that a task's messages can be bounded to. */
const LARGEST_BOUND = 10_000;
/** How often a call whose answer was lost is repeated; its id makes the repeat harmless. */
const ATTEMPTS = 3;

/**
 * The durable messages of any store as the `taskMessageQueue` of a server of the official SDK 1.x, in place of its
 * `InMemoryTaskMessageQueue`. Give it the same options as the task store beside it: messages are reached by whom the
 * task is reached by. A task that has ended takes no more messages (-32602); what waits is still handed out.
 *
 * A request is understood by the server that queued it only: the SDK finds the asker of an answer by a number that each
 * server counts for itself. With `principal` another session may take it, and its answer gets lost or is taken for that of
 * another request. {@link TasksSupport} keeps questions with their task instead.
 */
export function createSdkTaskMessageQueue(store: TaskStore, options: SdkStoreOptions = {}): SdkTaskMessageQueue {
  return new QueueForSdk(store, options);
}

class QueueForSdk implements SdkTaskMessageQueue {
  readonly #store: TaskStore;
  readonly #options: SdkStoreOptions;

  constructor(store: TaskStore, options: SdkStoreOptions) {
    this.#store = store;
    this.#options = options;
  }

  async enqueue(taskId: string, message: SdkQueuedMessage, sessionId?: string, maxSize?: number): Promise<void> {
    const messageId = crypto.randomUUID();
    const { type, timestamp } = message;
    const bound = maxSize === undefined ? {} : { maxSize: Math.min(maxSize, LARGEST_BOUND) };
    const queued: QueuedMessage = { type, timestamp, message: { ...message.message } };
    await this.#as(sessionId, async (view) => {
      if ((await view.getTask(taskId)) === undefined) throw taskNotFound();
      await repeated(async () => await this.#store.messages.push(taskId, queued, { messageId, ...bound }));
    });
  }

  async dequeue(taskId: string, sessionId?: string): Promise<SdkQueuedMessage | undefined> {
    const receipt = crypto.randomUUID();
    return await this.#as(sessionId, async (view) => {
      if ((await view.getTask(taskId)) === undefined) return undefined;
      const message = await gone(repeated(async () => await this.#store.messages.shift(taskId, { receipt })));
      return message && sdkMessage(message);
    });
  }

  async dequeueAll(taskId: string, sessionId?: string): Promise<SdkQueuedMessage[]> {
    const receipt = crypto.randomUUID();
    return await this.#as(sessionId, async (view) => {
      if ((await view.getTask(taskId)) === undefined) return [];
      const messages = await gone(repeated(async () => await this.#store.messages.drain(taskId, { receipt })));
      return (messages ?? []).map(sdkMessage);
    });
  }

  async #as<T>(sessionId: string | undefined, work: (view: ScopedTaskStore) => Promise<T>): Promise<T> {
    try {
      return await work(this.#store.scoped(await principalOf(this.#options, sessionId)));
    } catch (error) {
      throw toMcpError(error);
    }
  }
}

/** A task that vanished has no messages. */
async function gone<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (isTaskStoreError(error, "TASK_NOT_FOUND")) return undefined;
    throw error;
  }
}

async function repeated<T>(call: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call();
    } catch (error) {
      const isLost = isTaskStoreError(error, "WRITE_OUTCOME_UNKNOWN") || isTaskStoreError(error, "STORE_UNAVAILABLE");
      if (!isLost || attempt === ATTEMPTS) throw error;
    }
  }
}

/** As the SDK types it. @throws ZodError for what no SDK has stored */
function sdkMessage({ type, timestamp, message }: QueuedMessage): SdkQueuedMessage {
  switch (type) {
    case "request":
      return { type, timestamp, message: JSONRPCRequestSchema.parse(message) };
    case "notification":
      return { type, timestamp, message: JSONRPCNotificationSchema.parse(message) };
    case "response":
      return { type, timestamp, message: JSONRPCResultResponseSchema.parse(message) };
    case "error":
      return { type, timestamp, message: JSONRPCErrorResponseSchema.parse(message) };
  }
}
