/** A server process of SDK 1.x on stdio. Argument: the database. Ends when its stdin does. */
import { createPostgresTaskStore } from "@mcp-task-store/postgres";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { TasksSupport } from "../../src/v1/index.ts";
import { echo, greeter } from "./test-tools.ts";

const store = createPostgresTaskStore({ connectionString: process.argv[2] });
// Who started the process is the only caller it has.
const tasks = new TasksSupport(store, { tools: [echo, greeter], principal: () => "alice" });
const mcp = new McpServer({ name: "stdio-test", version: "1.0.0" });
tasks.attach(mcp);
process.stdin.once("end", () => {
  void mcp
    .close()
    .then(async () => await tasks.close())
    .then(async () => await store.close());
});
await mcp.connect(new StdioServerTransport());
