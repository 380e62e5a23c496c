/** A server on Node's own `http`. PORT and DATABASE_URL come from the environment. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { TasksExtension } from "@mcp-task-store/sdk/v2";
import { localhostHostValidation, toNodeHandler } from "@modelcontextprotocol/node";
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import { authenticate } from "./auth.ts";
import { endOnSignal } from "./end-on-signal.ts";
import { announce } from "./listening.ts";
import { openStore } from "./store.ts";
import { tools } from "./tools.ts";

const store = openStore({ onOrphan: (task) => tasks.orphaned(task), onError: console.error });
const tasks: TasksExtension = new TasksExtension(store, { tools, onError: console.error });
await store.setup();

const handler = createMcpHandler((context) => {
  const mcp = new McpServer({ name: "example-http", version: "1.0.0" });
  tasks.attach(mcp, context);
  return mcp;
});
const serve = toNodeHandler({ fetch: tasks.wrapFetch(handler.fetch) });
const isForThisHost = localhostHostValidation();

async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (!isForThisHost(request, response)) return;
  const auth = await authenticate(request.headers.authorization);
  if (auth instanceof Response) {
    response.writeHead(auth.status, Object.fromEntries(auth.headers)).end(await auth.text());
    return;
  }
  // A server's requests have both; Node's type is that of a client's answers as well.
  const { method = "POST", url = "/mcp" } = request;
  await serve(Object.assign(request, { auth, method, url }), response);
}

const server = createServer((request, response) => void respond(request, response));
server.listen(Number(process.env["PORT"] ?? 3000), "127.0.0.1", () => announce(server));

endOnSignal(async () => {
  server.close();
  // Ends the streams, and gives running tasks back: another process may take them at once.
  await tasks.close();
  await handler.close();
  await store.close();
});
