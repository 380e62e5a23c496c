import type { MessagePush } from "@mcp-task-store/core";
import { pushMessage, takeMessages } from "@mcp-task-store/core/message-queue";
import { defineMutant, type Mutant } from "./mutant.ts";
import { overMessages, queuesByKey, sharedBy } from "./over-messages.ts";

const byTaskId = sharedBy(queuesByKey);
const everPushed = sharedBy((): MessagePush[] => []);

/** Messages that live longer or shorter than they should. */
export const messageLife: readonly Mutant[] = [
  defineMutant({
    name: "queue-outlives",
    fault: "Messages are kept by task id alone: a new task of the same id gets them.",
    killedBy: ["ttl/all-gone"],
    mayAlso: ["durable/own-win", "messages", "durable/reopen"],
    driver: (driver, { backend, fired }) => ({
      ...driver,
      messages: {
        async push(push) {
          const queue = byTaskId(backend)(push.taskId);
          const { answer, row } = pushMessage(backend.rows.get(push.taskId), queue, push, backend.nowUs());
          if (row !== undefined) backend.rows.set(push.taskId, row);
          return answer;
        },
        async take(take) {
          fired();
          return takeMessages(backend.rows.get(take.taskId), byTaskId(backend)(take.taskId), take, backend.nowUs());
        },
      },
    }),
  }),
  defineMutant({
    name: "queue-in-memory",
    fault: "Messages are not stored.",
    killedBy: ["durable/reopen"],
    driver: (driver, { backend, fired }) => {
      backend.onRestart(() => {
        if (backend.queues.size > 0) fired();
        backend.queues.clear();
      });
      return driver;
    },
  }),
  defineMutant({
    name: "shift-unsaved",
    fault: "That a message was handed out is not stored.",
    killedBy: ["durable/reopen"],
    driver: (driver, { backend, fired }) => {
      backend.onRestart(() => {
        backend.queues.clear();
        for (const push of everPushed(backend)) {
          fired();
          const queue = backend.queueOf(push.taskId);
          if (!queue.has(push.message.messageId)) queue.add(push.message);
        }
      });
      return {
        ...driver,
        messages: overMessages(driver, {
          push(push, send) {
            everPushed(backend).push(push);
            return send(push);
          },
        }),
      };
    },
  }),
];
