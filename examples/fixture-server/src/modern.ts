/** Tasks of 2026-07-28, on the official SDK 2.x. */
import { fixtureTools, registerGreet } from "@mcp-task-store/fixture";
import type { TaskStore } from "@mcp-task-store/core";
import { TasksExtension } from "@mcp-task-store/sdk/v2";
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import type { Endpoint } from "./endpoint.ts";

export function modernEndpoint(store: TaskStore): Endpoint & Pick<TasksExtension, "orphaned"> {
  const tasks = new TasksExtension(store, { tools: fixtureTools });
  const handler = createMcpHandler(
    (context) => {
      const mcp = new McpServer({ name: "fixture", version: "1.0.0" });
      tasks.attach(mcp, context);
      registerGreet(mcp);
      return mcp;
    },
    { legacy: "reject" },
  );
  return {
    fetch: tasks.wrapFetch(handler.fetch),
    orphaned: (task) => tasks.orphaned(task),
    async close() {
      await tasks.close();
      await handler.close();
    },
  };
}
