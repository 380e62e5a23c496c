/** The client's own tasks, with what SDK 1.x has for them: on a server with tasks of ours nothing stands in its way. */
import { readFileSync } from "node:fs";
import { isTaskStoreError, pollUntilTerminal, requireTaskAugmentedSampling } from "@mcp-task-store/core";
import { InMemoryTaskStore } from "@modelcontextprotocol/sdk/experimental/tasks";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import {
  type ClientCapabilities,
  CreateMessageRequestSchema,
  CreateMessageResultSchema,
  ElicitRequestSchema,
  ElicitResultSchema,
  type RequestId,
  type Result,
} from "@modelcontextprotocol/sdk/types.js";
import { Client as ClientV2, StreamableHTTPClientTransport as TransportV2 } from "@modelcontextprotocol/client";
import { bindTaskReceiver } from "@modelcontextprotocol/ext-tasks/receiver";
import { describe, expect, it } from "vitest";
import { defineTaskTool } from "../../src/index.ts";
import { TasksSupport } from "../../src/v1/index.ts";
import { twoStores } from "../two-stores.ts";
import { elicitAsTask } from "./elicit-as-task.ts";
import { serveHttp } from "./http-server.ts";
import { connectHttp, rpcErrorOf } from "./test-client.ts";
import { echo } from "./test-tools.ts";

const FORM = {
  message: "Your name?",
  requestedSchema: { type: "object" as const, properties: { name: { type: "string" as const } } },
};
const ALICE = { action: "accept" as const, content: { name: "Alice" } };
const JOKE = {
  messages: [{ role: "user" as const, content: { type: "text" as const, text: "Tell a joke" } }],
  maxTokens: 100,
};
const SAID = { role: "assistant" as const, model: "m-1", content: { type: "text" as const, text: "Knock, knock" } };
const TASKS = { requests: { elicitation: { create: {} }, sampling: { createMessage: {} } }, list: {}, cancel: {} };
const CAPABILITIES: ClientCapabilities = { elicitation: { form: {} }, sampling: {}, tasks: TASKS };

type Ask = (mcp: McpServer, requestId: RequestId) => Promise<unknown>;

interface ClientOptions {
  readonly capabilities?: ClientCapabilities;
  /** How its tasks end. @default completed */
  readonly status?: "completed" | "failed";
}

/** What a tool gets that asks the client within its call. */
async function asked(ask: Ask, options: ClientOptions = {}) {
  return await askedOf(ask, async (url) => await callFrom(url, options));
}

/** The same of any client. @param call calls the tool "ask" */
async function askedOf(ask: Ask, call: (url: URL) => Promise<void>) {
  await using stores = twoStores();
  const tasks = new TasksSupport(stores.a, { tools: [echo] });
  let got: unknown;
  await using server = await serveHttp({
    prepare: (mcp) => {
      tasks.attach(mcp);
      mcp.registerTool("ask", {}, async ({ requestId }) => {
        got = await ask(mcp, requestId).catch((error: unknown) => error);
        return { content: [] };
      });
    },
  });
  await call(server.url);
  return got;
}

async function callFrom(url: URL, { capabilities = CAPABILITIES, status = "completed" }: ClientOptions): Promise<void> {
  const taskStore = new InMemoryTaskStore();
  const results = new Map<string, Result>();
  const getTask = taskStore.getTask.bind(taskStore);
  // Its tasks end once they were seen at work.
  taskStore.getTask = async (taskId) => {
    const task = await getTask(taskId);
    const result = results.get(taskId);
    results.delete(taskId);
    if (result !== undefined) await taskStore.storeTaskResult(taskId, status, result);
    return task;
  };
  const client = new Client({ name: "test", version: "1.0.0" }, { capabilities, taskStore });
  const inTask = async (requestId: RequestId, method: string, result: Result): Promise<Result> => {
    const task = await taskStore.createTask({ ttl: 60_000, pollInterval: 10 }, requestId, { method });
    results.set(task.taskId, result);
    return { task };
  };
  client.setRequestHandler(ElicitRequestSchema, async ({ method, params }, { requestId }) =>
    params.task === undefined ? ALICE : await inTask(requestId, method, ALICE),
  );
  client.setRequestHandler(CreateMessageRequestSchema, async ({ method, params }, { requestId }) =>
    params.task === undefined ? SAID : await inTask(requestId, method, SAID),
  );
  await client.connect(new StreamableHTTPClientTransport(url));
  await client.callTool({ name: "ask" });
  await client.close();
  taskStore.cleanup();
}

