/** A server with Hono. The same works wherever Hono does; only `serve` is Node's. */
import { serve } from "@hono/node-server";
import { TasksExtension } from "@mcp-task-store/sdk/v2";
import {
  createMcpHandler,
  hostHeaderValidationResponse,
  localhostAllowedHostnames,
  McpServer,
} from "@modelcontextprotocol/server";
import { Hono } from "hono";
import { authenticate } from "./auth.ts";
import { endOnSignal } from "./end-on-signal.ts";
import { announce } from "./listening.ts";
import { openStore } from "./store.ts";
import { tools } from "./tools.ts";

const store = openStore({ onOrphan: (task) => tasks.orphaned(task), onError: console.error });
const tasks: TasksExtension = new TasksExtension(store, { tools, onError: console.error });
await store.setup();

const handler = createMcpHandler((context) => {
  const mcp = new McpServer({ name: "example-hono", version: "1.0.0" });
  tasks.attach(mcp, context);
  return mcp;
});
const fetchMcp = tasks.wrapFetch(handler.fetch);

const app = new Hono();
app.use(async (c, next) => hostHeaderValidationResponse(c.req.raw, localhostAllowedHostnames()) ?? (await next()));
app.all("/mcp", async (c) => {
  const authInfo = await authenticate(c.req.header("authorization"));
  return authInfo instanceof Response ? authInfo : await fetchMcp(c.req.raw, { authInfo });
});
const server = serve({ fetch: app.fetch, hostname: "127.0.0.1", port: Number(process.env["PORT"] ?? 3000) }, () =>
  announce(server),
);

endOnSignal(async () => {
  server.close();
  await tasks.close();
  await handler.close();
  await store.close();
});
