/** Addresses to open and questions to the client's model, asked of the client of SDK 1.x. */
import type { TaskStore } from "@mcp-task-store/core";
import {
  type ClientCapabilities,
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  McpError,
  ResultSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { describe, expect, it } from "vitest";
import { createTaskWorker, defineTaskTool, type TaskTool } from "../../src/index.ts";
import { isJsonObject } from "../../src/stored-call.ts";
import { TasksSupport } from "../../src/v1/index.ts";
import { asked, BACKENDS, ended, twoStores } from "../two-stores.ts";
import { type HttpServer, serveHttp } from "./http-server.ts";
import { connectHttp, rpcErrorOf, type TestClient } from "./test-client.ts";

const LOGIN = { message: "Log in", url: "https://example.com/login" };
const JOKE = {
  messages: [{ role: "user" as const, content: { type: "text" as const, text: "Tell a joke" } }],
  maxTokens: 100,
};
const SAID = { role: "assistant" as const, model: "m-1", content: { type: "text" as const, text: "Knock, knock" } };
const CAPABILITIES: ClientCapabilities = { elicitation: { form: {}, url: {} }, sampling: {} };

function asking(whileWaiting: "hold" | "suspend", elicitationId?: string): TaskTool {
  return defineTaskTool({
    name: "asking",
    run: async (_args, { elicitUrl, createMessage }) => {
      const [login, joke] = await Promise.all([
        elicitUrl("login", { ...LOGIN, elicitationId }, { whileWaiting }),
        createMessage("joke", JOKE, { whileWaiting }),
      ]);
      return { structuredContent: { login, joke } };
    },
  });
}

interface Server extends HttpServer {
  readonly tasks: TasksSupport;
}

async function serve(store: TaskStore, tool: TaskTool, isStateless = false): Promise<Server> {
  const tasks = new TasksSupport(store, { tools: [tool] });
  return { tasks, ...(await serveHttp({ prepare: (mcp) => tasks.attach(mcp), isStateless })) };
}

interface Asked extends TestClient {
  /** The params of what it was asked, by method. */
  readonly asked: ReadonlyMap<string, unknown>;
}

/** @param say what the model says */
async function connected(
  url: URL,
  say: () => typeof SAID = () => SAID,
  capabilities: ClientCapabilities = CAPABILITIES,
): Promise<Asked> {
  const connection = await connectHttp(url, { user: "alice", capabilities });
  const asked = new Map<string, unknown>();
  const { client } = connection;
  if (capabilities.elicitation !== undefined) {
    client.setRequestHandler(ElicitRequestSchema, ({ method, params }) => {
      asked.set(method, params);
      return { action: "accept" as const };
    });
  }
  if (capabilities.sampling !== undefined) {
    client.setRequestHandler(CreateMessageRequestSchema, ({ method, params }) => {
      asked.set(method, params);
      return say();
    });
  }
  return { ...connection, asked };
}

async function start({ client }: TestClient): Promise<string> {
  const { task } = await client.request({ method: "tools/call", params: { name: "asking", task: {} } }, ResultSchema);
  if (!isJsonObject(task) || typeof task["taskId"] !== "string") throw new Error("no task");
  return task["taskId"];
}

async function resultOf({ client }: TestClient, taskId: string): Promise<unknown> {
  return await client.request({ method: "tasks/result", params: { taskId } }, ResultSchema);
}

const refuses = (): never => {
  throw new McpError(-1, "User rejected sampling request");
};

describe.each(BACKENDS)("a task of SDK 1.x on $name", ({ open, isLeftOut }) => {
  it.skipIf(isLeftOut)("asks through tasks/result, for a worker elsewhere that waits for nobody", async () => {
    await using stores = await open();
    const tool = asking("suspend");
    await using server = await serve(stores.a, tool);
    await using alice = await connected(server.url);
    const taskId = await start(alice);
    await asked(stores.b, taskId);
    expect(await resultOf(alice, taskId)).toMatchObject({
      structuredContent: { login: { action: "accept" }, joke: SAID },
    });
    const _meta = { "io.modelcontextprotocol/related-task": { taskId } };
    expect(alice.asked.get("elicitation/create")).toMatchObject({
      ...LOGIN,
      mode: "url",
      elicitationId: `${taskId}/login`,
      _meta,
    });
    expect(alice.asked.get("sampling/createMessage")).toMatchObject({ ...JOKE, _meta });
    // Whoever runs it again gets what was answered.
    expect(await createTaskWorker(stores.b, { tools: [tool] }).run(taskId)).toBeUndefined();
    expect((await ended(stores.b, taskId)).status).toBe("completed");
  });
});

describe("a question of SDK 1.x", () => {
  it("has the id that the tool gives it, for the notice that all is done", async () => {
    await using stores = twoStores();
    await using server = await serve(stores.a, asking("hold", "login-1"));
    await using alice = await connected(server.url);
    await resultOf(alice, await start(alice));
    expect(alice.asked.get("elicitation/create")).toMatchObject({ elicitationId: "login-1" });
  });

  it("goes out within a call that has no task", async () => {
    await using stores = twoStores();
    await using server = await serve(stores.a, asking("hold"));
    await using alice = await connected(server.url);
    expect(await alice.client.callTool({ name: "asking" })).toMatchObject({
      structuredContent: { login: { action: "accept" }, joke: SAID },
    });
    expect(alice.asked.get("elicitation/create")).toMatchObject({ ...LOGIN, elicitationId: expect.any(String) });
  });

  it("is asked of clients without a session: they know themselves what they can do", async () => {
    await using stores = twoStores();
    await using server = await serve(stores.a, asking("suspend"), true);
    await using alice = await connected(server.url);
    expect(await resultOf(alice, await start(alice))).toMatchObject({ structuredContent: { joke: SAID } });
  });

  it("that the client refuses ends the task with the client's error, and it works no more", async () => {
    await using stores = twoStores();
    await using server = await serve(stores.a, asking("suspend"));
    await using alice = await connected(server.url, refuses);
    const taskId = await start(alice);
    const refusal = { code: -1, message: expect.stringContaining("User rejected sampling request") };
    expect(await rpcErrorOf(resultOf(alice, taskId))).toMatchObject(refusal);
    expect((await ended(stores.b, taskId)).outcome).toMatchObject({ status: "failed", error: refusal });
  });

  it("that the client refuses ends a call without a task the same", async () => {
    await using stores = twoStores();
    await using server = await serve(stores.a, asking("hold"));
    await using alice = await connected(server.url, refuses);
    expect(await rpcErrorOf(alice.client.callTool({ name: "asking" }))).toMatchObject({
      code: -1,
      message: expect.stringContaining("User rejected sampling request"),
    });
  });

  it.each([
    [{ elicitation: { form: {} }, sampling: {} }, { elicitation: { url: {} } }],
    [{ elicitation: { form: {}, url: {} } }, { sampling: {} }],
  ])(
    "is not put to a client that declares %j: -32021, as on 2026-07-28",
    async (capabilities, requiredCapabilities) => {
      await using stores = twoStores();
      await using server = await serve(stores.a, asking("hold"));
      await using alice = await connected(server.url, () => SAID, capabilities);
      const missing = { code: -32_021, data: { requiredCapabilities } };
      expect(await rpcErrorOf(alice.client.callTool({ name: "asking" }))).toMatchObject(missing);
      expect(await rpcErrorOf(resultOf(alice, await start(alice)))).toMatchObject(missing);
    },
  );

  it("is asked again when the answer is none, and the tool is told in the end", async () => {
    await using stores = twoStores();
    const tool = defineTaskTool({
      name: "asking",
      run: async (_args, { createMessage }) => ({ structuredContent: await createMessage("joke", JOKE) }),
    });
    await using server = await serve(stores.a, tool);
    const connection = await connectHttp(server.url, { user: "alice", capabilities: CAPABILITIES });
    await using alice = connection;
    const { transport } = alice;
    const { onmessage } = transport;
    let times = 0;
    // eslint-disable-next-line unicorn/prefer-add-event-listener -- a transport has nothing else
    transport.onmessage = (message, extra) => {
      if (!("method" in message) || message.method !== "sampling/createMessage" || !("id" in message)) {
        onmessage?.(message, extra);
        return;
      }
      times += 1;
      // The official client would not let such an answer pass.
      void transport.send({ jsonrpc: "2.0", id: message.id, result: { ...SAID, role: "system" } });
    };
    expect(await rpcErrorOf(resultOf(alice, await start(alice)))).toMatchObject({ code: -32_602 });
    expect(times).toBe(3);
  });
});
