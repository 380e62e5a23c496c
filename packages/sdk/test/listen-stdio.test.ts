import { spawn } from "node:child_process";
import { once } from "node:events";
import { PassThrough } from "node:stream";
import { fileURLToPath } from "node:url";
import type { JsonObject, TaskStore } from "@mcp-task-store/core";
import { createMemoryBackend, createMemoryTaskStore } from "@mcp-task-store/memory";
import { pollUntil, postgresIsLeftOut } from "@mcp-task-store/services";
import type { McpServer } from "@modelcontextprotocol/server";
import { serveStdio, StdioServerTransport } from "@modelcontextprotocol/server/stdio";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { detailedTask } from "../src/v2/detailed-task.ts";
import type { TaskSubscriptions, TaskSubscriptionsOptions } from "../src/v2/task-subscriptions.ts";
import { mcpServer, subscriptionsOn } from "./listen-server.ts";
import { sharedBackend } from "./listen-stores.ts";
import { at, closing, envelope, EXTENSION, listenRequest, type ListenParams, subscriptionOf } from "./listen-wire.ts";
import { StdioLine } from "./stdio-line.ts";

const DONE = { status: "completed", result: { content: [] } } as const;
const ACKNOWLEDGED = "notifications/subscriptions/acknowledged";

interface Connection {
  readonly line: StdioLine;
  readonly subscriptions: TaskSubscriptions;
  readonly mcp: () => McpServer;
  readonly close: () => Promise<void>;
  readonly made: () => number;
}

