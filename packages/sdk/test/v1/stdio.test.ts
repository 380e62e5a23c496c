/** The client of SDK 1.x on two server processes over stdio, which share a database. */
import { fileURLToPath } from "node:url";
import { createPostgresTaskStore } from "@mcp-task-store/postgres";
import { freshTestDatabase, postgresIsLeftOut } from "@mcp-task-store/services";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { CallToolResultSchema } from "@modelcontextprotocol/sdk/types.js";
import { describe, expect, it } from "vitest";
import { connect, rpcErrorOf } from "./test-client.ts";

const SERVER = fileURLToPath(new URL("stdio-server.ts", import.meta.url));

describe.skipIf(postgresIsLeftOut())("a server process on stdio", () => {
  it("makes a task, asks for it, and ends with its result; another process knows it", async () => {
    const database = await freshTestDatabase();
    try {
      const setUp = createPostgresTaskStore({ connectionString: database.url });
      await setUp.setup();
      await setUp.close();
      const process_ = (): StdioClientTransport =>
        new StdioClientTransport({ command: process.execPath, args: [SERVER, database.url] });
      await using one = await connect(process_(), { answer: () => ({ action: "accept", content: { name: "Alice" } }) });
      const stream = one.client.experimental.tasks.callToolStream({ name: "greet" }, CallToolResultSchema, {
        task: {},
      });
      let taskId = "";
      let text: unknown;
      for await (const message of stream) {
        if (message.type === "taskCreated") ({ taskId } = message.task);
        if (message.type === "result") text = message.result.content;
        if (message.type === "error") throw message.error;
      }
      expect(text).toEqual([{ type: "text", text: "Hello, Alice!" }]);

      await using two = await connect(process_());
      const { tasks } = two.client.experimental;
      expect(await tasks.getTask(taskId)).toMatchObject({ status: "completed" });
      expect((await tasks.listTasks()).tasks).toHaveLength(1);
      expect(await tasks.getTaskResult(taskId, CallToolResultSchema)).toMatchObject({ content: text });
      expect(await rpcErrorOf(tasks.cancelTask(taskId))).toMatchObject({ code: -32_602 });
    } finally {
      await database.drop();
    }
  });
});
