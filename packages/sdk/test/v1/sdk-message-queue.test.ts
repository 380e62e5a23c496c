/** Our messages as the SDK's own queue: rule v1/unbound, and what is repeated. */
import { type TaskMessageQueue, type TaskStore, TaskStoreError } from "@mcp-task-store/core";
import type { QueuedMessage } from "@modelcontextprotocol/sdk/experimental/tasks";
import { describe, expect, it } from "vitest";
import { createSdkTaskMessageQueue, createSdkTaskStore } from "../../src/v1/index.ts";
import { BACKENDS, storeWithoutMessages, twoStores, withFaults } from "../two-stores.ts";
import { rpcErrorOf } from "./test-client.ts";

const CALL = { method: "tools/call", params: { name: "work" } };

function message(id: number): QueuedMessage {
  return { type: "request", timestamp: 1, message: { jsonrpc: "2.0", id, method: "elicitation/create", params: {} } };
}

/** A store that does what it is asked for, and then may lose the answer. */
function withLostAnswers(store: TaskStore, lose: (id: string) => void): TaskStore {
  const inner = store.messages;
  const messages: TaskMessageQueue = {
    push: async (taskId, pushed, options) => {
      await inner.push(taskId, pushed, options);
      lose(options.messageId);
    },
    shift: async (taskId, options) => {
      const shifted = await inner.shift(taskId, options);
      lose(options.receipt);
      return shifted;
    },
    drain: async (taskId, options) => {
      const drained = await inner.drain(taskId, options);
      lose(options?.receipt ?? "");
      return drained;
    },
  };
  return withFaults(store, { messages });
}

