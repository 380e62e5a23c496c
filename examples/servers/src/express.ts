/** A server with Express, whose `express.json()` has read the body before MCP sees the request. */
import { TasksExtension } from "@mcp-task-store/sdk/v2";
import { localhostHostValidation, toNodeHandler } from "@modelcontextprotocol/node";
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import express from "express";
import { authenticate } from "./auth.ts";
import { endOnSignal } from "./end-on-signal.ts";
import { announce } from "./listening.ts";
import { openStore } from "./store.ts";
import { tools } from "./tools.ts";

const store = openStore({ onOrphan: (task) => tasks.orphaned(task), onError: console.error });
const tasks: TasksExtension = new TasksExtension(store, { tools, onError: console.error });
await store.setup();

const handler = createMcpHandler((context) => {
  const mcp = new McpServer({ name: "example-express", version: "1.0.0" });
  tasks.attach(mcp, context);
  return mcp;
});
const serve = toNodeHandler({ fetch: tasks.wrapFetch(handler.fetch) });
const isForThisHost = localhostHostValidation();

const app = express();
app.use((request, response, next) => {
  if (isForThisHost(request, response)) next();
});
app.use(express.json({ limit: "4mb" }));
// eslint-disable-next-line oxc/no-async-endpoint-handlers -- Express 5 takes what it throws
app.all("/mcp", async (request, response) => {
  const auth = await authenticate(request.headers.authorization);
  if (auth instanceof Response) {
    response.writeHead(auth.status, Object.fromEntries(auth.headers)).end(await auth.text());
    return;
  }
  await serve(Object.assign(request, { auth }), response, request.body);
});
const server = app.listen(Number(process.env["PORT"] ?? 3000), "127.0.0.1", () => announce(server));

endOnSignal(async () => {
  server.close();
  await tasks.close();
  await handler.close();
  await store.close();
});
