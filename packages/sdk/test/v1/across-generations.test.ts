/** What a client says in the words of the other generation, and what it sees and does with the other's tasks. */
import type { JsonObject } from "@mcp-task-store/core";
import { CallToolResultSchema, ResultSchema } from "@modelcontextprotocol/sdk/types.js";
import { describe, expect, it } from "vitest";
import { at } from "../listen-wire.ts";
import { BACKENDS, ended, read } from "../two-stores.ts";
import { EXTENSION } from "../v2-server.ts";
import { type BothServer, serveBoth } from "./both-generations-server.ts";
import { start } from "./task-calls.ts";
import { connectHttp, rpcErrorOf, type TestClientOptions } from "./test-client.ts";
import { echo, gate, gated, isError, needsTask, rpcError } from "./test-tools.ts";

const ECHO = { name: "echo", arguments: { text: "x" } };
const X = [{ type: "text", text: "x" }];
const PRINTER = { code: -32_050, message: "no printer", data: { printers: [] } };
/** A client of 2025-11-25 that says all that would make it one of the extension. */
const HOPEFUL: TestClientOptions = {
  user: "alice",
  capabilities: { tasks: { list: {} }, extensions: { [EXTENSION]: {} }, experimental: { [EXTENSION]: {} } },
};

/** Makes a task of 2026-07-28. @returns its id */
async function startModern({ modern }: BothServer, name: string): Promise<string> {
  const created = at(await modern("tools/call", { name, arguments: {} }), "result");
  expect(created).toMatchObject({ resultType: "task", status: "working" });
  return String(created["taskId"]);
}

