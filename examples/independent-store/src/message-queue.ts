import { TaskStoreError } from "@mcp-task-store/core";
import type { QueuedMessage, TaskMessageQueue } from "@mcp-task-store/core";
import { integerWithin, nameWithin, objectWithKeys, oneOf, optionalInteger } from "./checks.ts";
import type { Handle } from "./handle.ts";
import { mustBeOpen } from "./life.ts";
import { storedObject } from "./plain-json.ts";

export function messageQueue(handle: Handle): TaskMessageQueue {
  const { backend, settings } = handle;
  return {
    async push(taskId, message, options) {
      objectWithKeys("options", options, ["messageId", "maxSize", "signal", "timeoutMs"]);
      const messageId = nameWithin("messageId", options.messageId, 255, "control");
      const maxSize = optionalInteger("maxSize", options.maxSize, 1, 10_000) ?? 1_000;
      const given = givenMessage(message, settings.capabilities.maxPayloadBytes);
      await handle.onTask(undefined, taskId, options, (task) => {
        const { messages } = task;
        if (messages.has(messageId)) return;
        mustBeOpen(task);
        if (messages.waiting >= maxSize) {
          throw new TaskStoreError("QUEUE_FULL", `${maxSize} messages of the task wait already.`);
        }
        messages.add(messageId, given);
        task.revision = backend.next();
        backend.wake(taskId);
      });
    },
    async shift(taskId, options) {
      objectWithKeys("options", options, ["receipt", "signal", "timeoutMs"]);
      const receipt = nameWithin("receipt", options.receipt, 255, "control");
      return await handle.onTask(undefined, taskId, options, ({ messages }) => messages.handOut(receipt, 1)[0]);
    },
    async drain(taskId, options = {}) {
      objectWithKeys("options", options, ["receipt", "signal", "timeoutMs"]);
      const receipt =
        options.receipt === undefined ? undefined : nameWithin("receipt", options.receipt, 255, "control");
      return await handle.onTask(undefined, taskId, options, ({ messages }) => messages.handOut(receipt, Infinity));
    },
  };
}

function givenMessage(given: QueuedMessage, maxBytes: number): QueuedMessage {
  objectWithKeys("message", given, ["type", "message", "timestamp"]);
  return Object.freeze({
    type: oneOf("message.type", given.type, ["request", "notification", "response", "error"]),
    message: storedObject("message.message", given.message, maxBytes),
    timestamp: integerWithin("message.timestamp", given.timestamp, 0, Number.MAX_SAFE_INTEGER),
  });
}
