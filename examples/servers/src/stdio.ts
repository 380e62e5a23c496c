/**
 * A server that a client starts as its child, over stdin and stdout. One user, no token: its tasks have no owner, and
 * their unguessable ids protect them. With DATABASE_URL a client that comes back later finds them again.
 */
import { TasksExtension } from "@mcp-task-store/sdk/v2";
import { McpServer } from "@modelcontextprotocol/server";
import { serveStdio, StdioServerTransport } from "@modelcontextprotocol/server/stdio";
import { endOnSignal } from "./end-on-signal.ts";
import { openStore } from "./store.ts";
import { tools } from "./tools.ts";

const store = openStore({ onOrphan: (task) => tasks.orphaned(task), onError: console.error });
const tasks: TasksExtension = new TasksExtension(store, { tools, onError: console.error });
await store.setup();

const connection = serveStdio(
  (context) => {
    const mcp = new McpServer({ name: "example-stdio", version: "1.0.0" });
    tasks.attach(mcp, context);
    return mcp;
  },
  { transport: tasks.wrapTransport(new StdioServerTransport()) },
);

async function end(): Promise<void> {
  await tasks.close();
  await connection.close();
  await store.close();
}
// The client has gone.
process.stdin.once("end", () => void end());
endOnSignal(end);
