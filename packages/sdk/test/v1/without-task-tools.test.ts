import { createMemoryTaskStore } from "@mcp-task-store/memory";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { ResultSchema } from "@modelcontextprotocol/sdk/types.js";
import { describe, expect, it } from "vitest";
import { TasksSupport } from "../../src/v1/index.ts";
import { serveHttp } from "./http-server.ts";
import { connectHttp } from "./test-client.ts";
import { echo } from "./test-tools.ts";

describe("TasksSupport", () => {
  it("ignores task where no tool can be one (S-17)", async () => {
    await using store = createMemoryTaskStore();
    const tasks = new TasksSupport(store, { tools: [] });
    await using server = await serveHttp({
      prepare: (mcp) => {
        tasks.attach(mcp);
        mcp.registerTool("plain", {}, () => ({ content: [{ type: "text", text: "as ever" }] }));
      },
    });
    await using alice = await connectHttp(server.url, { user: "alice" });
    expect(alice.client.getServerCapabilities()?.tasks).toEqual({ list: {}, cancel: {} });
    const call = { method: "tools/call", params: { name: "plain", task: { ttl: 1 } } };
    expect(await alice.client.request(call, ResultSchema)).toEqual({ content: [{ type: "text", text: "as ever" }] });
    for (const method of ["ping", "tools/list", "tasks/list"]) {
      const without = await alice.client.request({ method }, ResultSchema);
      expect(await alice.client.request({ method, params: { task: { ttl: 1 } } }, ResultSchema)).toEqual(without);
    }
  });

  it("says what it cannot be attached to", async () => {
    await using store = createMemoryTaskStore();
    const tasks = new TasksSupport(store, { tools: [echo] });
    const declared = new McpServer({ name: "test", version: "1" }, { capabilities: { tools: {} } });
    expect(() => tasks.attach(declared)).toThrow(/tools/);
    const fresh = new McpServer({ name: "test", version: "1" });
    tasks.attach(fresh);
    tasks.attach(fresh);
    expect(() => new TasksSupport(store, { tools: [echo, echo] })).toThrow(/echo/);
    expect(() => new TasksSupport(store, { tools: [], maxWaitingResults: 0 })).toThrow(/maxWaitingResults/);
  });

  it("keeps a caller out whom the option principal does not know, and reports it", async () => {
    await using store = createMemoryTaskStore();
    const errors: unknown[] = [];
    const tasks = new TasksSupport(store, {
      tools: [echo],
      principal: () => {
        throw new Error("secret");
      },
      onError: (error) => errors.push(error),
    });
    await using server = await serveHttp({ prepare: (mcp) => tasks.attach(mcp) });
    await using alice = await connectHttp(server.url, { user: "alice" });
    const call = { method: "tools/call", params: { name: "echo", arguments: { text: "x" }, task: {} } };
    await expect(alice.client.request(call, ResultSchema)).rejects.toMatchObject({
      code: -32_603,
      message: expect.not.stringContaining("secret"),
    });
    expect(errors.map(String)).toContain("Error: secret");
  });
});
