import { request } from "node:http";
import type { IncomingMessage } from "node:http";
import type { ScopedTaskStore, Task, TaskStore } from "@mcp-task-store/core";
import { createMemoryBackend, createMemoryTaskStore } from "@mcp-task-store/memory";
import { pollUntil } from "@mcp-task-store/services";
import { createMcpHandler } from "@modelcontextprotocol/server";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { detailedTask } from "../src/v2/detailed-task.ts";
import { taskListenOf } from "../src/v2/listen-request.ts";
import { ListenStream } from "../src/v2/listen-stream.ts";
import { Slots } from "../src/slots.ts";
import { openTaskSubscription } from "../src/v2/task-subscription.ts";
import { listenAt } from "./listen-client.ts";
import { listenServer, type ListenServer, mcpServer, subscriptionsOn } from "./listen-server.ts";
import { listenRequest } from "./listen-wire.ts";

const MIB = 1_024 * 1_024;
const HEADERS = {
  "content-type": "application/json",
  accept: "application/json, text/event-stream",
  "mcp-protocol-version": "2026-07-28",
  "mcp-method": "subscriptions/listen",
};

describe("a client that does not read", () => {
  let store: TaskStore;
  let elsewhere: TaskStore;
  const servers: ListenServer[] = [];
  beforeEach(() => {
    const backend = createMemoryBackend();
    store = createMemoryTaskStore({ backend });
    elsewhere = createMemoryTaskStore({ backend });
  });
  afterEach(async () => {
    for (const server of servers.splice(0)) await server[Symbol.asyncDispose]();
    await Promise.all([store.close(), elsewhere.close()]);
  });

  /** Sends the request and leaves the answer in the socket. */
  async function unread(url: string, taskId: string): Promise<IncomingMessage> {
    return await new Promise((resolve, reject) => {
      const call = request(url, { method: "POST", headers: HEADERS }, resolve);
      call.on("error", reject);
      call.end(JSON.stringify(listenRequest({ notifications: { taskIds: [taskId], toolsListChanged: true } })));
    });
  }

  it("costs what fits into the socket, however often its task changes, and reads the present afterwards", async () => {
    const padding = "x".repeat(MIB);
    const server = await listenServer(store, { toWire: (task: Task) => ({ ...detailedTask(task), padding }) });
    servers.push(server);
    const { taskId } = await elsewhere.createTask();
    const answer = await unread(server.url, taskId);
    await pollUntil(() => server.made() > 0, { what: "the first notification" });
    for (let step = 0; step < 3_000; step += 1) {
      await elsewhere.updateTask(taskId, { statusMessage: `${step}` });
      server.handler.notify.toolsChanged();
      // The server has its turn.
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
    // A frame is 1 MiB: the buffers of two sockets take some, not thousands.
    expect(server.made()).toBeLessThan(50);
    await elsewhere.finishTask(taskId, { status: "completed", result: {} });
    let text = "";
    let frames = 0;
    for await (const chunk of answer.setEncoding("utf8")) {
      text += String(chunk);
      const events = text.split("\n\n");
      text = events.pop() ?? "";
      frames += events.length;
      if (events.some((event) => event.includes('"status":"completed"'))) break;
    }
    expect(frames).toBeLessThan(100);
    expect(server.made()).toBeLessThan(50);
    await pollUntil(() => server.subscriptions.size === 0, { what: "the slot" });
  });

  it("is asked for nothing: no frame is made before one is wanted, and each kind waits once", async () => {
    let made = 0;
    const subscriptions = subscriptionsOn(store, {
      principal: () => null,
      toWire: (task) => {
        made += 1;
        return detailedTask(task);
      },
    });
    const handler = createMcpHandler(mcpServer);
    const { taskId } = await elsewhere.createTask();
    const body = JSON.stringify(listenRequest({ notifications: { taskIds: [taskId], toolsListChanged: true } }));
    const response = await subscriptions.wrapFetch(handler.fetch)(
      new Request("http://localhost/mcp", { method: "POST", headers: HEADERS, body }),
    );
    for (let step = 0; step < 2_000; step += 1) {
      await elsewhere.updateTask(taskId, { statusMessage: `${step}` });
      handler.notify.toolsChanged();
    }
    expect(made).toBe(0);
    const reader = response.body?.getReader();
    const decoder = new TextDecoder();
    const methods: string[] = [];
    for (let index = 0; index < 3; index += 1) {
      const { value } = (await reader?.read()) ?? {};
      methods.push(/"method":"([^"]+)"/.exec(decoder.decode(value))?.[1] ?? "");
    }
    expect(methods).toEqual([
      "notifications/subscriptions/acknowledged",
      "notifications/tools/list_changed",
      "notifications/tasks",
    ]);
    expect(made).toBe(1);
    await reader?.cancel();
    expect(subscriptions.size).toBe(0);
    await handler.close();
  });

  it("that leaves is forgotten: nothing is watched for it, nothing is kept of it", async () => {
    const view = store.scoped(null);
    const watches: (AbortSignal | undefined)[] = [];
    const kept = new Set<() => void>();
    const watching: ScopedTaskStore = {
      ...view,
      watchTasks(taskIds, options) {
        watches.push(options?.signal);
        return view.watchTasks(taskIds, options);
      },
    };
    const { taskId } = await elsewhere.createTask();
    const slots = new Slots(1, 1);
    const listen = taskListenOf(listenRequest({ notifications: { taskIds: [taskId] } }));
    if (listen === undefined) throw new Error("no listen request");
    const stop = new AbortController();
    for (const leave of ["cancel", "abort"] as const) {
      const tasks = await openTaskSubscription(listen, undefined, stop.signal, {
        store: { scoped: () => watching },
        principal: () => null,
        slots,
        maxTasks: 1,
        toWire: detailedTask,
        onError: () => undefined,
      });
      const { body } = new ListenStream({
        id: 1,
        acknowledgement: "ack",
        tasks,
        others: undefined,
        closing: async () => "end",
        signal: stop.signal,
        keepAliveMs: 0,
        onError: () => undefined,
        track: (close) => {
          kept.add(close);
          return () => kept.delete(close);
        },
      });
      const reader = body.getReader();
      await reader.read();
      await reader.read();
      const waiting = reader.read();
      expect([slots.open, kept.size, watches.at(-1)?.aborted]).toEqual([1, 1, false]);
      if (leave === "cancel") await reader.cancel();
      else stop.abort();
      expect(await waiting).toMatchObject({ done: true });
      expect([slots.open, kept.size, watches.at(-1)?.aborted]).toEqual([0, 0, true]);
    }
    expect(watches).toHaveLength(2);
  });

  it("gets a comment when nothing happens, and none with keepAliveMs 0", async () => {
    const lively = await listenServer(store, { keepAliveMs: 5 });
    const silent = await listenServer(store, { keepAliveMs: 0, handler: { keepAliveMs: 5 } });
    servers.push(lively, silent);
    const { taskId } = await elsewhere.createTask();
    const notifications = { taskIds: [taskId], toolsListChanged: true };
    const one = await listenAt(lively.url, { notifications });
    const other = await listenAt(silent.url, { notifications });
    const ends = [one.until((m) => "result" in m), other.until((m) => "result" in m)];
    await pollUntil(() => one.comments.length >= 3, { what: "three comments" });
    expect(one.comments[0]).toBe(": keepalive");
    lively.subscriptions.close();
    silent.subscriptions.close();
    await Promise.all(ends);
    expect(other.comments).toEqual([]);
  });
});
