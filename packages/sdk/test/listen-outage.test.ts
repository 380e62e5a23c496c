import { createPostgresTaskStore } from "@mcp-task-store/postgres";
import { pollUntil, postgresIsLeftOut } from "@mcp-task-store/services";
import { describe, expect, it } from "vitest";
import { listenAt } from "./listen-client.ts";
import { listenServer } from "./listen-server.ts";
import { sharedBackend } from "./listen-stores.ts";
import { at, closing } from "./listen-wire.ts";
import { tcpProxy } from "../../../conformance/src/wire/tcp-proxy.ts";

describe.skipIf(postgresIsLeftOut())("a subscription through an outage of the database", () => {
  it("waits it through, and tells what happened meanwhile", async () => {
    await using backend = await sharedBackend("postgres");
    const elsewhere = backend.open();
    await using proxy = await tcpProxy({ target: backend.url });
    const failures: unknown[] = [];
    await using store = createPostgresTaskStore({
      connectionString: proxy.through(backend.url),
      safetyPollMs: 50,
      // Longer than a busy machine stands still: without the outage every call is answered.
      callTimeoutMs: 3_000,
      maintenance: false,
      onError: (error) => failures.push(error),
    });
    await using server = await listenServer(store);
    const { taskId } = await elsewhere.createTask();
    const stream = await listenAt(server.url, { notifications: { taskIds: [taskId] } });
    await stream.until((message) => message["method"] === "notifications/tasks");
    proxy.cut();
    const late = listenAt(server.url, { id: 2, notifications: { taskIds: [taskId] } });
    await pollUntil(() => failures.length > 0, { what: "the outage to be noticed" });
    await elsewhere.finishTask(taskId, { status: "completed", result: { content: [] } });
    const refused = await late;
    expect(at(await refused.json(), "error")).toMatchObject({ code: -32603, data: { retryable: true } });
    expect(server.subscriptions.size).toBe(1);
    proxy.heal();
    const rest = await stream.rest();
    expect(at(rest.at(-2), "params")).toMatchObject({ taskId, status: "completed" });
    expect(rest.at(-1)).toEqual(closing(1));
  });
});
