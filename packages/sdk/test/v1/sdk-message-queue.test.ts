/** Our messages as the SDK's own queue: rule v1/unbound, and what is repeated. */
import { TaskStoreError } from "@mcp-task-store/core";
import type { QueuedMessage } from "@modelcontextprotocol/sdk/experimental/tasks";
import { describe, expect, it } from "vitest";
import { createSdkTaskMessageQueue, createSdkTaskStore } from "../../src/v1/index.ts";
import { twoStores } from "../two-stores.ts";
import { withMessages } from "./messages-in-memory.ts";
import { rpcErrorOf } from "./test-client.ts";

const CALL = { method: "tools/call", params: { name: "work" } };

function message(id: number): QueuedMessage {
  return { type: "request", timestamp: 1, message: { jsonrpc: "2.0", id, method: "elicitation/create", params: {} } };
}

describe("a queue of ours in the SDK", () => {
  it("hands messages out in their order, as they were", async () => {
    await using stores = twoStores();
    const store = withMessages(stores.a);
    const queue = createSdkTaskMessageQueue(store);
    const { taskId } = await createSdkTaskStore(store).createTask({}, 1, CALL, "one");
    for (const id of [1, 2, 3]) await queue.enqueue(taskId, message(id), "one");
    expect(await queue.dequeue(taskId, "one")).toEqual(message(1));
    expect(await queue.dequeueAll(taskId, "one")).toEqual([message(2), message(3)]);
    expect(await queue.dequeue(taskId, "one")).toBeUndefined();
  });

  it("is nobody else's, and sessionless callers are somebody else (v1/unbound)", async () => {
    await using stores = twoStores();
    const store = withMessages(stores.a);
    const queue = createSdkTaskMessageQueue(store);
    const { taskId } = await createSdkTaskStore(store).createTask({}, 1, CALL, "one");
    await queue.enqueue(taskId, message(1), "one");
    for (const session of ["two", undefined]) {
      expect(await rpcErrorOf(queue.enqueue(taskId, message(2), session))).toMatchObject({ code: -32_602 });
      expect(await queue.dequeue(taskId, session)).toBeUndefined();
      expect(await queue.dequeueAll(taskId, session)).toEqual([]);
    }
    expect(await queue.dequeueAll(taskId, "one")).toEqual([message(1)]);
  });

  it("repeats a call whose answer was lost under the same id, and gives up in the end", async () => {
    await using stores = twoStores();
    const ids: string[] = [];
    let troubles = 2;
    const store = withMessages(stores.a, (id) => {
      ids.push(id);
      troubles -= 1;
      if (troubles >= 0) throw new TaskStoreError("WRITE_OUTCOME_UNKNOWN", "The answer was lost.");
    });
    const queue = createSdkTaskMessageQueue(store);
    const { taskId } = await createSdkTaskStore(store).createTask({}, 1, CALL);
    await queue.enqueue(taskId, message(1));
    expect(ids).toHaveLength(3);
    expect(new Set(ids).size).toBe(1);
    troubles = 1;
    expect(await queue.dequeue(taskId)).toEqual(message(1));
    expect(new Set(ids.slice(3)).size).toBe(1);
    troubles = 3;
    expect(await rpcErrorOf(queue.enqueue(taskId, message(2)))).toMatchObject({ code: -32_603 });
  });

  it("says that the store has none where it has none", async () => {
    await using stores = twoStores();
    const queue = createSdkTaskMessageQueue(stores.a);
    const { taskId } = await createSdkTaskStore(stores.a).createTask({}, 1, CALL);
    expect(stores.a.capabilities.messages).toBe(false);
    expect(await rpcErrorOf(queue.enqueue(taskId, message(1)))).toMatchObject({ data: { code: "NOT_SUPPORTED" } });
  });
});
