/** Tools registered with the SDK's own `registerToolTask`, on a server with TasksSupport. */
import type { TaskStore } from "@mcp-task-store/core";
import { pollUntil } from "@mcp-task-store/services";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { CallToolResultSchema, CreateTaskResultSchema, ResultSchema } from "@modelcontextprotocol/sdk/types.js";
import { describe, expect, it } from "vitest";
import { TasksSupport } from "../../src/v1/index.ts";
import { asked, BACKENDS, ended, twoStores, until } from "../two-stores.ts";
import { type HttpServer, serveHttp } from "./http-server.ts";
import { connectHttp, rpcErrorOf } from "./test-client.ts";
import { gate } from "./test-tools.ts";

const FORM = {
  mode: "form" as const,
  message: "Your name?",
  requestedSchema: { type: "object" as const, properties: { name: { type: "string" as const } } },
};

/** When the tool asks, and when it ends after the answer. */
interface Doors {
  readonly ask: Promise<void>;
  readonly end: Promise<void>;
  readonly pollMs: number;
}

const OPEN: Doors = { ask: Promise.resolve(), end: Promise.resolve(), pollMs: 20 };

async function serve(store: TaskStore, doors: Doors = OPEN): Promise<HttpServer> {
  const tasks = new TasksSupport(store, { tools: [] });
  return await serveHttp({
    make: () => new McpServer({ name: "test", version: "1.0.0" }, tasks.serverOptions),
    prepare: (mcp) => {
      tasks.attach(mcp);
      mcp.experimental.tasks.registerToolTask(
        "greet",
        { execution: { taskSupport: "required" } },
        {
          createTask: async ({ taskStore, taskRequestedTtl }) => {
            const task = await taskStore.createTask({ ttl: taskRequestedTtl ?? 60_000, pollInterval: doors.pollMs });
            const { taskId } = task;
            const greet = async (): Promise<void> => {
              await taskStore.updateTaskStatus(taskId, "input_required");
              await doors.ask;
              const { content } = await mcp.server.elicitInput(FORM, { relatedTask: { taskId } });
              await doors.end;
              const text = `Hello, ${String(content?.["name"])}!`;
              await taskStore.storeTaskResult(taskId, "completed", { content: [{ type: "text", text }] });
            };
            greet().catch(async () => await taskStore.updateTaskStatus(taskId, "failed", "nobody asked"));
            return { task };
          },
          getTask: async ({ taskId, taskStore }) => await taskStore.getTask(taskId),
          getTaskResult: async ({ taskId, taskStore }) =>
            CallToolResultSchema.parse(await taskStore.getTaskResult(taskId)),
        },
      );
    },
  });
}

const CALL = { method: "tools/call", params: { name: "greet", task: {} } };

describe.each(BACKENDS)("a tool of the SDK's own on $name", (backend) => {
  it.skipIf(backend.isLeftOut)("asks, belongs to its caller, and is found after a reconnect", async () => {
    await using stores = await backend.open();
    await using server = await serve(stores.a);
    await using alice = await connectHttp(server.url, {
      user: "alice",
      answer: () => ({ action: "accept", content: { name: "Alice" } }),
    });
    await using bob = await connectHttp(server.url, { user: "bob" });
    let taskId = "";
    const stream = alice.client.experimental.tasks.callToolStream({ name: "greet" }, CallToolResultSchema, {
      task: {},
    });
    let text: unknown;
    for await (const message of stream) {
      if (message.type === "taskCreated") ({ taskId } = message.task);
      if (message.type === "error") throw message.error;
      if (message.type === "result") text = message.result.content;
    }
    expect(text).toEqual([{ type: "text", text: "Hello, Alice!" }]);
    expect(await ended(stores.b, taskId)).toMatchObject({ principal: "alice", generation: "2025-11-25" });
    const misleading = { taskId, _meta: { "io.modelcontextprotocol/related-task": { taskId } } };
    const get = { method: "tasks/get", params: misleading };
    expect(await alice.client.request(get, ResultSchema)).toMatchObject({ taskId, status: "completed" });
    expect(await rpcErrorOf(bob.client.experimental.tasks.getTask(taskId))).toMatchObject({ code: -32_602 });
    await using later = await connectHttp(server.url, { user: "alice" });
    expect(await later.client.experimental.tasks.getTask(taskId)).toMatchObject({ status: "completed" });
  });

  it.skipIf(backend.isLeftOut)("asks a client that waits already, and works again after the answer", async () => {
    await using stores = await backend.open({ safetyPollMs: 600_000 });
    const [ask, end] = [gate(), gate()];
    await using server = await serve(stores.a, { ask: ask.passed, end: end.passed, pollMs: 600_000 });
    await using alice = await connectHttp(server.url, {
      user: "alice",
      answer: () => ({ action: "accept", content: { name: "Alice" } }),
    });
    const { taskId } = (await alice.client.request(CALL, CreateTaskResultSchema)).task;
    const result = alice.client.experimental.tasks.getTaskResult(taskId, CallToolResultSchema);
    await asked(stores.a, taskId);
    await alice.client.ping();
    ask.open();
    await until(stores.a, taskId, ({ status }) => status === "working");
    end.open();
    expect(await result).toMatchObject({ content: [{ type: "text", text: "Hello, Alice!" }] });
  });
});

describe("a tool of the SDK's own", () => {
  it("that needs a task is refused without one (S-09)", async () => {
    await using stores = twoStores();
    await using server = await serve(stores.a);
    await using alice = await connectHttp(server.url, { user: "alice" });
    const call = { method: "tools/call", params: { name: "greet" } };
    expect(await rpcErrorOf(alice.client.request(call, ResultSchema))).toMatchObject({ code: -32_601 });
  });
});

it("a tool of the SDK's own that is called without a task brings no news of one", async () => {
  await using stores = twoStores();
  const tasks = new TasksSupport(stores.a, { tools: [] });
  await using server = await serveHttp({
    make: () => new McpServer({ name: "test", version: "1.0.0" }, tasks.serverOptions),
    prepare: (mcp) => {
      tasks.attach(mcp);
      mcp.experimental.tasks.registerToolTask(
        "quiet",
        { execution: { taskSupport: "optional" } },
        {
          createTask: async ({ taskStore }) => {
            const task = await taskStore.createTask({ ttl: 60_000, pollInterval: 20 });
            const { taskId } = task;
            const end = taskStore.storeTaskResult(taskId, "completed", { content: [{ type: "text", text: "done" }] });
            end.catch(() => undefined);
            return { task };
          },
          getTask: async ({ taskId, taskStore }) => await taskStore.getTask(taskId),
          getTaskResult: async ({ taskId, taskStore }) =>
            CallToolResultSchema.parse(await taskStore.getTaskResult(taskId)),
        },
      );
    },
  });
  await using alice = await connectHttp(server.url, { user: "alice" });
  const call = { method: "tools/call", params: { name: "quiet" } };
  expect(await alice.client.request(call, ResultSchema)).toMatchObject({ content: [{ text: "done" }] });
  const asTask = { method: "tools/call", params: { name: "quiet", task: {} } };
  const { task } = await alice.client.request(asTask, CreateTaskResultSchema);
  const heard = (): unknown[] => alice.received.flatMap((m) => ("method" in m ? [m.params?.["taskId"]] : []));
  // News of the first would have come before.
  await pollUntil(() => heard().includes(task.taskId), { what: "the end of the second" });
  expect(heard()).toEqual([task.taskId]);
});
