/** The client that ships with SDK 1.x, over Streamable HTTP, from both of two servers on one backend. */
import { CallToolResultSchema } from "@modelcontextprotocol/sdk/types.js";
import { describe, expect, it } from "vitest";
import { TasksSupport, type TasksSupportOptions } from "../../src/v1/index.ts";
import { BACKENDS } from "../two-stores.ts";
import { type HttpServer, serveHttp } from "./http-server.ts";
import { connectHttp, rpcErrorOf } from "./test-client.ts";
import { echo, gate, gated, greeter, isError, measure, needsTask, rpcError } from "./test-tools.ts";
import type { TaskStore } from "@mcp-task-store/core";
import { createTaskWorker, defineTaskTool, type TaskTool } from "../../src/index.ts";

async function serve(store: TaskStore, ...tools: TaskTool[]): Promise<HttpServer> {
  return await serveWith(store, { tools });
}

async function serveWith(store: TaskStore, options: TasksSupportOptions): Promise<HttpServer> {
  const tasks = new TasksSupport(store, options);
  return await serveHttp({ prepare: (mcp) => tasks.attach(mcp) });
}

async function collected<T>(stream: AsyncIterable<T>): Promise<readonly T[]> {
  const items: T[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

describe.each(BACKENDS)("the client of SDK 1.x on $name", (backend) => {
  it.skipIf(backend.isLeftOut)("streams a call from task to result", async () => {
    await using stores = await backend.open();
    await using server = await serve(stores.a, echo);
    await using alice = await connectHttp(server.url, { user: "alice" });
    const seen: unknown[] = [];
    const stream = alice.client.experimental.tasks.callToolStream(
      { name: "echo", arguments: { text: "hi" } },
      CallToolResultSchema,
      { task: { ttl: 60_000 } },
    );
    for await (const message of stream) seen.push(message);
    expect(seen[0]).toMatchObject({ type: "taskCreated", task: { status: "working", ttl: 60_000 } });
    expect(seen.at(-1)).toMatchObject({ type: "result", result: { content: [{ type: "text", text: "hi" }] } });
  });

  it.skipIf(backend.isLeftOut)("answers what a tool asks in another process", async () => {
    await using stores = await backend.open();
    await using server = await serve(stores.a, greeter);
    await using alice = await connectHttp(server.url, {
      user: "alice",
      answer: () => ({ action: "accept", content: { name: "Alice" } }),
    });
    const types: string[] = [];
    const stream = alice.client.experimental.tasks.callToolStream(
      { name: "greet", arguments: {} },
      CallToolResultSchema,
      {
        task: {},
      },
    );
    let result: unknown;
    for await (const message of stream) {
      types.push(message.type);
      if (message.type === "result") result = message.result;
      if (message.type === "error") throw message.error;
    }
    expect(result).toMatchObject({ content: [{ type: "text", text: "Hello, Alice!" }] });
  });

  it.skipIf(backend.isLeftOut)("knows which tools are tasks, and checks what they answer", async () => {
    await using stores = await backend.open();
    await using server = await serve(stores.a, measure, needsTask);
    await using alice = await connectHttp(server.url, { user: "alice" });
    const { client } = alice;
    await client.listTools();
    expect(await client.callTool({ name: "measure", arguments: { text: "four" } })).toMatchObject({
      content: [],
      structuredContent: { length: 4 },
    });
    for (const [name, result] of [
      ["measure", { structuredContent: { length: 4 } }],
      ["needs_task", { content: [{ text: "done" }] }],
    ] as const) {
      const stream = client.experimental.tasks.callToolStream(
        { name, arguments: { text: "four" } },
        CallToolResultSchema,
        { task: {} },
      );
      const messages = await collected(stream);
      expect(messages[0]).toMatchObject({ type: "taskCreated" });
      expect(messages.at(-1)).toMatchObject({ type: "result", result });
    }
  });

  it.skipIf(backend.isLeftOut)("hears how a worker elsewhere gets on, under its own token", async () => {
    await using stores = await backend.open();
    const heard: unknown[] = [];
    const [reported, done] = [gate(), gate()];
    const tool = defineTaskTool({
      name: "report",
      run: async (_args, { reportProgress }) => {
        await reportProgress({ progress: 2, total: 4, message: "half" });
        await reported.passed;
        return { content: [] };
      },
    });
    await using worker = createTaskWorker(stores.b, { tools: [tool] });
    await using server = await serveWith(stores.a, {
      tools: [tool],
      dispatch: ({ taskId }) => void worker.run(taskId).then(() => done.open()),
    });
    await using alice = await connectHttp(server.url, { user: "alice" });
    const stream = alice.client.experimental.tasks.callToolStream({ name: "report" }, CallToolResultSchema, {
      task: {},
      onprogress: (progress) => {
        heard.push(progress);
        reported.open();
      },
    });
    expect((await collected(stream)).at(-1)).toMatchObject({ type: "result" });
    await done.passed;
    expect(heard).toEqual([expect.objectContaining({ progress: 2, total: 4, message: "half" })]);
  });

  it.skipIf(backend.isLeftOut)("sees, lists and cancels a task through any server", async () => {
    await using stores = await backend.open();
    const door = gate();
    await using first = await serve(stores.a, gated(door.passed));
    await using second = await serve(stores.b, gated(door.passed));
    await using one = await connectHttp(first.url, { user: "alice" });
    await using two = await connectHttp(second.url, { user: "alice" });
    const stream = one.client.experimental.tasks.callToolStream({ name: "gated" }, CallToolResultSchema, { task: {} });
    const created = (await stream.next()).value;
    if (created?.type !== "taskCreated") throw new Error("no task");
    const { taskId } = created.task;
    expect(await two.client.experimental.tasks.getTask(taskId)).toEqual({
      ...created.task,
      lastUpdatedAt: expect.any(String),
    });
    expect((await two.client.experimental.tasks.listTasks()).tasks.map((task) => task.taskId)).toEqual([taskId]);
    const waiting = rpcErrorOf(one.client.experimental.tasks.getTaskResult(taskId, CallToolResultSchema));
    expect(await two.client.experimental.tasks.cancelTask(taskId)).toMatchObject({ taskId, status: "cancelled" });
    expect(await waiting).toMatchObject({ code: -32_603 });
    expect(await rpcErrorOf(two.client.experimental.tasks.cancelTask(taskId))).toMatchObject({ code: -32_602 });
  });

  it.skipIf(backend.isLeftOut)("gets results and errors as the tool gave them", async () => {
    await using stores = await backend.open();
    await using server = await serve(stores.a, isError, rpcError, needsTask);
    await using alice = await connectHttp(server.url, { user: "alice" });
    const call = async (name: string) => {
      const stream = alice.client.experimental.tasks.callToolStream({ name }, CallToolResultSchema, { task: {} });
      const created = (await stream.next()).value;
      if (created?.type !== "taskCreated") throw new Error(JSON.stringify(created));
      return created.task.taskId;
    };
    const failed = await call("is_error");
    const result = await alice.client.experimental.tasks.getTaskResult(failed, CallToolResultSchema);
    expect(result).toMatchObject({
      isError: true,
      _meta: { "io.modelcontextprotocol/related-task": { taskId: failed } },
    });
    expect(await alice.client.experimental.tasks.getTask(failed)).toMatchObject({ status: "failed" });
    expect(
      await rpcErrorOf(alice.client.experimental.tasks.getTaskResult(await call("rpc_error"), CallToolResultSchema)),
    ).toEqual({ code: -32_050, message: "no printer", data: { printers: [] } });
  });
});