describe("subscriptions/listen over stdio", () => {
  let store: TaskStore;
  let elsewhere: TaskStore;
  const connections: Connection[] = [];
  beforeEach(() => {
    const backend = createMemoryBackend();
    store = createMemoryTaskStore({ backend });
    elsewhere = createMemoryTaskStore({ backend });
  });
  afterEach(async () => {
    for (const { close } of connections.splice(0)) await close();
    await Promise.all([store.close(), elsewhere.close()]);
  });

  function connect(options: Partial<TaskSubscriptionsOptions> = {}): Connection {
    const [input, output] = [new PassThrough(), new PassThrough()];
    let made = 0;
    const subscriptions = subscriptionsOn(store, {
      principal: () => null,
      toWire: (task) => {
        made += 1;
        return detailedTask(task);
      },
      ...options,
    });
    let mcp: McpServer | undefined;
    const handle = serveStdio(
      () => {
        mcp = mcpServer();
        return mcp;
      },
      { transport: subscriptions.wrapTransport(new StdioServerTransport(input, output)) },
    );
    const connection: Connection = {
      line: new StdioLine(output, input),
      subscriptions,
      mcp: () => {
        if (mcp === undefined) throw new Error("nothing was served yet");
        return mcp;
      },
      close: async () => await handle.close(),
      made: () => made,
    };
    connections.push(connection);
    return connection;
  }

  function listen(line: StdioLine, params: ListenParams): void {
    line.send(listenRequest(params));
  }

  /** A question and its answer: all that was sent before is out. */
  async function ping(line: StdioLine, id: string): Promise<readonly JsonObject[]> {
    line.send({ jsonrpc: "2.0", id, method: "tools/list", params: { _meta: envelope() } });
    return (await line.until((message) => message["id"] === id)).slice(0, -1);
  }

  it("acknowledges first, then says what is and every change, then ends with the result", async () => {
    const { line, subscriptions } = connect();
    const { taskId } = await elsewhere.createTask();
    await elsewhere.createTask({ principal: "you", statusMessage: "foreign" });
    await ping(line, "first");
    listen(line, { id: "s", notifications: { taskIds: [taskId, "never-was", taskId] } });
    const ack = await line.next();
    expect(ack).toMatchObject({ method: ACKNOWLEDGED, params: { notifications: { taskIds: [taskId] } } });
    expect(await line.next()).toMatchObject({ method: "notifications/tasks", params: { taskId, status: "working" } });
    await elsewhere.updateTask(taskId, { statusMessage: "half" });
    const seen = await line.until((message) => at(message, "params")["statusMessage"] === "half");
    await elsewhere.finishTask(taskId, DONE);
    const rest = await line.until((message) => "result" in message);
    expect(at(rest.at(-2), "params")).toMatchObject({ status: "completed", result: { resultType: "complete" } });
    expect(rest.at(-1)).toEqual(closing("s"));
    expect([ack ?? {}, ...seen, ...rest].every((message) => subscriptionOf(message) === "s")).toBe(true);
    expect(subscriptions.size).toBe(0);
    // The SDK has forgotten it: at the end of the connection it does not answer it again.
    expect(await ping(line, "second")).toEqual([]);
  });

  it("other kinds go on beside the tasks and after them, and end with the connection", async () => {
    const { line, mcp, close, subscriptions } = connect();
    const { taskId } = await elsewhere.createTask();
    listen(line, { id: 4, notifications: { taskIds: [taskId], toolsListChanged: true } });
    const ack = await line.next();
    expect(at(ack, "params", "notifications")).toEqual({ toolsListChanged: true, taskIds: [taskId] });
    await line.until((message) => message["method"] === "notifications/tasks");
    mcp().sendToolListChanged();
    await line.until((message) => message["method"] === "notifications/tools/list_changed");
    await elsewhere.finishTask(taskId, DONE);
    await line.until((message) => at(message, "params")["status"] === "completed");
    await pollUntil(() => subscriptions.size === 0, { what: "the slot for the tasks" });
    mcp().sendToolListChanged();
    expect(await line.next()).toMatchObject({ method: "notifications/tools/list_changed" });
    const closed = close();
    expect(await line.next()).toEqual(closing(4));
    await closed;
  });

  it("nothing overtakes the acknowledgement, however long the store takes", async () => {
    const view = store.scoped(null);
    let look: (() => void) | undefined;
    const slow = connect({
      store: {
        scoped: () => ({
          ...view,
          async waitForUpdate(taskId, options) {
            await new Promise<void>((resolve) => {
              look = resolve;
            });
            return await view.waitForUpdate(taskId, options);
          },
        }),
      },
    });
    const { taskId } = await elsewhere.createTask();
    await ping(slow.line, "a");
    listen(slow.line, { id: 1, notifications: { taskIds: [taskId], toolsListChanged: true } });
    await pollUntil(() => look, { what: "the look at the task" });
    slow.mcp().sendToolListChanged();
    // The connection is not held up meanwhile.
    expect(await ping(slow.line, "b")).toEqual([]);
    look?.();
    expect(await slow.line.next()).toMatchObject({ method: ACKNOWLEDGED });
    const rest = [await slow.line.next(), await slow.line.next()].map((message) => message?.["method"]);
    expect(new Set(rest)).toEqual(new Set(["notifications/tasks", "notifications/tools/list_changed"]));
  });

  it("a cancelled one says nothing more, and the SDK hears of it", async () => {
    const { line, subscriptions, mcp } = connect();
    const { taskId } = await elsewhere.createTask();
    listen(line, { id: 1, notifications: { taskIds: [taskId], toolsListChanged: true } });
    await line.until((message) => message["method"] === "notifications/tasks");
    line.send({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 1 } });
    await pollUntil(() => subscriptions.size === 0, { what: "the slot" });
    await ping(line, "b");
    await elsewhere.updateTask(taskId, { statusMessage: "unheard" });
    mcp().sendToolListChanged();
    expect(await ping(line, "c")).toEqual([]);
    // The id is free for another.
    listen(line, { id: 1, notifications: { taskIds: [taskId] } });
    expect(await line.next()).toMatchObject({ method: ACKNOWLEDGED });
  });

  it("refuses a client without the extension, malformed ids and what is over the caps, and keeps nothing of it", async () => {
    const { line, subscriptions, mcp } = connect({ maxSubscriptions: 2, maxTasksPerSubscription: 3 });
    const { taskId } = await elsewhere.createTask();
    const others = { toolsListChanged: true };
    listen(line, { id: 1, declares: false, notifications: { taskIds: [taskId], ...others } });
    expect(await line.next()).toMatchObject({
      id: 1,
      error: { code: -32021, data: { requiredCapabilities: { extensions: { [EXTENSION]: {} } } } },
    });
    for (const taskIds of [null, "id", [7], ["a", "b", "c", "d"]]) {
      listen(line, { id: 2, notifications: { taskIds, ...others } });
      expect(await line.next()).toMatchObject({ id: 2, error: { code: -32602 } });
    }
    // Refused by the SDK: its answer passes.
    listen(line, { id: 3, notifications: { taskIds: [taskId], toolsListChanged: "yes" } });
    expect(await line.next()).toMatchObject({ id: 3, error: { code: -32602 } });
    mcp().sendToolListChanged();
    expect(await ping(line, "a")).toEqual([]);
    for (const id of [4, 5]) {
      listen(line, { id, notifications: { taskIds: [taskId] } });
      await line.until((message) => message["method"] === "notifications/tasks");
    }
    listen(line, { id: 6, notifications: { taskIds: [taskId] } });
    expect(await line.next()).toMatchObject({
      id: 6,
      error: { code: -32603, message: "Subscription limit reached" },
    });
    expect(subscriptions.size).toBe(2);
  });

  it("on the older specification it is as unknown as ever, with the extension declared or not", async () => {
    const { line } = connect();
    line.send({
      jsonrpc: "2.0",
      id: 0,
      method: "initialize",
      params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "old", version: "1" } },
    });
    expect(await line.next()).toMatchObject({ id: 0, result: { protocolVersion: "2025-11-25" } });
    const { taskId } = await elsewhere.createTask();
    line.send({
      jsonrpc: "2.0",
      id: 1,
      method: "subscriptions/listen",
      params: { notifications: { taskIds: [taskId] } },
    });
    expect(await line.next()).toMatchObject({ id: 1, error: { code: -32601 } });
    listen(line, { id: 2, notifications: { taskIds: [taskId] } });
    expect(await line.next()).toMatchObject({ id: 2, error: { code: -32601 } });
  });

  it("close() ends each with the result once; the connection goes on", async () => {
    const { line, subscriptions, close } = connect();
    const { taskId } = await elsewhere.createTask();
    for (const [id, others] of [
      [1, {}],
      [2, { toolsListChanged: true }],
    ] as const) {
      listen(line, { id, notifications: { taskIds: [taskId], ...others } });
      await line.until((message) => message["method"] === "notifications/tasks");
    }
    await ping(line, "who");
    subscriptions.close();
    expect(await line.next()).toEqual(closing(1));
    expect(await line.next()).toEqual(closing(2));
    expect(subscriptions.size).toBe(0);
    listen(line, { id: 3, notifications: { taskIds: [taskId] } });
    expect(await line.next()).toMatchObject({ id: 3, error: { code: -32603 } });
    expect(await ping(line, "still here")).toEqual([]);
    await close();
  });

  it("the end of the connection ends ours before the SDK's result, which comes once", async () => {
    const { line, subscriptions, mcp, close, made } = connect();
    const { taskId } = await elsewhere.createTask();
    listen(line, { id: 1, notifications: { taskIds: [taskId] } });
    await line.until((message) => message["method"] === "notifications/tasks");
    const server = mcp();
    const closeServer = server.close.bind(server);
    // The SDK calls this between its result and the end of the connection.
    server.close = async () => {
      expect(subscriptions.size).toBe(0);
      await elsewhere.updateTask(taskId, { statusMessage: "too late" });
      await store.waitForUpdate(taskId, { since: 0 });
      await closeServer();
    };
    await close();
    expect(await line.next()).toEqual(closing(1));
    expect(made()).toBe(1);
  });

  it("a client that does not read holds the tasks up, and gets the present afterwards", async () => {
    const padding = "x".repeat(64 * 1_024);
    let made = 0;
    const { line } = connect({
      toWire: (task) => {
        made += 1;
        return { ...detailedTask(task), padding };
      },
    });
    const { taskId } = await elsewhere.createTask();
    listen(line, { id: 1, notifications: { taskIds: [taskId] } });
    await pollUntil(() => made > 0, { what: "the first notification" });
    for (let step = 0; step < 2_000; step += 1) {
      await elsewhere.updateTask(taskId, { statusMessage: `${step}` });
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
    expect(made).toBeLessThan(20);
    await elsewhere.finishTask(taskId, DONE);
    const rest = await line.until((message) => "result" in message);
    expect(rest.length).toBeLessThan(30);
    expect(at(rest.at(-2), "params")["status"]).toBe("completed");
  });
});

