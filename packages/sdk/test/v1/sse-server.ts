/** Servers of the official SDK 1.x on the deprecated transport HTTP+SSE: one stream a session, requests by POST. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { SSEServerTransport } from "@modelcontextprotocol/sdk/server/sse.js";
import { authInfoOf } from "./http-server.ts";
import { connect, type TestClient, type TestClientOptions } from "./test-client.ts";

export interface SseServer extends AsyncDisposable {
  readonly url: URL;
  /** Sessions whose stream is open. */
  readonly sessions: ReadonlyMap<string, SSEServerTransport>;
}

export async function serveSse(prepare: (mcp: McpServer) => void): Promise<SseServer> {
  const sessions = new Map<string, SSEServerTransport>();
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
    if (pathname === "/sse") {
      const transport = new SSEServerTransport("/messages", response);
      sessions.set(transport.sessionId, transport);
      response.on("close", () => void sessions.delete(transport.sessionId));
      const mcp = new McpServer({ name: "test", version: "1.0.0" });
      prepare(mcp);
      await mcp.connect(transport);
      return;
    }
    const transport = sessions.get(searchParams.get("sessionId") ?? "");
    if (transport === undefined) {
      response.writeHead(404).end();
      return;
    }
    const auth = authInfoOf(request);
    await transport.handlePostMessage(Object.assign(request, auth && { auth }), response);
  };
  const http = createServer((request, response) => void handle(request, response));
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const address = http.address();
  if (typeof address !== "object" || address === null) throw new Error("no address");
  return {
    url: new URL(`http://127.0.0.1:${address.port}/sse`),
    sessions,
    async [Symbol.asyncDispose]() {
      await Promise.all([...sessions.values()].map(async (transport) => await transport.close()));
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

export async function connectSse(
  url: URL,
  options: TestClientOptions & { readonly user: string },
): Promise<TestClient> {
  const headers = { authorization: `Bearer ${options.user}` };
  return await connect(new SSEClientTransport(url, { requestInit: { headers } }), options);
}
