/** A server that runs no tool itself: `dispatch` sends the ids of its tasks to a queue. See queue-worker.ts, queue.ts. */
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
import { endOnSignal, stopServing } from "./end-on-signal.ts";
import { announce } from "./listening.ts";
import { openQueue } from "./queue.ts";
import { openStoreAt } from "./store.ts";
import { tools } from "./tools.ts";

const url = process.env["DATABASE_URL"];
const queue = await openQueue(url);
const store = openStoreAt(url, {
  // Its worker was lost, or no worker took it in time: the job may be lost. A job too many does no harm.
  onOrphan: (task) => tasks.orphaned(task),
  onError: console.error,
});
const tasks: TasksExtension = new TasksExtension(store, {
  tools,
  dispatch: async ({ taskId }, reason) => {
    console.log(`dispatch ${taskId} ${reason}`);
    await queue.send(taskId);
  },
  onError: console.error,
});
await store.setup();

const handler = createMcpHandler((context) => {
  const mcp = new McpServer({ name: "example-queue", version: "1.0.0" });
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
  const answered = stopServing(server);
  await tasks.close();
  await answered;
  await handler.close();
  await store.close();
  await queue.stop();
});
