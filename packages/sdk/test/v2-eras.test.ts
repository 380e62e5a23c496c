import type { JsonObject } from "@mcp-task-store/core";
import { InMemoryTransport, type JSONRPCMessage, McpServer } from "@modelcontextprotocol/server";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTaskTool, type TaskTool } from "../src/index.ts";
import { TasksExtension } from "../src/v2/index.ts";
import { ASK_SURE, text, YES } from "./task-tools.ts";
import { ended, type TwoStores, twoStores } from "./two-stores.ts";
import { ABLE, EXTENSION, testServer } from "./v2-server.ts";

const tools: readonly TaskTool[] = [
  defineTaskTool({ name: "optional", inputSchema: z.object({ n: z.number() }), run: ({ n }) => text(`n is ${n}`) }),
  defineTaskTool({ name: "required", taskSupport: "required", run: () => text("done") }),
  defineTaskTool({
    name: "asking",
    run: async (_args, { elicit }) => ({ structuredContent: await elicit("sure", ASK_SURE) }),
  }),
];

const message = z.looseObject({
  id: z.union([z.number(), z.string()]).optional(),
  method: z.string().optional(),
  result: z.record(z.string(), z.unknown()).optional(),
  error: z.object({ code: z.number(), message: z.string(), data: z.unknown().optional() }).optional(),
});

/** A connection as over stdio, one message at a time. */
class Connection {
  readonly #transport: InMemoryTransport;
  readonly #waiting = new Map<unknown, (answer: z.infer<typeof message>) => void>();
  /** What the server asks of the client. */
  readonly asked: string[] = [];
  #id = 0;

  constructor(transport: InMemoryTransport, answerTo: (method: string) => JsonObject) {
    this.#transport = transport;
    const onmessage = (raw: JSONRPCMessage): void => {
      const received = message.parse(raw);
      const { id, method } = received;
      if (method === undefined) this.#waiting.get(id)?.(received);
      else if (id !== undefined) {
        this.asked.push(method);
        void transport.send({ jsonrpc: "2.0", id, result: answerTo(method) });
      }
    };
    Object.assign(transport, { onmessage });
  }

  async request(method: string, params: JsonObject = {}): Promise<z.infer<typeof message>> {
    this.#id += 1;
    const id = this.#id;
    const answer = new Promise<z.infer<typeof message>>((resolve) => {
      this.#waiting.set(id, resolve);
    });
    await this.#transport.send({ jsonrpc: "2.0", id, method, params });
    return await answer;
  }

  async modern(method: string, params: JsonObject = {}, capabilities = ABLE): Promise<z.infer<typeof message>> {
    const _meta = {
      "io.modelcontextprotocol/protocolVersion": "2026-07-28",
      "io.modelcontextprotocol/clientInfo": { name: "test", version: "1" },
      "io.modelcontextprotocol/clientCapabilities": capabilities,
    };
    return await this.request(method, { ...params, _meta });
  }

  async notify(method: string): Promise<void> {
    const note: JSONRPCMessage = { jsonrpc: "2.0", method };
    await this.#transport.send(note);
  }
}

async function connected(stores: TwoStores, withoutContext = false): Promise<Connection> {
  const tasks = new TasksExtension(stores.a, { tools });
  const [near, far] = InMemoryTransport.createLinkedPair();
  const connection = new Connection(near, () => ({ action: "accept", content: { sure: true } }));
  serveStdio(
    (context) => {
      const mcp = new McpServer({ name: "test", version: "1.0.0" });
      if (withoutContext) tasks.attach(mcp);
      else tasks.attach(mcp, context);
      return mcp;
    },
    { transport: far },
  );
  await near.start();
  return connection;
}

async function initialized(connection: Connection, capabilities: JsonObject): Promise<JsonObject> {
  const clientInfo = { name: "test", version: "1" };
  const params = { protocolVersion: "2025-11-25", capabilities, clientInfo };
  const { result = {} } = await connection.request("initialize", params);
  await connection.notify("notifications/initialized");
  return result;
}

