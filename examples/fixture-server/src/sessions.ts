/** Tasks of 2025-11-25, on the official SDK 1.x: a server and a transport for each session. */
import { randomUUID } from "node:crypto";
import { fixtureTools } from "@mcp-task-store/fixture";
import type { TaskStore } from "@mcp-task-store/core";
import { TasksSupport } from "@mcp-task-store/sdk/v1";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js";
import { z } from "zod";
import type { Endpoint } from "./endpoint.ts";
import { withoutStream } from "./without-stream.ts";

export function sessionEndpoint(store: TaskStore): Endpoint & Pick<TasksSupport, "orphaned"> {
  const tasks = new TasksSupport(store, { tools: fixtureTools });
  const sessions = new Map<string, WebStandardStreamableHTTPServerTransport>();

  const opened = async (): Promise<WebStandardStreamableHTTPServerTransport> => {
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      onsessioninitialized: (id) => void sessions.set(id, transport),
      onsessionclosed: (id) => void sessions.delete(id),
    });
    const mcp = new McpServer({ name: "fixture", version: "1.0.0" });
    tasks.attach(mcp);
    mcp.registerTool("greet", { description: "Greets", inputSchema: { name: z.string() } }, ({ name }) => ({
      content: [{ type: "text", text: `Hello, ${name}!` }],
    }));
    await mcp.connect(transport);
    return transport;
  };

  return {
    async fetch(request, options = {}) {
      const id = request.headers.get("mcp-session-id");
      const known = id === null ? undefined : sessions.get(id);
      if (id !== null && known === undefined) return new Response(null, { status: 404 });
      const polls = await isPoll(request);
      const response = await (known ?? (await opened())).handleRequest(request, options);
      return polls ? withoutStream(response) : response;
    },
    orphaned: (task) => tasks.orphaned(task),
    async close() {
      for (const transport of sessions.values()) await transport.close();
      await tasks.close();
    },
  };
}

/** Whether a request asks for a task as it is now: such an answer should be no stream. */
async function isPoll(request: Request): Promise<boolean> {
  if (request.method !== "POST") return false;
  try {
    const message: unknown = await request.clone().json();
    return typeof message === "object" && message !== null && "method" in message && message.method === "tasks/get";
  } catch {
    return false;
  }
}
