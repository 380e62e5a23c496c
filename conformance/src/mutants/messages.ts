import type { DriverMessage, MessagePush, QueuedMessage, TakeAnswer } from "@mcp-task-store/core";
import { isTerminal, TaskStoreError } from "@mcp-task-store/core";
import { MessageQueue, pushMessage, takeMessages } from "@mcp-task-store/core/message-queue";
import { defineMutant, type Mutant } from "./mutant.ts";
import { overMessages, queuesByKey, sharedBy } from "./over-messages.ts";
import { overStore } from "./over-store.ts";

const UNBOUNDED = Number.MAX_SAFE_INTEGER;

async function someTurns(): Promise<void> {
  for (let turn = 0; turn < 8; turn += 1) await Promise.resolve();
}

function stampOf({ text }: DriverMessage): number {
  const message: QueuedMessage = JSON.parse(text);
  return message.timestamp;
}

const takesUnderWay = sharedBy(() => new Map<string, Promise<TakeAnswer>>());
const limbo = sharedBy(() => new Map<string, MessagePush>());

export const messages: readonly Mutant[] = [
  defineMutant({
    name: "queue-by-time",
    fault: "Messages are ordered by their timestamps.",
    killedBy: ["messages/fifo"],
    driver: (driver, { backend, fired }) => ({
      ...driver,
      messages: overMessages(driver, {
        async push(push, send) {
          const answer = await send(push);
          const row = backend.rows.get(push.taskId);
          if (answer.kind !== "pushed" || row === undefined) return answer;
          const waiting = backend.queueOf(push.taskId).handOut(`sort ${backend.nowUs()}`, null, 0);
          const sorted = new MessageQueue();
          for (const message of waiting.toSorted((a, b) => stampOf(a) - stampOf(b))) sorted.add(message);
          backend.queues.set(row.createId, sorted);
          fired();
          return answer;
        },
      }),
    }),
    mayAlso: ["messages", "ttl/all-gone", "durable/reopen"],
  }),
  defineMutant({
    name: "queue-per-handle",
    fault: "Each process has a queue of its own.",
    killedBy: ["messages/fifo"],
    mayAlso: ["durable/own-win", "messages", "ttl/all-gone", "durable/reopen", "payload"],
    driver(driver, { backend, fired }) {
      const queueOf = queuesByKey();
      const keyOf = (taskId: string): string => backend.rows.get(taskId)?.createId ?? "none";
      return {
        ...driver,
        messages: {
          async push(push) {
            fired();
            return pushMessage(backend.rows.get(push.taskId), queueOf(keyOf(push.taskId)), push, backend.nowUs())
              .answer;
          },
          async take(take) {
            return takeMessages(backend.rows.get(take.taskId), queueOf(keyOf(take.taskId)), take, backend.nowUs());
          },
        },
      };
    },
  }),
  defineMutant({
    name: "shift-peek-delete",
    fault: "A shift looks at the oldest message, and deletes it a moment later.",
    killedBy: ["messages/once"],
    driver: (driver, { backend, fired }) => ({
      ...driver,
      messages: overMessages(driver, {
        async take(take, send) {
          const underWay = takesUnderWay(backend);
          const other = underWay.get(take.taskId);
          if (other !== undefined && take.limit !== null) {
            fired();
            return other;
          }
          const mine = send(take);
          underWay.set(take.taskId, mine);
          try {
            return await mine;
          } finally {
            underWay.delete(take.taskId);
          }
        },
      }),
    }),
  }),
  defineMutant({
    name: "push-not-idempotent",
    fault: "A push does not look at the message's id.",
    killedBy: ["messages/once"],
    mayAlso: ["durable/own-win", "messages/ended"],
    driver: (driver, { backend, fired }) => ({
      ...driver,
      messages: overMessages(driver, {
        push(push, send) {
          fired();
          const messageId = `${push.message.messageId} ${backend.nowUs()}`;
          return send({ ...push, message: { ...push.message, messageId } });
        },
      }),
    }),
  }),
  defineMutant({
    name: "receipt-ignored",
    fault: "The same receipt is given the next message.",
    killedBy: ["messages/once"],
    mayAlso: ["messages/drain", "durable/reopen"],
    driver: (driver, { backend, fired }) => ({
      ...driver,
      messages: overMessages(driver, {
        take(take, send) {
          fired();
          return send({ ...take, receipt: `${take.receipt} ${backend.nowUs()}` });
        },
      }),
    }),
  }),
  defineMutant({
    name: "maxsize-look-push",
    fault: "A push looks whether there is room, and adds a moment later without a condition.",
    killedBy: ["messages/bounded"],
    driver: (driver, { backend, fired }) => ({
      ...driver,
      messages: overMessages(driver, {
        async push(push, send) {
          const nowUs = backend.nowUs();
          if (backend.queueOf(push.taskId).size >= push.maxSize) return { kind: "full", nowUs };
          await someTurns();
          if (backend.queueOf(push.taskId).size >= push.maxSize) fired();
          return send({ ...push, maxSize: UNBOUNDED });
        },
      }),
    }),
  }),
  defineMutant({
    name: "maxsize-drops-oldest",
    fault: "A full queue makes room by dropping its oldest message.",
    killedBy: ["messages/bounded"],
    mayAlso: ["bad/typed"],
    driver: (driver, { backend, fired }) => ({
      ...driver,
      messages: overMessages(driver, {
        async push(push, send) {
          const answer = await send(push);
          if (answer.kind !== "full") return answer;
          fired();
          backend.queueOf(push.taskId).handOut(`dropped ${backend.nowUs()}`, 1, 0);
          return send(push);
        },
      }),
    }),
  }),
  defineMutant({
    name: "drain-read-clear",
    fault: "A drain reads the queue, and clears it a moment later.",
    killedBy: ["messages/drain"],
    driver: (driver, { backend, fired }) => ({
      ...driver,
      messages: overMessages(driver, {
        async take(take, send) {
          const answer = await send(take);
          if (take.limit !== null || answer.kind !== "taken") return answer;
          await someTurns();
          if (backend.queueOf(take.taskId).handOut(`cleared ${backend.nowUs()}`, null, 0).length > 0) fired();
          return answer;
        },
      }),
    }),
  }),
  defineMutant({
    name: "drain-pattern",
    fault: "A drain clears every queue whose task's id begins like its own.",
    killedBy: ["messages/own"],
    driver: (driver, { backend, fired }) => ({
      ...driver,
      messages: overMessages(driver, {
        async take(take, send) {
          const answer = await send(take);
          if (take.limit !== null) return answer;
          for (const taskId of backend.rows.keys()) {
            if (taskId === take.taskId || !taskId.startsWith(take.taskId)) continue;
            if (backend.queueOf(taskId).handOut(`cleared ${backend.nowUs()}`, null, 0).length > 0) fired();
          }
          return answer;
        },
      }),
    }),
  }),
  defineMutant({
    name: "push-creates",
    fault: "A push to a task that is not there waits for one of its id.",
    killedBy: ["messages/own"],
    mayAlso: ["bad/ids", "ttl/gone"],
    driver: (driver, { backend, fired }) => ({
      ...driver,
      async insert(insert, options) {
        const answer = await driver.insert(insert, options);
        const early = limbo(backend).get(insert.taskId);
        if (early !== undefined) backend.queueOf(insert.taskId).add(early.message);
        return answer;
      },
      messages: overMessages(driver, {
        async push(push, send) {
          const answer = await send(push);
          if (answer.kind !== "gone") return answer;
          fired();
          limbo(backend).set(push.taskId, push);
          return { kind: "pushed", nowUs: backend.nowUs() };
        },
      }),
    }),
  }),
  defineMutant({
    name: "end-clears-queue",
    fault: "The end of a task clears its queue.",
    killedBy: ["messages/ended"],
    driver: (driver, { backend, fired }) => ({
      ...driver,
      async write(write, options) {
        const answer = await driver.write(write, options);
        if (answer.kind !== "written" || !isTerminal(answer.row.status)) return answer;
        if (backend.queueOf(write.taskId).handOut(`cleared ${backend.nowUs()}`, null, 0).length > 0) fired();
        return answer;
      },
    }),
  }),
  defineMutant({
    name: "push-after-end",
    fault: "A message is taken after the end of its task.",
    killedBy: ["messages/ended"],
    driver: (driver, { backend, fired }) => ({
      ...driver,
      messages: overMessages(driver, {
        push({ open: _open, ...push }, send) {
          if (isTerminal(backend.rows.get(push.taskId)?.status ?? "working")) fired();
          return send(push);
        },
      }),
    }),
  }),
  defineMutant({
    name: "push-repeat-after-end",
    fault: "A message that was taken is refused when it is pushed again after the end of its task.",
    killedBy: ["messages/ended"],
    store: (store, { fired }) =>
      overStore(store, {
        root: (inner) => ({
          messages: {
            ...inner.messages,
            async push(taskId, message, options) {
              await inner.messages.push(taskId, message, options);
              const task = await inner.getTask(taskId);
              if (task === undefined || !isTerminal(task.status)) return;
              fired();
              throw new TaskStoreError("TASK_TERMINAL", "The task is over.", { task });
            },
          },
        }),
      }),
  }),
  defineMutant({
    name: "push-silent",
    fault: "A push does not move the task's revision.",
    killedBy: ["messages/wakes"],
    driver: (driver, { backend, fired }) => ({
      ...driver,
      messages: overMessages(driver, {
        async push(push, send) {
          const revision = backend.rows.get(push.taskId)?.revision;
          const answer = await send(push);
          if (revision !== undefined) {
            fired();
            backend.patch(push.taskId, () => ({ revision }));
          }
          return answer;
        },
      }),
    }),
  }),
];
