/** Two servers without sessions on one backend, each request to the other one than the last. */
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { CallToolResultSchema } from "@modelcontextprotocol/sdk/types.js";
import { describe, expect, it } from "vitest";
import type { TaskStore } from "@mcp-task-store/core";
import { TasksSupport } from "../../src/v1/index.ts";
import { BACKENDS } from "../two-stores.ts";
import { type HttpServer, serveHttp } from "./http-server.ts";
import { connect } from "./test-client.ts";
import { greeter, needsTask, suspender } from "./test-tools.ts";

async function serve(store: TaskStore, tool: typeof greeter): Promise<HttpServer> {
  const tasks = new TasksSupport(store, { tools: [tool, needsTask] });
  return await serveHttp({ prepare: (mcp) => tasks.attach(mcp), isStateless: true });
}

describe.each(BACKENDS)("servers behind a round robin on $name", (backend) => {
  it.skipIf(backend.isLeftOut).each([
    ["holds its task", greeter],
    ["gives it back", suspender],
  ])("answer for each other, also questions of a tool that %s meanwhile", async (_how, tool) => {
    await using stores = await backend.open();
    await using first = await serve(stores.a, tool);
    await using second = await serve(stores.b, tool);
    let turn = 0;
    const hits = [0, 0];
    const fetchInTurns = async (_url: string | URL, init?: RequestInit): Promise<Response> => {
      turn = 1 - turn;
      hits[turn] = (hits[turn] ?? 0) + 1;
      return await fetch(turn === 0 ? first.url : second.url, init);
    };
    const transport = new StreamableHTTPClientTransport(first.url, {
      fetch: fetchInTurns,
      requestInit: { headers: { authorization: "Bearer alice" } },
    });
    await using alice = await connect(transport, { answer: () => ({ action: "accept", content: { name: "Alice" } }) });
    const { client } = alice;
    expect(client.getServerCapabilities()?.tasks).toHaveProperty("list");
    for (let round = 0; round < 3; round += 1) {
      const call = { name: "greet", arguments: {} };
      let text: unknown;
      for await (const message of client.experimental.tasks.callToolStream(call, CallToolResultSchema, { task: {} })) {
        if (message.type === "error") throw message.error;
        if (message.type === "result") text = message.result.content;
      }
      expect(text).toEqual([{ type: "text", text: "Hello, Alice!" }]);
    }
    expect((await client.experimental.tasks.listTasks()).tasks).toHaveLength(3);
    expect(Math.min(...hits)).toBeGreaterThan(3);
  });
});
