/** The client of SDK 1.x on server processes over stdio, which share a database. */
import { fileURLToPath } from "node:url";
import { createPostgresTaskStore } from "@mcp-task-store/postgres";
import { type FreshDatabase, freshTestDatabase, pollUntil, postgresIsLeftOut } from "@mcp-task-store/services";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { CallToolResultSchema } from "@modelcontextprotocol/sdk/types.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connect, rpcErrorOf, type TestClientOptions } from "./test-client.ts";
import { accepted, result, silent, start } from "./task-calls.ts";

const SERVER = fileURLToPath(new URL("stdio-server.ts", import.meta.url));

const HELLO_ALICE = [{ type: "text", text: "Hello, Alice!" }];

describe.skipIf(postgresIsLeftOut())("a server process on stdio", () => {
  let database: FreshDatabase;
  beforeAll(async () => {
    database = await freshTestDatabase();
    await using store = createPostgresTaskStore({ connectionString: database.url });
    await store.setup();
  });
  afterAll(() => database.drop());

  const newProcess = (): StdioClientTransport =>
    new StdioClientTransport({ command: process.execPath, args: [SERVER, database.url] });
  const answering: TestClientOptions = { answer: () => accepted };

  it("makes a task, asks for it, and ends with its result; another process knows it", async () => {
    await using one = await connect(newProcess(), answering);
    const stream = one.client.experimental.tasks.callToolStream({ name: "greet" }, CallToolResultSchema, { task: {} });
    let taskId = "";
    let text: unknown;
    for await (const message of stream) {
      if (message.type === "taskCreated") ({ taskId } = message.task);
      if (message.type === "result") text = message.result.content;
      if (message.type === "error") throw message.error;
    }
    expect(text).toEqual(HELLO_ALICE);

    await using two = await connect(newProcess());
    const { tasks } = two.client.experimental;
    expect(await tasks.getTask(taskId)).toMatchObject({ status: "completed" });
    expect((await tasks.listTasks()).tasks).toHaveLength(1);
    expect(await tasks.getTaskResult(taskId, CallToolResultSchema)).toMatchObject({ content: text });
    expect(await rpcErrorOf(tasks.cancelTask(taskId))).toMatchObject({ code: -32_602 });
  });

  it("hears that its task was cancelled over another", async () => {
    await using one = await connect(newProcess(), silent);
    await using two = await connect(newProcess());
    const taskId = await start(one);
    const waiting = rpcErrorOf(result(one, taskId));
    expect(await two.client.experimental.tasks.cancelTask(taskId)).toMatchObject({ taskId, status: "cancelled" });
    expect(await waiting).toMatchObject({ code: -32_603 });
  });

  it.each(["greet", "greet_later"])(
    "that is killed while it asks (%s) is followed by one that asks again",
    async (name) => {
      const transport = newProcess();
      await using one = await connect(transport, silent);
      const taskId = await start(one, name);
      const lost = result(one, taskId).catch((error: unknown) => error);
      const isAsked = (): boolean => one.received.some((m) => "method" in m && m.method === "elicitation/create");
      await pollUntil(isAsked, { what: "the question" });
      process.kill(transport.pid ?? 0, "SIGKILL");
      expect(await lost).toMatchObject({ message: expect.stringContaining("Connection closed") });

      await using two = await connect(newProcess(), answering);
      expect(await result(two, taskId)).toMatchObject({ content: HELLO_ALICE });
      expect(await two.client.experimental.tasks.getTask(taskId)).toMatchObject({ status: "completed" });
    },
  );
});
