/** What tools of the SDK's own ask through the queue: on which connection, and whose the answers are. */
import type { TaskStore } from "@mcp-task-store/core";
import { pollUntil } from "@mcp-task-store/services";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import {
  CallToolResultSchema,
  CreateTaskResultSchema,
  type RequestId,
  ResultSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { expect, it } from "vitest";
import { TasksSupport } from "../../src/v1/index.ts";
import { asked, read, twoStores } from "../two-stores.ts";
import { type HttpServer, serveHttp } from "./http-server.ts";
import { connectHttp, rpcErrorOf, type TestClient, type TestClientOptions } from "./test-client.ts";
import { gate, greeter } from "./test-tools.ts";

const FORM = {
  mode: "form" as const,
  message: "Delete all?",
  requestedSchema: { type: "object" as const, properties: { name: { type: "string" as const } } },
};

async function serve(store: TaskStore, isStateless = false): Promise<HttpServer> {
  const tasks = new TasksSupport(store, { tools: [greeter] });
  return await serveHttp({
    isStateless,
    make: () => new McpServer({ name: "test", version: "1.0.0" }, tasks.serverOptions),
    prepare: (mcp) => {
      tasks.attach(mcp);
      mcp.experimental.tasks.registerToolTask(
        "delete",
        { execution: { taskSupport: "required" } },
        {
          createTask: async ({ taskStore }) => {
            const task = await taskStore.createTask({ ttl: 60_000, pollInterval: 20 });
            const { taskId } = task;
            const work = async (): Promise<void> => {
              await taskStore.updateTaskStatus(taskId, "input_required");
              const { content } = await mcp.server.elicitInput(FORM, { relatedTask: { taskId } });
              const text = `told ${String(content?.["name"])}`;
              await taskStore.storeTaskResult(taskId, "completed", { content: [{ type: "text", text }] });
            };
            work().catch(async () => await taskStore.updateTaskStatus(taskId, "failed").catch(() => undefined));
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

const SILENT: TestClientOptions = { user: "alice", answer: async () => await new Promise<never>(() => undefined) };

async function make({ client }: TestClient): Promise<string> {
  const call = { method: "tools/call", params: { name: "delete", task: {} } };
  return (await client.request(call, CreateTaskResultSchema)).task.taskId;
}

/** The id of the first question that a client was asked. */
function question({ received }: TestClient): RequestId | undefined {
  return received.flatMap((m) => ("method" in m && "id" in m && m.method === "elicitation/create" ? [m.id] : []))[0];
}

async function resultOf({ client }: TestClient, taskId: string): Promise<unknown> {
  return await client.request({ method: "tasks/result", params: { taskId } }, ResultSchema);
}

it("an answer to a queued question is not taken for another tool's, on the connection of another server", async () => {
  await using stores = twoStores();
  await using server = await serve(stores.a);
  await using one = await connectHttp(server.url, SILENT);
  const taskId = await make(one);
  await asked(stores.a, taskId);
  const told = gate();
  await using two = await connectHttp(server.url, {
    user: "alice",
    answer: async (message) => {
      if (message === FORM.message) return { action: "accept", content: { name: "YES" } };
      await told.passed;
      return { action: "accept", content: { name: "Alice" } };
    },
  });
  const greeted = two.client.request({ method: "tools/call", params: { name: "greet" } }, ResultSchema);
  const isAsked = (): boolean => two.received.some((m) => "method" in m && m.method === "elicitation/create");
  await pollUntil(isAsked, { what: "the question of the call" });
  expect(await resultOf(two, taskId)).toMatchObject({ content: [{ text: "told YES" }] });
  told.open();
  expect(await greeted).toMatchObject({ content: [{ text: "Hello, Alice!" }] });
});

it("an answer that nobody waits for in its process leaves the task waiting for input", async () => {
  await using stores = twoStores();
  await using here = await serve(stores.a);
  await using there = await serve(stores.b);
  await using one = await connectHttp(here.url, SILENT);
  const taskId = await make(one);
  await asked(stores.a, taskId);
  await using two = await connectHttp(there.url, SILENT);
  const ended = resultOf(two, taskId);
  await pollUntil(() => question(two) !== undefined, { what: "the question" });
  await two.transport.send({ jsonrpc: "2.0", id: question(two) ?? "", result: { action: "accept", content: {} } });
  await two.client.ping();
  expect(await read(stores.a, taskId)).toMatchObject({ status: "input_required" });
  await one.client.request({ method: "tasks/cancel", params: { taskId } }, ResultSchema);
  await expect(ended).rejects.toThrow(/cancelled/iu);
});

it("somebody else's answer is not passed on", async () => {
  await using stores = twoStores();
  await using server = await serve(stores.a);
  await using alice = await connectHttp(server.url, SILENT);
  const taskId = await make(alice);
  await asked(stores.a, taskId);
  const ended = resultOf(alice, taskId);
  await pollUntil(() => question(alice) !== undefined, { what: "the question" });
  const id = question(alice) ?? "";
  await using mallory = await connectHttp(server.url, { user: "mallory" });
  const answer = (name: string) => ({ jsonrpc: "2.0" as const, id, result: { action: "accept", content: { name } } });
  await mallory.transport.send(answer("Mallory"));
  await mallory.client.ping();
  await alice.transport.send(answer("Alice"));
  expect(await ended).toMatchObject({ content: [{ text: "told Alice" }] });
});

it.each([false, true])("a request is answered whichever task its _meta names (stateless: %s)", async (isStateless) => {
  await using stores = twoStores();
  await using server = await serve(stores.a, isStateless);
  await using alice = await connectHttp(server.url, SILENT);
  const call = { method: "tools/call", params: { name: "greet", task: {} } };
  const own = (await alice.client.request(call, CreateTaskResultSchema)).task.taskId;
  for (const taskId of [own, "no-such-task"]) {
    const _meta = { "io.modelcontextprotocol/related-task": { taskId } };
    expect(await alice.client.request({ method: "ping", params: { _meta } }, ResultSchema)).toEqual({});
    expect(await alice.client.request({ method: "tools/list", params: { _meta } }, ResultSchema)).toHaveProperty(
      "tools",
    );
    const unknown = alice.client.request({ method: "nonsense", params: { _meta } }, ResultSchema);
    expect(await rpcErrorOf(unknown)).toMatchObject({ code: -32_601 });
  }
});