describe.each(BACKENDS)("a queue of ours in the SDK, on $name", (backend) => {
  it.skipIf(backend.isLeftOut)("hands messages out in their order, as they were, in another process too", async () => {
    await using stores = await backend.open();
    const [here, there] = [createSdkTaskMessageQueue(stores.a), createSdkTaskMessageQueue(stores.b)];
    const { taskId } = await createSdkTaskStore(stores.a).createTask({}, 1, CALL, "one");
    const other = await createSdkTaskStore(stores.a).createTask({}, 1, CALL, "one");
    const messages: readonly QueuedMessage[] = [
      message(1),
      { type: "notification", timestamp: 2, message: { jsonrpc: "2.0", method: "notifications/message" } },
      { type: "response", timestamp: 3, message: { jsonrpc: "2.0", id: "a", result: { ok: true } } },
      { type: "error", timestamp: 4, message: { jsonrpc: "2.0", id: 7, error: { code: -32_603, message: "no" } } },
    ];
    for (const queued of messages) await here.enqueue(taskId, queued, "one");
    expect(await there.dequeue(other.taskId, "one")).toBeUndefined();
    expect(await there.dequeue(taskId, "one")).toEqual(messages[0]);
    expect(await here.dequeue(taskId, "one")).toEqual(messages[1]);
    expect(await there.dequeueAll(taskId, "one")).toEqual(messages.slice(2));
    for (const queue of [here, there]) {
      expect(await queue.dequeue(taskId, "one")).toBeUndefined();
      expect(await queue.dequeueAll(taskId, "one")).toEqual([]);
    }
  });

  it.skipIf(backend.isLeftOut)("gives each of many that ask at once a message of its own", async () => {
    await using stores = await backend.open();
    const queues = [createSdkTaskMessageQueue(stores.a), createSdkTaskMessageQueue(stores.b)];
    const { taskId } = await createSdkTaskStore(stores.a).createTask({}, 1, CALL);
    const ids = Array.from({ length: 10 }, (_, index) => index);
    for (const id of ids) await queues[0]?.enqueue(taskId, message(id));
    const asking = ids.map(async (id) => await queues[id % 2]?.dequeue(taskId));
    const got = await Promise.all(asking);
    expect(new Set(got.map((queued) => JSON.stringify(queued)))).toEqual(
      new Set(ids.map((id) => JSON.stringify(message(id)))),
    );
  });

  it.skipIf(backend.isLeftOut)("is nobody else's, and sessionless callers are somebody else (v1/unbound)", async () => {
    await using stores = await backend.open();
    const queue = createSdkTaskMessageQueue(stores.a);
    const { taskId } = await createSdkTaskStore(stores.a).createTask({}, 1, CALL, "one");
    await queue.enqueue(taskId, message(1), "one");
    for (const session of ["two", undefined]) {
      expect(await rpcErrorOf(queue.enqueue(taskId, message(2), session))).toMatchObject({ code: -32_602 });
      expect(await queue.dequeue(taskId, session)).toBeUndefined();
      expect(await queue.dequeueAll(taskId, session)).toEqual([]);
    }
    expect(await queue.dequeueAll(taskId, "one")).toEqual([message(1)]);
  });

  it.skipIf(backend.isLeftOut)("holds no more than the SDK says, and no more than a store can", async () => {
    await using stores = await backend.open();
    const queue = createSdkTaskMessageQueue(stores.a);
    const { taskId } = await createSdkTaskStore(stores.a).createTask({}, 1, CALL);
    await queue.enqueue(taskId, message(1), undefined, 2);
    await queue.enqueue(taskId, message(2), undefined, 2);
    const full = { code: -32_603, data: { code: "QUEUE_FULL" } };
    expect(await rpcErrorOf(queue.enqueue(taskId, message(3), undefined, 2))).toMatchObject(full);
    await queue.enqueue(taskId, message(4), undefined, Number.POSITIVE_INFINITY);
    expect(await queue.dequeueAll(taskId)).toEqual([message(1), message(2), message(4)]);
  });

  it.skipIf(backend.isLeftOut)("of a task that ended hands out what waits, and takes no more", async () => {
    await using stores = await backend.open();
    const queue = createSdkTaskMessageQueue(stores.a);
    const tasks = createSdkTaskStore(stores.b);
    const { taskId } = await tasks.createTask({}, 1, CALL);
    for (const id of [1, 2]) await queue.enqueue(taskId, message(id));
    await tasks.storeTaskResult(taskId, "completed", { content: [] });
    const late = { code: -32_602, data: { code: "TASK_TERMINAL" } };
    expect(await rpcErrorOf(queue.enqueue(taskId, message(3)))).toMatchObject(late);
    expect(await queue.dequeue(taskId)).toEqual(message(1));
    expect(await queue.dequeueAll(taskId)).toEqual([message(2)]);
  });

  it.skipIf(backend.isLeftOut)("does what it was asked for once, though the answers are lost", async () => {
    await using stores = await backend.open();
    const ids: string[] = [];
    let losses = 2;
    const store = withLostAnswers(stores.a, (id) => {
      ids.push(id);
      losses -= 1;
      if (losses >= 0) throw new TaskStoreError("WRITE_OUTCOME_UNKNOWN", "The answer was lost.");
    });
    const queue = createSdkTaskMessageQueue(store);
    const { taskId } = await createSdkTaskStore(store).createTask({}, 1, CALL);
    await queue.enqueue(taskId, message(1));
    expect(new Set(ids).size).toBe(1);
    for (const id of [2, 3, 4]) await queue.enqueue(taskId, message(id));
    losses = 2;
    expect(await queue.dequeue(taskId)).toEqual(message(1));
    losses = 2;
    expect(await queue.dequeueAll(taskId)).toEqual([2, 3, 4].map(message));
    losses = 3;
    expect(await rpcErrorOf(queue.enqueue(taskId, message(5)))).toMatchObject({ code: -32_603 });
  });
});

it("a queue of ours says that the store has none where it has none", async () => {
  await using store = storeWithoutMessages();
  const queue = createSdkTaskMessageQueue(store);
  const { taskId } = await createSdkTaskStore(store).createTask({}, 1, CALL);
  expect(await rpcErrorOf(queue.enqueue(taskId, message(1)))).toMatchObject({ data: { code: "NOT_SUPPORTED" } });
});

it("a queue of ours has no messages of a task that is gone", async () => {
  await using stores = twoStores();
  const queue = createSdkTaskMessageQueue(stores.a);
  const { taskId } = await createSdkTaskStore(stores.a).createTask({}, 1, CALL);
  await queue.enqueue(taskId, message(1));
  await stores.b.deleteTask(taskId);
  expect(await rpcErrorOf(queue.enqueue(taskId, message(2)))).toMatchObject({ code: -32_602 });
  expect(await queue.dequeue(taskId)).toBeUndefined();
  expect(await queue.dequeueAll(taskId)).toEqual([]);
});
