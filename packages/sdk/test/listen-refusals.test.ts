import { createMemoryTaskStore } from "@mcp-task-store/memory";
import { pollUntil } from "@mcp-task-store/services";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type HttpListenOptions, listenAt, type Listening } from "./listen-client.ts";
import { listenServer, type ListenServer, type ListenServerOptions } from "./listen-server.ts";
import { at, closing, EXTENSION, listenRequest } from "./listen-wire.ts";

describe("subscriptions/listen refuses", () => {
  let store = createMemoryTaskStore();
  const servers: ListenServer[] = [];
  beforeEach(() => {
    store = createMemoryTaskStore();
  });
  afterEach(async () => {
    for (const server of servers.splice(0)) await server[Symbol.asyncDispose]();
    await store.close();
  });

  async function serve(options?: ListenServerOptions): Promise<ListenServer> {
    const server = await listenServer(store, options);
    servers.push(server);
    return server;
  }

  it("a client without the extension: -32021 with its data, whatever the ids", async () => {
    const { url, subscriptions, errors } = await serve();
    const { taskId } = await store.createTask();
    for (const taskIds of [[taskId], ["never-was"], "odd"]) {
      const answer = await listenAt(url, { id: "x", declares: false, notifications: { taskIds } });
      expect(answer.response.status).toBe(400);
      expect(await answer.json()).toMatchObject({
        id: "x",
        error: { code: -32021, data: { requiredCapabilities: { extensions: { [EXTENSION]: {} } } } },
      });
    }
    expect(subscriptions.size).toBe(0);
    expect(errors).toEqual([]);
  });

  it.each([
    ["null", null],
    ["a string", "id"],
    ["an object", { 0: "id" }],
    ["a number in it", ["id", 7]],
    ["a hole", [null]],
    ["a list in it", [["id"]]],
    ["more than the cap", Array.from({ length: 257 }, (_, index) => `${index}`)],
  ])("taskIds that are %s: -32602", async (_, taskIds) => {
    const { url, subscriptions } = await serve();
    const answer = await listenAt(url, { id: 3, notifications: { taskIds } });
    expect(answer.response.status).toBe(200);
    expect(await answer.json()).toMatchObject({ id: 3, error: { code: -32602 } });
    expect(subscriptions.size).toBe(0);
  });

  it("nothing at the cap itself, duplicates counted once", async () => {
    const { url } = await serve({ maxTasksPerSubscription: 3 });
    const stream = await listenAt(url, { notifications: { taskIds: ["a", "b", "c", "a", "b"] } });
    expect(await stream.rest()).toHaveLength(2);
  });

  const raw: readonly (readonly [string, Partial<HttpListenOptions>, number, number])[] = [
    ["no JSON", { body: '{"jsonrpc":' }, 400, -32700],
    ["an empty body", { body: "" }, 400, -32700],
    ["another media type", { headers: { "content-type": "text/plain" } }, 415, -32000],
    ["a header that names another method", { headers: { "mcp-method": "tools/list" } }, 400, -32020],
    ["a version that disagrees", { headers: { "mcp-protocol-version": "2025-11-25" } }, 400, -32020],
    ["a body over the limit", { body: JSON.stringify({ pad: "x".repeat(5 * 1_024 * 1_024) }) }, 413, -32000],
  ];
  it.each(raw)("%s, as the SDK does", async (_, request, status, code) => {
    const { url, subscriptions } = await serve({ handler: { legacy: "reject" } });
    const answer = await listenAt(url, { notifications: { taskIds: ["a"] }, ...request });
    expect(answer.response.status).toBe(status);
    expect(at(await answer.json(), "error")["code"]).toBe(code);
    expect(subscriptions.size).toBe(0);
  });

  it("a malformed filter of the SDK's own beside the tasks, as the SDK does", async () => {
    const { url } = await serve();
    const answer = await listenAt(url, { notifications: { taskIds: ["a"], toolsListChanged: "yes" } });
    expect(at(await answer.json(), "error")["code"]).toBe(-32602);
  });

  it("nothing that has no taskIds, no envelope or another shape: those are the SDK's alone", async () => {
    const { url, subscriptions } = await serve();
    const plain = await listenAt(url, { id: 2, notifications: {} });
    const [ack, ...rest] = await plain.rest();
    expect(at(ack, "params", "notifications")).toEqual({});
    expect(rest).toEqual([closing(2)]);
    const batch = await listenAt(url, {
      notifications: {},
      body: JSON.stringify([listenRequest({ notifications: { taskIds: ["a"] } })]),
    });
    expect(batch.response.status).toBe(400);
    const legacy = {
      jsonrpc: "2.0",
      id: 1,
      method: "subscriptions/listen",
      params: { notifications: { taskIds: ["a"] } },
    };
    const refused = await listenAt(url, { notifications: {}, body: JSON.stringify(legacy) });
    expect(refused.response.status).toBe(400);
    const headers = { "mcp-protocol-version": "2025-11-25" };
    const old = await listenAt(url, { notifications: {}, headers, body: JSON.stringify(legacy) });
    expect(await old.rest()).toMatchObject([{ id: 1, error: { code: -32601 } }]);
    expect(subscriptions.size).toBe(0);
  });

  it("1,000 subscriptions of one client beyond its share, and gives every slot back", async () => {
    const { url, subscriptions, errors } = await serve({ maxSubscriptionsPerPrincipal: 64 });
    const { taskId } = await store.createTask({ principal: "greedy" });
    const notifications = { taskIds: [taskId] };
    const streams = await Promise.all(
      Array.from({ length: 1_000 }, async (_, id) => await listenAt(url, { id, token: "greedy", notifications })),
    );
    const granted: Listening[] = [];
    for (const stream of streams) {
      expect(stream.response.status).toBe(200);
      if (stream.response.headers.get("content-type") === "text/event-stream") granted.push(stream);
      else expect(at(await stream.json(), "error")).toEqual({ code: -32603, message: "Subscription limit reached" });
    }
    expect(granted).toHaveLength(64);
    expect(subscriptions.size).toBe(64);
    expect(errors).toHaveLength(936);
    const own = await store.createTask({ principal: "modest" });
    const modest = await listenAt(url, { token: "modest", notifications: { taskIds: [own.taskId] } });
    expect(modest.response.headers.get("content-type")).toBe("text/event-stream");
    for (const stream of granted) stream.abort();
    await pollUntil(() => subscriptions.size === 1, { what: "the slots of the greedy" });
    const again = await listenAt(url, { token: "greedy", notifications });
    expect(again.response.headers.get("content-type")).toBe("text/event-stream");
  });

  it("more than all may have together, also from callers without a principal", async () => {
    const { url, subscriptions } = await serve({ maxSubscriptions: 5, maxSubscriptionsPerPrincipal: 1 });
    const { taskId } = await store.createTask();
    const streams = await Promise.all(
      Array.from({ length: 20 }, async (_, id) => await listenAt(url, { id, notifications: { taskIds: [taskId] } })),
    );
    const granted = streams.filter(({ response }) => response.headers.get("content-type") === "text/event-stream");
    expect(granted).toHaveLength(5);
    expect(subscriptions.size).toBe(5);
  });

  it("a principal that cannot be told, and tells only the server why", async () => {
    const { url, errors, subscriptions } = await serve({
      principal: () => {
        throw new Error("secret of the verifier");
      },
    });
    const answer = await (await listenAt(url, { notifications: { taskIds: ["a"], toolsListChanged: true } })).json();
    expect(at(answer, "error")["code"]).toBe(-32603);
    expect(JSON.stringify(answer)).not.toContain("secret");
    expect(String(errors[0])).toContain("secret");
    expect(subscriptions.size).toBe(0);
  });

  it("when the store cannot be reached, and keeps no slot, neither ours nor the SDK's", async () => {
    const { url, errors, subscriptions } = await serve({ handler: { maxSubscriptions: 1 } });
    await store.close();
    const notifications = { taskIds: ["a"], toolsListChanged: true };
    for (let round = 0; round < 3; round += 1) {
      const answer = await (await listenAt(url, { notifications })).json();
      expect(at(answer, "error")["code"]).toBe(-32603);
      expect(at(answer, "error")["message"]).not.toContain("limit");
    }
    expect(errors).toHaveLength(3);
    expect(subscriptions.size).toBe(0);
  });
});