describe.skipIf(postgresIsLeftOut())("subscriptions/listen of a process on stdio, over Postgres", () => {
  it("tells what another process writes, and ends gracefully on SIGTERM", async () => {
    await using backend = await sharedBackend("postgres");
    const elsewhere = backend.open();
    const script = fileURLToPath(new URL("listen-stdio-server.ts", import.meta.url));
    const server = spawn(process.execPath, [script, backend.url], { stdio: ["pipe", "pipe", "inherit"] });
    try {
      const line = new StdioLine(server.stdout, server.stdin);
      const [one, two] = await Promise.all([elsewhere.createTask(), elsewhere.createTask()]);
      line.send(listenRequest({ id: 1, notifications: { taskIds: [one.taskId] } }));
      line.send(listenRequest({ id: 2, notifications: { taskIds: [two.taskId] } }));
      const told = new Set<unknown>();
      await line.until((message) => {
        if (message["method"] === "notifications/tasks") told.add(subscriptionOf(message));
        return told.size === 2;
      });
      await elsewhere.finishTask(one.taskId, DONE);
      const seen = await line.until((message) => message["id"] === 1);
      expect(at(seen.at(-2), "params")).toMatchObject({ taskId: one.taskId, status: "completed" });
      server.kill("SIGTERM");
      expect(await line.until((message) => message["id"] === 2)).toMatchObject([
        { result: { resultType: "complete" } },
      ]);
      const [code] = await once(server, "exit");
      expect(code).toBe(0);
    } finally {
      server.kill("SIGKILL");
    }
  });
});
