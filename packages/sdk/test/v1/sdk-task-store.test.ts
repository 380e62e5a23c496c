/** Our stores as the SDK's own: rules v1/*. */
import { createMemoryTaskStore } from "@mcp-task-store/memory";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import type { TaskStore as SdkTaskStore } from "@modelcontextprotocol/sdk/experimental/tasks";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { CallToolResultSchema, McpError, type Result, TaskSchema } from "@modelcontextprotocol/sdk/types.js";
import { describe, expect, it } from "vitest";
import { createSdkTaskStore } from "../../src/v1/index.ts";
import { type RpcError, rpcErrorOf } from "./test-client.ts";

const CALL = { method: "tools/call", params: { name: "work", task: {}, arguments: { n: 1 } } };
const DONE: Result = { content: [{ type: "text", text: "done" }] };

function open(): AsyncDisposable & {
  readonly sdk: SdkTaskStore;
  readonly store: ReturnType<typeof createMemoryTaskStore>;
} {
  const store = createMemoryTaskStore({ maintenance: false });
  return { store, sdk: createSdkTaskStore(store), [Symbol.asyncDispose]: async () => await store.close() };
}

async function newTask(sdk: SdkTaskStore, sessionId?: string): Promise<string> {
  return (await sdk.createTask({ ttl: 60_000 }, 1, CALL, sessionId)).taskId;
}

const REFUSED: RpcError = expect.objectContaining({ code: -32_602 });
const UNKNOWN = { code: -32_602, message: "Task not found" };

describe("a store of ours in the SDK", () => {
  it("answers copies (v1/snapshots)", async () => {
    await using stores = open();
    const { sdk } = stores;
    const created = await sdk.createTask({}, 1, CALL);
    const result = structuredClone(DONE);
    await sdk.storeTaskResult(created.taskId, "completed", result);
    expect(created.status).toBe("working");
    result["content"] = [];
    const read = await sdk.getTaskResult(created.taskId);
    read["content"] = "changed";
    expect(await sdk.getTaskResult(created.taskId)).toEqual(DONE);
  });

  it("guards by itself what the SDK has checked before (v1/guards)", async () => {
    await using stores = open();
    const { sdk } = stores;
    const taskId = await newTask(sdk);
    await sdk.storeTaskResult(taskId, "completed", DONE);
    for (const status of ["working", "input_required", "failed", "cancelled"] as const) {
      expect(await rpcErrorOf(sdk.updateTaskStatus(taskId, status)), status).toEqual(REFUSED);
    }
    expect(await rpcErrorOf(sdk.storeTaskResult(taskId, "failed", DONE))).toEqual(REFUSED);
    expect(await sdk.getTaskResult(taskId)).toEqual(DONE);
  });

  it("shows the fields of the specification and no others (v1/fields)", async () => {
    await using stores = open();
    const { sdk } = stores;
    const created = await sdk.createTask({ ttl: null, pollInterval: 70 }, 1, CALL, "session");
    const listed = await sdk.listTasks(undefined, "session");
    for (const task of [created, await sdk.getTask(created.taskId, "session"), ...listed.tasks]) {
      expect(Object.keys(TaskSchema.shape)).toEqual(expect.arrayContaining(Object.keys(task ?? {})));
      expect(task).toMatchObject({ status: "working", ttl: null, pollInterval: 70 });
    }
  });

  it("keeps the request, without task and _meta", async () => {
    await using stores = open();
    const { store, sdk } = stores;
    const { taskId } = await sdk.createTask({}, 1, {
      ...CALL,
      params: { ...CALL.params, _meta: { progressToken: 1 } },
    });
    expect(await store.getTask(taskId, { request: true })).toMatchObject({
      generation: "2025-11-25",
      request: { method: "tools/call", name: "work", params: { name: "work", arguments: { n: 1 } } },
    });
  });

  it("shows a session's task to no other session (v1/session)", async () => {
    await using stores = open();
    const { sdk } = stores;
    const taskId = await newTask(sdk, "one");
    for (const session of ["two", undefined]) {
      expect(await sdk.getTask(taskId, session)).toBeNull();
      expect(await rpcErrorOf(sdk.getTaskResult(taskId, session))).toEqual(UNKNOWN);
      expect(await rpcErrorOf(sdk.storeTaskResult(taskId, "completed", DONE, session))).toEqual(UNKNOWN);
      expect(await rpcErrorOf(sdk.updateTaskStatus(taskId, "cancelled", "x", session))).toEqual(UNKNOWN);
    }
    expect((await sdk.listTasks(undefined, "two")).tasks).toEqual([]);
    expect(await sdk.getTask(taskId, "one")).toMatchObject({ taskId, status: "working" });
  });

  it("shows a task without session to no session (v1/unbound)", async () => {
    await using stores = open();
    const { sdk } = stores;
    const taskId = await newTask(sdk);
    expect(await sdk.getTask(taskId, "two")).toBeNull();
    expect(await sdk.getTask(taskId)).toMatchObject({ taskId });
    await expect(sdk.listTasks()).rejects.toBeInstanceOf(McpError);
  });

  it("completes nothing without a result (v1/bare)", async () => {
    await using stores = open();
    const { sdk } = stores;
    const taskId = await newTask(sdk);
    expect(await rpcErrorOf(sdk.updateTaskStatus(taskId, "completed"))).toEqual(REFUSED);
    expect(await sdk.getTask(taskId)).toMatchObject({ status: "working" });
  });

  it("takes the statuses of the specification and no others (v1/status)", async () => {
    await using stores = open();
    const { sdk } = stores;
    const taskId = await newTask(sdk);
    for (const status of ["Completed", "done", "", 7, null]) {
      const untyped: "working" = JSON.parse(JSON.stringify(status));
      expect(await rpcErrorOf(sdk.updateTaskStatus(taskId, untyped)), String(status)).toMatchObject({ code: -32_602 });
    }
    expect(await sdk.getTask(taskId)).toMatchObject({ status: "working" });
  });

  it("fails and cancels by status, and says so", async () => {
    await using stores = open();
    const { sdk } = stores;
    const [failed, cancelled] = [await newTask(sdk), await newTask(sdk)];
    await sdk.updateTaskStatus(failed, "failed", "the disk is full");
    await sdk.updateTaskStatus(cancelled, "cancelled", "not needed");
    expect(await sdk.getTask(failed)).toMatchObject({ status: "failed", statusMessage: "the disk is full" });
    expect(await sdk.getTask(cancelled)).toMatchObject({ status: "cancelled", statusMessage: "not needed" });
    expect(await rpcErrorOf(sdk.getTaskResult(failed))).toEqual({ code: -32_603, message: "the disk is full" });
    expect(await rpcErrorOf(sdk.getTaskResult(cancelled))).toMatchObject({ code: -32_603 });
  });

  it("asks for input and works again, as often as the SDK says", async () => {
    await using stores = open();
    const { sdk } = stores;
    const taskId = await newTask(sdk);
    for (const status of ["input_required", "input_required", "working", "working", "input_required"] as const) {
      await sdk.updateTaskStatus(taskId, status, `now ${status}`);
      expect(await sdk.getTask(taskId)).toMatchObject({ status, statusMessage: `now ${status}` });
    }
    await sdk.storeTaskResult(taskId, "completed", DONE);
    expect(await sdk.getTaskResult(taskId)).toEqual(DONE);
  });

  it("fails a task with a result that is none of an error, too", async () => {
    await using stores = open();
    const { sdk } = stores;
    const taskId = await newTask(sdk);
    await sdk.storeTaskResult(taskId, "failed", DONE);
    expect(await sdk.getTask(taskId)).toMatchObject({ status: "failed" });
    expect(await sdk.getTaskResult(taskId)).toEqual(DONE);
  });

  it("pages, and refuses a cursor of somebody else", async () => {
    await using stores = open();
    const { sdk } = stores;
    for (let n = 0; n < 51; n += 1) await newTask(sdk, "one");
    const { tasks, nextCursor } = await sdk.listTasks(undefined, "one");
    expect(tasks).toHaveLength(50);
    expect((await sdk.listTasks(nextCursor, "one")).tasks).toHaveLength(1);
    expect(await rpcErrorOf(sdk.listTasks(nextCursor, "two"))).toEqual(REFUSED);
  });

  it.each<readonly [string, Parameters<typeof createSdkTaskStore>[1]]>([
    ["a name", { principal: "alice" }],
    ["a function of the session", { principal: () => "alice" }],
  ])("binds tasks to %s, so that a reconnect finds them", async (_what, options) => {
    await using stores = open();
    const sdk = createSdkTaskStore(stores.store, options);
    const taskId = await newTask(sdk, "before");
    expect(await sdk.getTask(taskId, "after")).toMatchObject({ taskId });
    expect(await stores.store.scoped("alice").getTask(taskId)).toMatchObject({ principal: "alice" });
  });
});