describe("a connection of 2025-11-25", () => {
  const hopeful = { elicitation: {}, extensions: { [EXTENSION]: {} }, tasks: { requests: {} } };

  it("is told nothing of the extension (X-64)", async () => {
    await using stores = twoStores();
    const result = await initialized(await connected(stores), hopeful);
    expect(JSON.stringify(result["capabilities"])).not.toContain(EXTENSION);
    expect(result["capabilities"]).not.toHaveProperty("tasks");
  });

  it.each([["given its context"], ["given none"]])(
    "gets results within the call, whatever it declares: %s",
    async (how) => {
      await using stores = twoStores();
      const connection = await connected(stores, how === "given none");
      await initialized(connection, hopeful);
      const plain = await connection.request("tools/call", { name: "optional", arguments: { n: 1 } });
      expect(plain.result).toEqual(text("n is 1"));
      const asking = await connection.request("tools/call", {
        name: "optional",
        arguments: { n: 1 },
        task: { ttl: 1_000 },
      });
      expect(asking.result).toEqual(text("n is 1"));
      // An envelope of the other era changes nothing.
      const enveloped = await connection.modern("tools/call", { name: "optional", arguments: { n: 1 } });
      expect(enveloped.result).not.toHaveProperty("taskId");
    },
  );

  it("is asked by the SDK's own requests", async () => {
    await using stores = twoStores();
    const connection = await connected(stores);
    await initialized(connection, { elicitation: {} });
    const { result } = await connection.request("tools/call", { name: "asking" });
    expect(connection.asked).toEqual(["elicitation/create"]);
    expect(result).toMatchObject({ structuredContent: { action: "accept", content: { sure: true } } });
  });

  it("is refused a tool that needs a task: -32601", async () => {
    await using stores = twoStores();
    const connection = await connected(stores);
    await initialized(connection, hopeful);
    expect((await connection.request("tools/call", { name: "required" })).error).toMatchObject({
      code: -32_601,
      message: expect.stringContaining("required"),
    });
  });

  it.each(["tasks/get", "tasks/update", "tasks/cancel", "tasks/result", "tasks/list"])("has no %s", async (method) => {
    await using stores = twoStores();
    const { taskId } = await stores.a.createTask();
    const connection = await connected(stores);
    await initialized(connection, hopeful);
    const answer = await connection.request(method, { taskId, inputResponses: {} });
    expect(answer.error).toMatchObject({ code: -32_601 });
    expect((await connection.modern(method, { taskId, inputResponses: {} })).error?.code).toBe(-32_601);
  });

  it("without a session, over HTTP, is no different", async () => {
    await using stores = twoStores();
    const { taskId } = await stores.a.createTask();
    const server = testServer(stores.a, { tools });
    const plain = await server.legacy("tools/call", { name: "optional", arguments: { n: 1 }, task: { ttl: 1_000 } });
    expect(plain.result).toEqual(text("n is 1"));
    expect((await server.legacy("tools/call", { name: "required" })).error?.code).toBe(-32_601);
    for (const method of ["tasks/get", "tasks/update", "tasks/cancel"]) {
      expect((await server.legacy(method, { taskId, inputResponses: {} })).error, method).toMatchObject({
        code: -32_601,
      });
    }
    const clientInfo = { name: "test", version: "1" };
    const hello = await server.legacy("initialize", {
      protocolVersion: "2025-11-25",
      capabilities: hopeful,
      clientInfo,
    });
    expect(hello.result).toMatchObject({ protocolVersion: "2025-11-25" });
    expect(hello.text).not.toContain(EXTENSION);
  });
});

describe("a connection of 2026-07-28", () => {
  it("makes tasks, asks, answers and reads them", async () => {
    await using stores = twoStores();
    const connection = await connected(stores);
    const created = await connection.modern("tools/call", { name: "asking" });
    expect(created.result).toMatchObject({ resultType: "task", status: "working" });
    expect(created.result).not.toHaveProperty("content");
    const taskId = z.string().parse(created.result?.["taskId"]);
    let asked = false;
    while (!asked) asked = (await connection.modern("tasks/get", { taskId })).result?.["status"] === "input_required";
    await connection.modern("tasks/update", { taskId, inputResponses: { sure: YES } });
    expect((await ended(stores.b, taskId)).status).toBe("completed");
    expect((await connection.modern("tasks/get", { taskId })).result).toMatchObject({
      status: "completed",
      result: { structuredContent: { action: "accept", content: { sure: true } } },
    });
    expect(connection.asked).toEqual([]);
  });

  it("decides anew for every request", async () => {
    await using stores = twoStores();
    const connection = await connected(stores);
    const params = { name: "optional", arguments: { n: 1 } };
    expect((await connection.modern("tools/call", params)).result).toMatchObject({ resultType: "task" });
    expect((await connection.modern("tools/call", params, {})).result).toMatchObject(text("n is 1"));
    expect((await connection.modern("tools/call", { name: "required" }, {})).error).toMatchObject({ code: -32_021 });
  });
});
