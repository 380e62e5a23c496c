/** One endpoint for both generations, from one store: SDK 2.x for 2026-07-28, SDK 1.x for everything before. */
import type { TaskStore } from "@mcp-task-store/core";
import { McpServer as McpServerV1 } from "@modelcontextprotocol/sdk/server/mcp.js";
import { WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js";
import {
  createMcpHandler,
  isLegacyRequest,
  McpServer,
  type McpHandlerRequestOptions,
} from "@modelcontextprotocol/server";
import type { TaskTool } from "../../src/index.ts";
import { TasksSupport } from "../../src/v1/index.ts";
import { TasksExtension } from "../../src/v2/index.ts";

export interface Endpoint {
  readonly fetch: (request: Request, options?: McpHandlerRequestOptions) => Promise<Response>;
  readonly close: () => Promise<void>;
}

export function bothGenerations(store: TaskStore, tools: readonly TaskTool[]): Endpoint {
  const modernTasks = new TasksExtension(store, { tools });
  const modern = createMcpHandler(
    (context) => {
      const mcp = new McpServer({ name: "both", version: "1.0.0" });
      modernTasks.attach(mcp, context);
      return mcp;
    },
    { legacy: "reject" },
  );

  const legacyTasks = new TasksSupport(store, { tools });
  const sessions = new Map<string, WebStandardStreamableHTTPServerTransport>();
  const legacy = async (request: Request, options: McpHandlerRequestOptions = {}): Promise<Response> => {
    const id = request.headers.get("mcp-session-id");
    const known = id === null ? undefined : sessions.get(id);
    if (id !== null && known === undefined) return new Response(null, { status: 404 });
    return await (known ?? (await newSession())).handleRequest(request, options);
  };
  const newSession = async (): Promise<WebStandardStreamableHTTPServerTransport> => {
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => crypto.randomUUID(),
      onsessioninitialized: (id) => void sessions.set(id, transport),
      onsessionclosed: (id) => void sessions.delete(id),
    });
    const mcp = new McpServerV1({ name: "both", version: "1.0.0" });
    legacyTasks.attach(mcp);
    await mcp.connect(transport);
    return transport;
  };

  const fetchModern = modernTasks.wrapFetch(modern.fetch);
  return {
    fetch: async (request, options) =>
      (await isLegacyRequest(request, options?.parsedBody))
        ? await legacy(request, options)
        : await fetchModern(request, options),
    close: async () => {
      await Promise.all([...sessions.values()].map(async (transport) => await transport.close()));
      await Promise.all([legacyTasks.close(), modernTasks.close()]);
    },
  };
}
