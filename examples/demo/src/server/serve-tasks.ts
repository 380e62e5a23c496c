/** The demo's MCP server, on any store and in any process. It runs no tool itself: it hands the tasks' ids out. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { TaskStore, TaskStoreOptions } from "@mcp-task-store/core";
import { authenticate } from "@mcp-task-store/example-servers/auth";
import { stopServing } from "@mcp-task-store/example-servers/end-on-signal";
import { type DispatchReason, TasksExtension } from "@mcp-task-store/sdk/v2";
import { localhostHostValidation, toNodeHandler } from "@modelcontextprotocol/node";
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import { serverStoreOptions } from "../store-options.ts";
import { digestTools } from "../tools.ts";

/** Within the time that the process has to end. */
const ANSWER_WITHIN_MS = 2_000;

export interface ServeOptions {
  readonly openStore: (options: TaskStoreOptions) => TaskStore;
  /** 0: a free one. */
  readonly port: number;
  readonly dispatch: (taskId: string, reason: DispatchReason) => void;
  readonly onError: (error: unknown) => void;
}

export interface ServedTasks {
  readonly port: number;
  close(): Promise<void>;
}

export async function serveTasks({ openStore, port, dispatch, onError }: ServeOptions): Promise<ServedTasks> {
  const store = openStore(serverStoreOptions((task) => tasks.orphaned(task), onError));
  const tasks: TasksExtension = new TasksExtension(store, {
    tools: digestTools(),
    dispatch: ({ taskId }, reason) => dispatch(taskId, reason),
    onError,
  });
  const handler = createMcpHandler((context) => {
    const mcp = new McpServer({ name: "mcp-task-store-demo", version: "1.0.0" });
    tasks.attach(mcp, context);
    return mcp;
  });
  const serve = toNodeHandler({ fetch: tasks.wrapFetch(handler.fetch) });
  const isForThisHost = localhostHostValidation();

  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (!isForThisHost(request, response)) return;
    const auth = await authenticate(request.headers.authorization);
    if (auth instanceof Response) {
      response.writeHead(auth.status, Object.fromEntries(auth.headers)).end(await auth.text());
      return;
    }
    const { method = "POST", url = "/mcp" } = request;
    await serve(Object.assign(request, { auth, method, url }), response);
  };
  const server = createServer((request, response) => void respond(request, response).catch(onError));
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new TypeError("the server does not listen on a port");
  return {
    port: address.port,
    close: async () => {
      const answered = stopServing(server, ANSWER_WITHIN_MS);
      await tasks.close();
      await answered;
      await handler.close();
      server.closeAllConnections();
      await store.close();
    },
  };
}
