/** One endpoint for clients of both generations, from one store: what server judges expect, tool by tool. */
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { TaskStore, TaskStoreOptions } from "@mcp-task-store/core";
import { createMemoryTaskStore } from "@mcp-task-store/memory";
import { type NodeIncomingMessageLike, toNodeHandler } from "@modelcontextprotocol/node";
import { type AuthInfo, isLegacyRequest } from "@modelcontextprotocol/server";
import type { Endpoint } from "./endpoint.ts";
import { modernEndpoint } from "./modern.ts";
import { sessionEndpoint } from "./sessions.ts";

export interface FixtureServerOptions {
  /** 0: any free one. @default 0 */
  readonly port?: number | undefined;
  /** Opens the store with what the server adds to its settings. The server closes it. @default one in memory */
  readonly openStore?: ((options: TaskStoreOptions) => TaskStore) | undefined;
}

export interface FixtureServer extends AsyncDisposable {
  readonly url: string;
}

/** Listens on loopback. A bearer token is taken for its caller's name; without one a caller is nobody. */
export async function startFixtureServer(options: FixtureServerOptions = {}): Promise<FixtureServer> {
  const { port = 0, openStore = createMemoryTaskStore } = options;
  const store = openStore({
    // A task goes on in the generation that made it.
    onOrphan: (task) => (task.generation === "2025-11-25" ? sessions : modern).orphaned(task),
  });
  await store.setup();
  const modern = modernEndpoint(store);
  const sessions = sessionEndpoint(store);
  const fetch: Endpoint["fetch"] = async (request, more) =>
    ((await isLegacyRequest(request, more?.parsedBody)) ? sessions : modern).fetch(request, more);
  const handle = toNodeHandler({ fetch });
  const http = createServer((request, response) => void handle(withCaller(request), response));
  http.listen({ host: "127.0.0.1", port });
  await once(http, "listening");
  const address = http.address();
  if (typeof address !== "object" || address === null) throw new TypeError("the server does not listen on a port");
  return {
    url: `http://127.0.0.1:${address.port}/mcp`,
    async [Symbol.asyncDispose]() {
      await Promise.all([modern.close(), sessions.close()]);
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
      await store.close();
    },
  };
}

/** As the SDK's adapter takes it: who is calling stands beside what is asked. */
function withCaller(request: IncomingMessage): NodeIncomingMessageLike {
  const { method = "GET", url = "/", headers } = request;
  const [, token] = headers.authorization?.split(" ") ?? [];
  const auth: AuthInfo | undefined =
    token === undefined ? undefined : { token, clientId: "fixture", scopes: [], extra: { sub: token } };
  return { method, url, headers, ...(auth && { auth }), [Symbol.asyncIterator]: () => request[Symbol.asyncIterator]() };
}
