/** A server process on stdio. Argument: the database. Ends when its stdin does, or on SIGTERM. */
import { createPostgresTaskStore } from "@mcp-task-store/postgres";
import { serveStdio, StdioServerTransport } from "@modelcontextprotocol/server/stdio";
import { mcpServer, subscriptionsOn } from "./listen-server.ts";

const store = createPostgresTaskStore({ connectionString: process.argv[2] });
const subscriptions = subscriptionsOn(store, { principal: () => null });
const transport = new StdioServerTransport();
const handle = serveStdio(mcpServer, { transport: subscriptions.wrapTransport(transport) });
const end = async (): Promise<void> => {
  subscriptions.close();
  await handle.close();
  await store.close();
};
process.once("SIGTERM", () => void end());
process.stdin.once("end", () => void end());