describe("a server of the SDK on a store of ours", () => {
  it("answers with the right codes (v1/codes)", async () => {
    await using stores = open();
    const { sdk, store } = stores;
    const server = new McpServer(
      { name: "test", version: "1.0.0" },
      { capabilities: { tasks: { list: {}, cancel: {}, requests: { tools: { call: {} } } } }, taskStore: sdk },
    );
    const created: string[] = [];
    const { tasks } = server.experimental;
    tasks.registerToolTask(
      "work",
      {},
      {
        createTask: async ({ taskStore, taskRequestedTtl }) => {
          const task = await taskStore.createTask({ ttl: taskRequestedTtl ?? null });
          created.push(task.taskId);
          return { task };
        },
        getTask: async ({ taskId, taskStore }) => await taskStore.getTask(taskId),
        getTaskResult: async ({ taskId, taskStore }) =>
          CallToolResultSchema.parse(await taskStore.getTaskResult(taskId)),
      },
    );
    const [a, b] = InMemoryTransport.createLinkedPair();
    b.sessionId = "session";
    const client = new Client({ name: "test", version: "1.0.0" });
    await Promise.all([server.connect(b), client.connect(a)]);
    const { getTask, getTaskResult, cancelTask, listTasks } = bound(client);

    expect(await rpcErrorOf(getTask("nobody"))).toEqual(REFUSED);
    expect(await rpcErrorOf(cancelTask("nobody"))).toEqual(REFUSED);
    expect(await rpcErrorOf(getTaskResult("nobody"))).toEqual(REFUSED);
    expect(await rpcErrorOf(listTasks("nonsense"))).toEqual(REFUSED);

    for await (const _message of client.experimental.tasks.callToolStream({ name: "work" }, CallToolResultSchema, {
      task: {},
    }))
      break;
    const [taskId = ""] = created;
    const error = { code: -32_050, message: "no printer", data: { printers: [] } };
    await store.finishTask(taskId, { status: "failed", error });
    expect(await rpcErrorOf(getTaskResult(taskId))).toEqual(error);
    expect(await rpcErrorOf(cancelTask(taskId))).toEqual(REFUSED);
    await client.close();
  });
});

function bound(client: Client) {
  const { tasks } = client.experimental;
  return {
    getTask: async (id: string) => await tasks.getTask(id),
    getTaskResult: async (id: string) => await tasks.getTaskResult(id, CallToolResultSchema),
    cancelTask: async (id: string) => await tasks.cancelTask(id),
    listTasks: async (cursor?: string) => await tasks.listTasks(cursor),
  };
}
