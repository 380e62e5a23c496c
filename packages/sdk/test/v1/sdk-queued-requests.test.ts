/** What tools of the SDK's own send their client through the queue: all but questions. */
import type { TaskMessageQueue } from "@mcp-task-store/core";
import { EmptyResultSchema } from "@modelcontextprotocol/sdk/types.js";
import { pollUntil } from "@mcp-task-store/services";
import { describe, expect, it } from "vitest";
import { BACKENDS, ended, storeWithoutMessages, twoStores, until, withFaults } from "../two-stores.ts";
import { openStreams } from "./open-streams.ts";
import { makeSdkTask, serveSdkTool, type Work } from "./sdk-tool-server.ts";
import { result, silent } from "./task-calls.ts";
import { connectHttp, rpcErrorOf, type TestClient } from "./test-client.ts";
import { gate } from "./test-tools.ts";

/** Asks its client, by its task, whether it is there. */
async function ping(...[mcp, taskId]: Parameters<Work>): Promise<string> {
  await mcp.server.request({ method: "ping" }, EmptyResultSchema, { relatedTask: { taskId }, timeout: 50_000 });
  return "there";
}

function heard({ received }: TestClient, method: string): boolean {
  return received.some((message) => "method" in message && message.method === method);
}

describe.each(BACKENDS)("a request that is no question, on $name", (backend) => {
  it.skipIf(backend.isLeftOut)("wakes a client that waits, and its answer goes to the tool", async () => {
    await using stores = await backend.open({ safetyPollMs: 600_000 });
    const go = gate();
    const work: Work = async (...task) => {
      await go.passed;
      return await ping(...task);
    };
    await using server = await serveSdkTool(stores.a, { work });
    await using alice = await connectHttp(server.url, silent);
    const waiting = result(alice, await makeSdkTask(alice));
    await alice.client.ping();
    go.open();
    expect(await waiting).toMatchObject({ content: [{ text: "there" }] });
  });
});

it("a request that is no question is refused without durable messages", async () => {
  await using store = storeWithoutMessages();
  await using server = await serveSdkTool(store, { work: ping });
  await using alice = await connectHttp(server.url, silent);
  const taskId = await makeSdkTask(alice);
  expect(await ended(store, taskId)).toMatchObject({
    status: "failed",
    statusMessage: expect.stringContaining("Cannot enqueue task message"),
  });
});

describe("what is queued while nobody listens", () => {
  it("waits for the client to come back, though its former wait is not over yet", async () => {
    await using stores = twoStores({ safetyPollMs: 600_000 });
    const go = gate();
    const work: Work = async (mcp, taskId, taskStore) => {
      await go.passed;
      const params = { level: "info" as const, data: "half way" };
      await mcp.server.notification({ method: "notifications/message", params }, { relatedTask: { taskId } });
      await taskStore.updateTaskStatus(taskId, "working", "sent");
      return await ping(mcp, taskId, taskStore);
    };
    await using server = await serveSdkTool(stores.a, { work, logging: true });
    await using maker = await connectHttp(server.url, silent);
    const taskId = await makeSdkTask(maker);
    await using before = await connectHttp(server.url, silent);
    const lost = rpcErrorOf(result(before, taskId));
    await before.client.ping();
    const dead = [...server.sessions.values()].at(-1);
    await before.client.close();
    await lost;
    await pollUntil(() => openStreams(dead) === 0, { what: "the server to notice" });
    go.open();
    await until(stores.b, taskId, ({ statusMessage }) => statusMessage === "sent");
    await using after = await connectHttp(server.url, silent);
    expect(await result(after, taskId)).toMatchObject({ content: [{ text: "there" }] });
    expect(heard(after, "notifications/message")).toBe(true);
    expect(heard(after, "ping")).toBe(true);
  });
});

it("what is taken for a client that goes away at that moment is the next one's", async () => {
  await using stores = twoStores({ safetyPollMs: 600_000 });
  let goAway: () => Promise<void> = async () => undefined;
  let taken = 0;
  const shift: TaskMessageQueue["shift"] = async (...args) => {
    const message = await stores.a.messages.shift(...args);
    if (message === undefined) return undefined;
    taken += 1;
    if (taken === 1) await goAway();
    return message;
  };
  const store = withFaults(stores.a, { messages: { ...stores.a.messages, shift } });
  const go = gate();
  const work: Work = async (...task) => {
    await go.passed;
    return await ping(...task);
  };
  await using server = await serveSdkTool(store, { work });
  await using maker = await connectHttp(server.url, silent);
  const taskId = await makeSdkTask(maker);
  await using before = await connectHttp(server.url, silent);
  const lost = rpcErrorOf(result(before, taskId));
  await before.client.ping();
  const dead = [...server.sessions.values()].at(-1);
  goAway = async () => {
    await before.client.close();
    await pollUntil(() => openStreams(dead) === 0, { what: "the server to notice" });
  };
  go.open();
  await lost;
  await using after = await connectHttp(server.url, silent);
  expect(await result(after, taskId)).toMatchObject({ content: [{ text: "there" }] });
  expect(heard(before, "ping")).toBe(false);
  expect(taken).toBe(2);
  expect(await stores.b.messages.drain(taskId, { receipt: "rest" })).toEqual([]);
});
