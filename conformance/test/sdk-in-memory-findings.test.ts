/**
 * What docs/findings.md says of the SDK's own in-memory stores, by their own methods and without the kit: each of these
 * is the shortest way to see it. A test that fails here means that the SDK has changed: then the page has to change, too.
 */
import { setTimeout } from "node:timers/promises";
import { InMemoryTaskMessageQueue, InMemoryTaskStore } from "@modelcontextprotocol/sdk/experimental/tasks";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { CancelTaskResultSchema } from "@modelcontextprotocol/sdk/types.js";
import { afterEach, describe, expect, it } from "vitest";
import { runConformance } from "../src/index.ts";
import { target } from "./targets/sdk-in-memory.ts";

const CALL = { method: "tools/call", params: { name: "t" } };
const DONE = { content: [] };
const timing = { minDeadlineMs: 2_500, rounds: 5 };
const stores: InMemoryTaskStore[] = [];

function open(): InMemoryTaskStore {
  const store = new InMemoryTaskStore();
  stores.push(store);
  return store;
}

afterEach(() => {
  for (const store of stores.splice(0)) store.cleanup();
});

describe("InMemoryTaskStore of the SDK 1.32", () => {
  it("loses a task with a ttl of 30 days after a moment (ttl/not-early)", async () => {
    const store = open();
    const { taskId, ttl } = await store.createTask({ ttl: 30 * 86_400_000 }, 1, CALL);
    expect(ttl).toBe(2_592_000_000);
    await setTimeout(50);
    expect(await store.getTask(taskId)).toBeNull();
  });

  it("changes the object that createTask returned (v1/snapshots)", async () => {
    const store = open();
    const task = await store.createTask({}, 1, CALL);
    await store.storeTaskResult(task.taskId, "completed", DONE);
    expect(task.status).toBe("completed");
  });

  it("keeps and hands out the object of the result (v1/snapshots)", async () => {
    const store = open();
    const { taskId } = await store.createTask({}, 1, CALL);
    const given = { content: ["first"] };
    await store.storeTaskResult(taskId, "completed", given);
    given.content[0] = "changed";
    expect(await store.getTaskResult(taskId)).toEqual({ content: ["changed"] });
  });

  it("takes any text for a status (v1/status)", async () => {
    const store = open();
    const { taskId } = await store.createTask({}, 1, CALL);
    const untyped: "completed" = JSON.parse('"Completed"');
    await store.updateTaskStatus(taskId, untyped);
    expect((await store.getTask(taskId))?.status).toBe("Completed");
  });

  it("takes an empty status message for none (v1/message)", async () => {
    const store = open();
    const { taskId } = await store.createTask({}, 1, CALL);
    await store.updateTaskStatus(taskId, "working", "half");
    await store.updateTaskStatus(taskId, "working", "");
    expect((await store.getTask(taskId))?.statusMessage).toBe("half");
  });

  it("keeps a ttl that is no number, or none of a task (v1/ttl)", async () => {
    const store = open();
    expect((await store.createTask({ ttl: Number.NaN }, 1, CALL)).ttl).toBeNaN();
    const { taskId, ttl } = await store.createTask({ ttl: -1 }, 1, CALL);
    expect(ttl).toBe(-1);
    await setTimeout(50);
    expect(await store.getTask(taskId)).toBeNull();
  });

  it("keeps a task whose ttl it says to be 0 (v1/ttl)", async () => {
    const store = open();
    const { taskId, ttl } = await store.createTask({ ttl: 0 }, 1, CALL);
    expect(ttl).toBe(0);
    await setTimeout(50);
    expect(await store.getTask(taskId)).toMatchObject({ ttl: 0 });
  });

  it("shows a task without a session to every session (v1/unbound)", async () => {
    const store = open();
    const { taskId } = await store.createTask({}, 1, CALL);
    expect(await store.getTask(taskId, "anybody's")).toMatchObject({ taskId });
    expect((await store.listTasks(undefined, "anybody's")).tasks).toHaveLength(1);
  });

  it("refuses a cursor once its task is gone (v1/cursor-task-gone)", async () => {
    const store = open();
    for (let made = 0; made < 9; made += 1) await store.createTask({}, 1, CALL);
    const tenth = await store.createTask({ ttl: 1 }, 1, CALL);
    await store.createTask({}, 1, CALL);
    const { nextCursor } = await store.listTasks();
    expect(nextCursor).toBe(tenth.taskId);
    await setTimeout(50);
    await expect(store.listTasks(nextCursor)).rejects.toThrow("Invalid cursor");
  });

  it("refuses a cancel that comes too late without a code, which the server answers with -32600 (v1/codes)", async () => {
    const store = open();
    const { taskId } = await store.createTask({}, 1, CALL);
    const looked = store.getTask.bind(store);
    // The task ends between the look and the write of the SDK's own tasks/cancel.
    store.getTask = async (id, session) => {
      const seen = await looked(id, session);
      if (seen?.status === "working") await store.storeTaskResult(id, "completed", DONE);
      return seen;
    };
    const server = new McpServer(
      { name: "s", version: "0" },
      { capabilities: { tasks: { cancel: {} } }, taskStore: store },
    );
    const client = new Client({ name: "c", version: "0" });
    const [ours, theirs] = InMemoryTransport.createLinkedPair();
    await Promise.all([server.connect(ours), client.connect(theirs)]);
    const cancel = client.request({ method: "tasks/cancel", params: { taskId } }, CancelTaskResultSchema);
    await expect(cancel).rejects.toMatchObject({ code: -32_600 });
    await client.close();
  });
});

describe("InMemoryTaskMessageQueue of the SDK 1.32", () => {
  const note = { type: "notification", message: { jsonrpc: "2.0", method: "n" }, timestamp: 0 } as const;

  it("keeps the messages of a task that has expired (v1/queue-ends)", async () => {
    const [store, queue] = [open(), new InMemoryTaskMessageQueue()];
    const { taskId } = await store.createTask({ ttl: 1 }, 1, CALL);
    await queue.enqueue(taskId, note);
    await setTimeout(50);
    expect(await store.getTask(taskId)).toBeNull();
    expect(await queue.dequeueAll(taskId)).toHaveLength(1);
  });

  it("gives the messages of one session to another, or to none (v1/unbound)", async () => {
    const queue = new InMemoryTaskMessageQueue();
    await queue.enqueue("task", note, "owner");
    expect(await queue.dequeue("task", "somebody else")).toEqual(note);
  });
});

it("the kit finds just these", async () => {
  const report = await runConformance(target, { timing });
  const failed = report.rules.filter(({ outcome }) => outcome === "fail").map(({ id }) => id);
  expect(failed.toSorted()).toEqual([
    "ttl/not-early",
    "v1/codes",
    "v1/cursor-task-gone",
    "v1/message",
    "v1/queue-ends",
    "v1/snapshots",
    "v1/status",
    "v1/ttl",
    "v1/unbound",
  ]);
  expect(report.rules.filter(({ outcome }) => outcome === "could-not-run")).toEqual([]);
  expect(report.rules.filter(({ outcome }) => outcome === "pass")).toHaveLength(24);
  expect(report.verdict).toBe("nonconformant");
});
