import { check, integer, LIMITS, messageNameSchema, queuedMessageSchema } from "./arguments.ts";
import { TaskStoreError } from "./errors.ts";
import { fromJsonText, toJsonText } from "./json-text.ts";
import type { MessageCalls } from "./message-calls.ts";
import { refusalError } from "./refusal-error.ts";
import { checkCall } from "./request-operations.ts";
import type { StoreCore } from "./store-core.ts";
import { isTerminal } from "./task.ts";
import type { DriverMessage } from "./task-driver.ts";
import type { QueuedMessage, TaskMessageQueue } from "./task-messages.ts";
import type { CallOptions } from "./task-store.ts";
import { taskView } from "./task-view.ts";
import { notFoundError } from "./waiters.ts";

const DEFAULT_MAX_SIZE = 1_000;
const SPENT = "options.receipt was given something more than an hour ago, which is not kept any more; give a new one.";
const maxSizeSchema = integer(1, LIMITS.queueSize);

/** The messages of a store, for all its tasks. */
export function messageOperations(core: StoreCore): TaskMessageQueue {
  return core.messages === undefined ? noMessages : queueOver(core, core.messages);
}

function queueOver({ engine, options: settings }: StoreCore, messages: MessageCalls): TaskMessageQueue {
  /** @throws TaskStoreError TASK_TERMINAL; TASK_NOT_FOUND if it is gone since */
  const throwEnded = async (taskId: string, options: CallOptions): Promise<never> => {
    const [row] = (await engine.read([taskId], {}, options)).rows;
    if (row === undefined || !isTerminal(row.status)) throw notFoundError(taskId);
    throw refusalError("terminal", taskView(row));
  };

  const take = async (
    taskId: string,
    receipt: string,
    limit: number | null,
    options: CallOptions,
  ): Promise<readonly QueuedMessage[]> => {
    const taken = await messages.take({ taskId, receipt, limit }, options);
    if (taken === "gone") throw notFoundError(taskId);
    if (taken === "spent") {
      throw new TaskStoreError("INVALID_ARGUMENT", SPENT, { argument: "options.receipt" });
    }
    return taken.map(queuedMessage);
  };

  return Object.freeze<TaskMessageQueue>({
    async push(taskId, message, options) {
      checkCall(taskId, options);
      const messageId = check(messageNameSchema, options.messageId, "options.messageId");
      const maxSize = check(maxSizeSchema, options.maxSize ?? DEFAULT_MAX_SIZE, "options.maxSize");
      const text = toJsonText(check(queuedMessageSchema, message, "message"), "message", settings.maxPayloadBytes);
      const answer = await messages.push({ taskId, message: { messageId, text }, open: true, maxSize }, options);
      if (answer.kind === "gone") throw notFoundError(taskId);
      if (answer.kind === "refused") await throwEnded(taskId, options);
      if (answer.kind === "full") {
        throw new TaskStoreError("QUEUE_FULL", `As many messages of the task wait as may: ${maxSize}.`);
      }
    },

    async shift(taskId, options) {
      checkCall(taskId, options);
      const receipt = check(messageNameSchema, options.receipt, "options.receipt");
      const [message] = await take(taskId, receipt, 1, options);
      return message;
    },

    async drain(taskId, options = {}) {
      checkCall(taskId, options);
      const receipt = check(messageNameSchema, options.receipt ?? crypto.randomUUID(), "options.receipt");
      return Object.freeze(await take(taskId, receipt, null, options));
    },
  });
}

function queuedMessage({ text }: DriverMessage): QueuedMessage {
  return fromJsonText<QueuedMessage>(text);
}

const noMessages: TaskMessageQueue = Object.freeze({
  push: refuseMessages,
  shift: refuseMessages,
  drain: refuseMessages,
});

async function refuseMessages(): Promise<never> {
  throw new TaskStoreError("NOT_SUPPORTED", "This store keeps no messages.");
}
