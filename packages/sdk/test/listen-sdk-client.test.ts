import { fileURLToPath } from "node:url";
import type { JsonObject } from "@mcp-task-store/core";
import { pollUntil, postgresIsLeftOut } from "@mcp-task-store/services";
import {
  Client,
  type SubscriptionFilter,
  StreamableHTTPClientTransport,
  type Transport,
} from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { describe, expect, it } from "vitest";
import { listenServer } from "./listen-server.ts";
import { sharedBackend } from "./listen-stores.ts";
import { asObject, EXTENSION } from "./listen-wire.ts";

const DONE = { status: "completed", result: { content: [] } } as const;

interface Connected extends AsyncDisposable {
  readonly client: Client;
  /** The parameters of each `notifications/tasks`. */
  readonly told: readonly JsonObject[];
}

async function connected(transport: Transport): Promise<Connected> {
  const client = new Client(
    { name: "listen-test-client", version: "1.0.0" },
    { capabilities: { extensions: { [EXTENSION]: {} } }, versionNegotiation: { mode: "auto" } },
  );
  const told: JsonObject[] = [];
  client.fallbackNotificationHandler = async ({ method, params }) => {
    if (method === "notifications/tasks") told.push(asObject(params));
  };
  await client.connect(transport);
  return { client, told, [Symbol.asyncDispose]: async () => await client.close() };
}

/** The client's types know no tasks; it sends what it is given. */
function tasksAndTools(taskId: string): SubscriptionFilter {
  const filter = { toolsListChanged: true, taskIds: [taskId] };
  return filter;
}

async function follows({ client, told }: Connected, taskId: string, finish: () => Promise<unknown>): Promise<string> {
  const subscription = await client.listen(tasksAndTools(taskId));
  // Its schema of the acknowledgement drops what it does not know.
  expect(subscription.honoredFilter).toEqual({ toolsListChanged: true });
  await pollUntil(() => told.length > 0, { what: "the present" });
  expect(told[0]).toMatchObject({ taskId, status: "working" });
  await finish();
  await pollUntil(() => told.at(-1)?.["status"] === "completed", { what: "the end" });
  expect(told.at(-1)).toMatchObject({ taskId, result: { resultType: "complete" } });
  await subscription.close();
  return await subscription.closed;
}

describe.skipIf(postgresIsLeftOut())("the official client hears of tasks", () => {
  it("over HTTP", async () => {
    await using backend = await sharedBackend("postgres");
    const elsewhere = backend.open();
    await using server = await listenServer(backend.open());
    const { taskId } = await elsewhere.createTask();
    await using connection = await connected(new StreamableHTTPClientTransport(new URL(server.url)));
    const finish = async (): Promise<unknown> => await elsewhere.finishTask(taskId, DONE);
    expect(await follows(connection, taskId, finish)).toBe("local");
    await pollUntil(() => server.subscriptions.size === 0, { what: "the slot" });

    const only = await elsewhere.createTask();
    const { toolsListChanged: _, ...filter } = tasksAndTools(only.taskId);
    const subscription = await connection.client.listen(filter);
    await elsewhere.finishTask(only.taskId, DONE);
    expect(await subscription.closed).toBe("graceful");
  });

  it("over stdio", async () => {
    await using backend = await sharedBackend("postgres");
    const elsewhere = backend.open();
    const script = fileURLToPath(new URL("listen-stdio-server.ts", import.meta.url));
    const { taskId } = await elsewhere.createTask();
    await using connection = await connected(
      new StdioClientTransport({
        command: process.execPath,
        args: [script, backend.url],
      }),
    );
    const finish = async (): Promise<unknown> => await elsewhere.finishTask(taskId, DONE);
    expect(await follows(connection, taskId, finish)).toBe("local");
  });
});
