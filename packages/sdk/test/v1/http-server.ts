/** Servers of the official SDK 1.x on real sockets, as its examples make them. */
import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AuthInfo } from "@modelcontextprotocol/sdk/server/auth/types.js";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { type EventStore, StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";

export interface HttpServerOptions {
  /** Registers what a server has, before it is connected. */
  readonly prepare: (mcp: McpServer) => void;
  /** @default new McpServer */
  readonly make?: () => McpServer;
  /** A server for each request, and no sessions. @default false */
  readonly isStateless?: boolean;
  /** Answers with JSON instead of streams. @default false */
  readonly isJson?: boolean;
  /** Keeps what sessions send; it may take its time. */
  readonly eventStore?: EventStore;
}

export interface HttpServer extends AsyncDisposable {
  readonly url: URL;
  /** Sessions that live. */
  readonly sessions: ReadonlyMap<string, StreamableHTTPServerTransport>;
}

/** A bearer token is its subject: these tests are not about tokens. */
export function authInfoOf({ headers: { authorization } }: IncomingMessage): AuthInfo | undefined {
  const [, token] = authorization?.split(" ") ?? [];
  return token === undefined ? undefined : { token, clientId: "client", scopes: [], extra: { sub: token } };
}

export async function serveHttp(options: HttpServerOptions): Promise<HttpServer> {
  const { prepare, make, isStateless = false, isJson = false, eventStore } = options;
  const sessions = new Map<string, StreamableHTTPServerTransport>();

  const newTransport = async (): Promise<StreamableHTTPServerTransport> => {
    const mcp = make?.() ?? new McpServer({ name: "test", version: "1.0.0" });
    prepare(mcp);
    const transport = new StreamableHTTPServerTransport(
      isStateless
        ? { enableJsonResponse: isJson }
        : {
            enableJsonResponse: isJson,
            ...(eventStore && { eventStore }),
            sessionIdGenerator: () => randomUUID(),
            onsessioninitialized: (id) => void sessions.set(id, transport),
            onsessionclosed: (id) => void sessions.delete(id),
          },
    );
    await mcp.connect(transport);
    return transport;
  };

  const handle = async (request: IncomingMessage & { auth?: AuthInfo }, response: ServerResponse): Promise<void> => {
    const authInfo = authInfoOf(request);
    if (authInfo !== undefined) request.auth = authInfo;
    const id = request.headers["mcp-session-id"];
    const known = typeof id === "string" ? sessions.get(id) : undefined;
    if (!isStateless && id !== undefined && known === undefined) {
      response.writeHead(404).end();
      return;
    }
    const transport = known ?? (await newTransport());
    if (isStateless) response.on("close", () => void transport.close());
    await transport.handleRequest(request, response);
  };
  const http: Server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const address = http.address();
  if (typeof address !== "object" || address === null) throw new Error("no address");
  return {
    url: new URL(`http://127.0.0.1:${address.port}/mcp`),
    sessions,
    async [Symbol.asyncDispose]() {
      await Promise.all([...sessions.values()].map(async (transport) => await transport.close()));
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}
