/** A server process of SDK 1.x on stdio. Argument: the database. Ends when its stdin does. */
import { createPostgresTaskStore } from "@mcp-task-store/postgres";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { TasksSupport } from "../../src/v1/index.ts";
import { echo, greeter, suspender } from "./test-tools.ts";

const store = createPostgresTaskStore({
  connectionString: process.argv[2],
  onOrphan: async (task) => await tasks.orphaned(task),
  // What a killed process worked on goes on in the next within seconds.
  leaseMs: 1_000,
  claimWithinMs: 1_000,
  maintenance: { everyMs: 100 },
});
// Who started the process is the only caller it has.
const tools = [echo, greeter, { ...suspender, name: "greet_later" }];
const tasks = new TasksSupport(store, { tools, principal: () => "alice" });
const mcp = new McpServer({ name: "stdio-test", version: "1.0.0" });
tasks.attach(mcp);
process.stdin.once("end", () => {
  void mcp
    .close()
    .then(async () => await tasks.close())
    .then(async () => await store.close());
});
await mcp.connect(new StdioServerTransport());