describe("a task of the client's", () => {
  it("asks its user, as the README shows it", async () => {
    const shown = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
    expect(shown).toContain(readFileSync(new URL("elicit-as-task.ts", import.meta.url), "utf8"));
    expect(await asked(async (mcp, requestId) => await elicitAsTask(mcp, FORM, requestId))).toMatchObject(ALICE);
  });

  it("asks its user where ext-tasks receives", async () => {
    const messages: unknown[] = [];
    const got = await askedOf(
      async (mcp, requestId) => await elicitAsTask(mcp, FORM, requestId),
      async (url) => {
        const client = new ClientV2(
          { name: "test", version: "1.0.0" },
          { capabilities: { elicitation: { form: {} } } },
        );
        const receiver = bindTaskReceiver(client, {
          methods: { "elicitation/create": true },
          pollIntervalMs: 10,
          elicitation: async ({ params }) => {
            messages.push(params["message"]);
            return ALICE;
          },
        });
        client.registerCapabilities({ tasks: { ...receiver.capabilities } });
        await client.connect(new TransportV2(url));
        await client.callTool({ name: "ask" });
        receiver.close();
        await client.close();
      },
    );
    expect(got).toMatchObject(ALICE);
    expect(messages).toEqual([FORM.message]);
  });

  it("is not made by a client that declares none", async () => {
    const got = await asked(async (mcp, requestId) => await elicitAsTask(mcp, FORM, requestId), {
      capabilities: { elicitation: { form: {} }, sampling: {} },
    });
    expect(isTaskStoreError(got, "NOT_SUPPORTED")).toBe(true);
  });

  it("that a tool of ours must do without is -32600", async () => {
    await using stores = twoStores();
    const needy = defineTaskTool({
      name: "needy",
      run: () => {
        requireTaskAugmentedSampling({});
        return {};
      },
    });
    const tasks = new TasksSupport(stores.a, { tools: [needy] });
    await using server = await serveHttp({ prepare: (mcp) => tasks.attach(mcp) });
    await using alice = await connectHttp(server.url);
    const error = { code: -32_600, message: expect.stringContaining("sampling.createMessage") };
    expect(await rpcErrorOf(alice.client.callTool({ name: "needy" }))).toMatchObject(error);
  });

  it("asks its model: created, polled, ended", async () => {
    const types: string[] = [];
    const got = await asked(async ({ server }, relatedRequestId) => {
      const options = { task: { ttl: 60_000 }, relatedRequestId };
      for await (const message of server.experimental.tasks.createMessageStream(JOKE, options)) {
        types.push(message.type);
        if (message.type === "result") return message.result;
      }
      throw new Error("no result");
    });
    expect(got).toMatchObject(SAID);
    expect([types[0], types[1], types.at(-1)]).toEqual(["taskCreated", "taskStatus", "result"]);
  });

  it("is polled and read one request at a time", async () => {
    const got = await asked(async ({ server }, relatedRequestId) => {
      const { tasks } = server.experimental;
      const options = { task: { ttl: 60_000 }, relatedRequestId };
      for await (const message of tasks.elicitInputStream(FORM, options)) {
        if (message.type !== "taskCreated") continue;
        const { taskId } = message.task;
        const task = await tasks.getTask(taskId, { relatedRequestId });
        const seen: string[] = [];
        const polling = pollUntilTerminal(async (id) => await tasks.getTask(id, { relatedRequestId }), taskId);
        for await (const { status } of polling) seen.push(status);
        const result = await tasks.getTaskResult(taskId, ElicitResultSchema, { relatedRequestId });
        const listed = await tasks.listTasks(undefined, { relatedRequestId });
        const late = await tasks.cancelTask(taskId, { relatedRequestId }).catch((error: unknown) => error);
        return { task, seen, result, listed: listed.tasks.map((one) => one.taskId === taskId), late };
      }
      throw new Error("no task");
    });
    expect(got).toMatchObject({
      task: { status: "working", pollInterval: 10 },
      seen: ["completed"],
      result: ALICE,
      listed: [true],
      late: { code: -32_602 },
    });
  });

  it("that failed says so in the stream, and why in getTaskResult", async () => {
    const got = await asked(
      async ({ server }, relatedRequestId) => {
        const { tasks } = server.experimental;
        let [taskId, failure]: [string, unknown] = ["", undefined];
        for await (const message of tasks.createMessageStream(JOKE, { task: {}, relatedRequestId })) {
          if (message.type === "taskCreated") ({ taskId } = message.task);
          if (message.type === "error") failure = message.error;
        }
        return { failure, result: await tasks.getTaskResult(taskId, CreateMessageResultSchema, { relatedRequestId }) };
      },
      { status: "failed" },
    );
    expect(got).toMatchObject({ failure: { message: expect.stringContaining("failed") }, result: SAID });
  });
});
