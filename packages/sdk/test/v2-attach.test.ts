import { createMcpHandler, InMemoryTransport, McpServer } from "@modelcontextprotocol/server";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTaskTool } from "../src/index.ts";
import { TasksExtension } from "../src/v2/index.ts";
import { text, toolOf } from "./task-tools.ts";
import { twoStores } from "./two-stores.ts";
import { callOf, EXTENSION, taskIdOf } from "./v2-server.ts";

const done = toolOf(() => text("done"));
const server = (): McpServer => new McpServer({ name: "test", version: "1.0.0" });

const extension = (tools = [done]): TasksExtension => new TasksExtension(twoStores().a, { tools });

describe("attach", () => {
  it("a second time does nothing", async () => {
    const tasks = extension();
    const handler = createMcpHandler((context) => {
      const mcp = server();
      tasks.attach(mcp, context);
      tasks.attach(mcp, context);
      return mcp;
    });
    expect((await callOf(handler, "tools/call", { name: "work" })).result).toMatchObject({ resultType: "task" });
    const { result } = await callOf(handler, "tools/list");
    expect(result?.["tools"]).toHaveLength(1);
  });

  it("without tools serves what is there, and leaves room for plain tools", async () => {
    const tasks = extension([]);
    const handler = createMcpHandler((context) => {
      const mcp = server();
      tasks.attach(mcp, context);
      mcp.registerTool("plain", {}, () => ({ content: [] }));
      return mcp;
    });
    expect((await callOf(handler, "tools/call", { name: "plain" })).result).toMatchObject({ content: [] });
    expect((await callOf(handler, "tasks/get", { taskId: "t" })).error?.message).toBe("Task not found");
  });

  it("leaves room for other methods, prompts and tools of the server's own", async () => {
    const tasks = extension();
    const handler = createMcpHandler((context) => {
      const mcp = server();
      tasks.attach(mcp, context);
      mcp.registerPrompt("hello", {}, () => ({ messages: [] }));
      mcp.registerTool("plain", { inputSchema: z.object({ n: z.number() }) }, ({ n }) => ({
        content: [{ type: "text", text: `${n}` }],
      }));
      mcp.server.setRequestHandler("acme/ping", { params: z.unknown() }, () => ({ pong: true }));
      return mcp;
    });
    expect((await callOf(handler, "acme/ping")).result).toMatchObject({ pong: true });
    expect((await callOf(handler, "tools/call", { name: "plain", arguments: { n: 3 } })).result).toMatchObject(
      text("3"),
    );
    expect(taskIdOf(await callOf(handler, "tools/call", { name: "work" }))).toBeDefined();
  });

  it("needs a server without tools, and leaves such a one as it was", async () => {
    const tasks = extension();
    const handler = createMcpHandler(() => {
      const mcp = server();
      mcp.registerTool("plain", {}, () => ({ content: [] }));
      expect.soft(() => tasks.attach(mcp)).toThrow(/tools\/list/);
      expect.soft(() => tasks.attach(mcp)).toThrow(/tools\/list/);
      return mcp;
    });
    expect((await callOf(handler, "tools/call", { name: "plain" })).result).toMatchObject({ content: [] });
    expect((await callOf(handler, "tasks/get", { taskId: "t" })).error?.code).toBe(-32_601);
    const { result } = await callOf(handler, "server/discover");
    expect(JSON.stringify(result?.["capabilities"])).not.toContain(EXTENSION);
  });

  it("needs a server that nobody is connected to", async () => {
    const mcp = server();
    const [, transport] = InMemoryTransport.createLinkedPair();
    await mcp.connect(transport);
    expect(() => extension().attach(mcp)).toThrow(/before connecting/);
    await mcp.close();
  });

  it("needs to be alone: two extensions on one server are refused", () => {
    const mcp = server();
    extension().attach(mcp);
    const other = extension([defineTaskTool({ name: "other", run: () => text("done") })]);
    expect(() => other.attach(mcp)).toThrow(/already exists/);
  });

  it("needs a handler of nobody's for its methods", () => {
    const mcp = server();
    mcp.server.setRequestHandler("tasks/cancel", { params: z.unknown() }, () => ({}));
    expect(() => extension().attach(mcp)).toThrow(/tasks\/cancel/);
    expect(() => mcp.server.assertCanSetRequestHandler("tasks/get")).not.toThrow();
  });

  it("keeps its names: a plain tool of the same one is refused by the SDK", () => {
    const mcp = server();
    extension().attach(mcp);
    expect(() => mcp.registerTool("work", {}, () => ({ content: [] }))).toThrow(/work/);
  });

  it("takes as many servers as there are requests, at the same time", async () => {
    const tasks = extension();
    const handler = createMcpHandler((context) => {
      const mcp = server();
      tasks.attach(mcp, context);
      return mcp;
    });
    const answers = await Promise.all(
      Array.from({ length: 50 }, async () => await callOf(handler, "tools/call", { name: "work" })),
    );
    expect(new Set(answers.map((answer) => taskIdOf(answer))).size).toBe(50);
    await tasks.close();
  });
});

describe("the settings of the extension", () => {
  it("refuse two tools of one name", () => {
    expect(() => extension([done, toolOf(() => text("again"))])).toThrow(TypeError);
  });
});