describe.each(BACKENDS)("on one endpoint on $name", (backend) => {
  it.skipIf(backend.isLeftOut)("the extension means nothing to requests of 2025-11-25 (X-64)", async () => {
    await using stores = await backend.open();
    await using server = await serveBoth(stores.a, [echo, needsTask]);
    await using alice = await connectHttp(server.url, HOPEFUL);
    const { client } = alice;
    expect(client.getServerCapabilities()).not.toHaveProperty("extensions");
    const capabilities = { extensions: { [EXTENSION]: {} } };
    for (const _meta of [{}, { "io.modelcontextprotocol/clientCapabilities": capabilities }]) {
      const call = async (params: JsonObject): Promise<JsonObject> =>
        await client.request({ method: "tools/call", params: { ...params, _meta } }, ResultSchema);
      expect(await call(ECHO)).toEqual({ content: X });
      expect(await rpcErrorOf(call({ name: "needs_task" }))).toMatchObject({ code: -32_601 });
      // What makes a task here is `task`, and it is a task of this generation.
      const created = await call({ ...ECHO, task: {} });
      expect(created).toEqual({ task: expect.objectContaining({ status: "working", ttl: expect.any(Number) }) });
      const task = await read(stores.b, String(at(created, "task")["taskId"]));
      expect(task.generation).toBe("2025-11-25");
      for (const method of ["tasks/update", "subscriptions/listen", "server/discover"]) {
        const params = { taskId: task.taskId, inputResponses: {}, notifications: { taskIds: [task.taskId] }, _meta };
        const refused = await rpcErrorOf(client.request({ method, params }, ResultSchema));
        expect(refused, method).toMatchObject({ code: -32_601 });
      }
    }
  });

  it.skipIf(backend.isLeftOut)("task means nothing to requests of 2026-07-28 (X-61 X-63)", async () => {
    await using stores = await backend.open();
    await using server = await serveBoth(stores.a, [echo, needsTask]);
    const { modern } = server;
    const task = { ttl: 123_456 };
    const created = at(await modern("tools/call", { ...ECHO, task }), "result");
    expect(created).toMatchObject({ resultType: "task", status: "working" });
    expect(created["ttlMs"]).not.toBe(123_456);
    expect(created).not.toHaveProperty("task");
    expect(await ended(stores.b, String(created["taskId"]))).toMatchObject({ generation: "2026-07-28" });

    const missing = { code: -32_021, data: { requiredCapabilities: { extensions: { [EXTENSION]: {} } } } };
    const silent = [{}, { tasks: { requests: { tools: { call: {} } }, list: {}, cancel: {} } }];
    for (const capabilities of silent) {
      expect(await modern("tools/call", { ...ECHO, task }, { capabilities })).toMatchObject({ result: { content: X } });
      const needy = { name: "needs_task", arguments: {}, task };
      expect(await modern("tools/call", needy, { capabilities })).toMatchObject({ error: missing });
      const get = { taskId: String(created["taskId"]) };
      expect(await modern("tasks/get", get, { capabilities })).toMatchObject({ error: missing });
    }
    // None of these made a task.
    expect((await stores.b.listTasks()).tasks).toHaveLength(1);
  });

  it.skipIf(backend.isLeftOut)("a client of 2025-11-25 keeps its ways with tasks of either (X-65)", async () => {
    await using stores = await backend.open();
    const door = gate();
    await using server = await serveBoth(stores.a, [gated(door.passed), rpcError, isError]);
    await using alice = await connectHttp(server.url, { user: "alice" });
    const { tasks } = alice.client.experimental;
    const own = await start(alice, "gated");
    const young = await startModern(server, "gated");
    for (const taskId of [own, young]) {
      expect(await tasks.getTask(taskId)).toEqual({
        taskId,
        status: "working",
        createdAt: expect.any(String),
        lastUpdatedAt: expect.any(String),
        ttl: expect.any(Number),
        pollInterval: expect.any(Number),
      });
      expect((await tasks.listTasks()).tasks).toContainEqual(expect.objectContaining({ taskId }));
      expect(await tasks.cancelTask(taskId)).toMatchObject({ taskId, status: "cancelled" });
      expect(await rpcErrorOf(tasks.cancelTask(taskId))).toMatchObject({ code: -32_602 });
      expect(await rpcErrorOf(tasks.getTaskResult(taskId, CallToolResultSchema))).toMatchObject({ code: -32_603 });
    }
    const failed = await startModern(server, "rpc_error");
    await ended(stores.b, failed);
    expect(await rpcErrorOf(tasks.getTaskResult(failed, CallToolResultSchema))).toEqual(PRINTER);
    expect(await tasks.getTask(failed)).toMatchObject({ status: "failed", statusMessage: "no printer" });
  });

  it.skipIf(backend.isLeftOut)("a client of 2026-07-28 reads and cancels tasks of 2025-11-25", async () => {
    await using stores = await backend.open();
    const door = gate();
    await using server = await serveBoth(stores.a, [gated(door.passed), rpcError]);
    const { modern } = server;
    await using alice = await connectHttp(server.url, { user: "alice" });
    const failed = await start(alice, "rpc_error");
    await ended(stores.b, failed);
    expect(at(await modern("tasks/get", { taskId: failed }), "result")).toMatchObject({
      resultType: "complete",
      status: "failed",
      error: PRINTER,
    });
    const taskId = await start(alice, "gated");
    const seen = at(await modern("tasks/get", { taskId }), "result");
    expect(seen).toMatchObject({ resultType: "complete", status: "working", ttlMs: expect.any(Number) });
    for (const key of ["ttl", "pollInterval", "result", "error", "inputRequests"]) expect(seen).not.toHaveProperty(key);
    const acknowledged = at(await modern("tasks/cancel", { taskId }), "result");
    expect(acknowledged).toMatchObject({ resultType: "complete" });
    expect(acknowledged).not.toHaveProperty("taskId");
    // The worker hears of it and ends the task.
    expect(await ended(stores.b, taskId)).toMatchObject({ status: "cancelled", generation: "2025-11-25" });
    const { tasks } = alice.client.experimental;
    expect(await tasks.getTask(taskId)).toMatchObject({ status: "cancelled" });
    expect(at(await modern("tasks/get", { taskId }), "result")).toMatchObject({ status: "cancelled" });
  });

  it.skipIf(backend.isLeftOut)("a task is its owner's in either generation, and nobody else's", async () => {
    await using stores = await backend.open();
    const door = gate();
    await using server = await serveBoth(stores.a, [gated(door.passed)]);
    await using alice = await connectHttp(server.url, { user: "alice" });
    await using bob = await connectHttp(server.url, { user: "bob" });
    const old = await start(alice, "gated");
    const young = await startModern(server, "gated");
    const unknown = { code: -32_602, message: "Task not found" };
    for (const taskId of [old, young]) {
      for (const method of ["tasks/get", "tasks/cancel"]) {
        expect(await rpcErrorOf(bob.client.request({ method, params: { taskId } }, ResultSchema))).toEqual(unknown);
        expect(await server.modern(method, { taskId }, { user: "bob" })).toMatchObject({ error: unknown });
      }
      expect(await read(stores.b, taskId)).toMatchObject({ status: "working", principal: "alice" });
    }
    expect((await bob.client.experimental.tasks.listTasks()).tasks).toEqual([]);
  });
});
