/** Who works on the tasks of a server of SDK 1.x, and what becomes of them when it ends. */
import type { Task } from "@mcp-task-store/core";
import { CallToolResultSchema } from "@modelcontextprotocol/sdk/types.js";
import { pollUntil } from "@mcp-task-store/services";
import { describe, expect, it } from "vitest";
import { type DispatchReason, TasksSupport } from "../../src/v1/index.ts";
import { asked, ended, read, twoStores } from "../two-stores.ts";
import { serveHttp } from "./http-server.ts";
import { connectHttp } from "./test-client.ts";
import { gate, gated, suspender } from "./test-tools.ts";
import { start } from "./task-calls.ts";

describe("a server of SDK 1.x", () => {
  it("dispatches a task when it is made, answered and orphaned", async () => {
    await using stores = twoStores();
    const dispatched: [string, DispatchReason][] = [];
    const dispatch = ({ taskId }: Task, reason: DispatchReason): void => void dispatched.push([taskId, reason]);
    const tasks = new TasksSupport(stores.a, { tools: [suspender], dispatch });
    await using here = new TasksSupport(stores.b, { tools: [suspender] });
    await using server = await serveHttp({ prepare: (mcp) => tasks.attach(mcp) });
    await using alice = await connectHttp(server.url, {
      user: "alice",
      answer: () => ({ action: "accept", content: { name: "Alice" } }),
    });
    const taskId = await start(alice, "greet");
    expect(dispatched).toEqual([[taskId, "created"]]);

    await here.orphaned(await read(stores.b, taskId));
    await pollUntil(async () => (await asked(stores.b, taskId)).lease === undefined, { what: "the run to end" });
    const result = alice.client.experimental.tasks.getTaskResult(taskId, CallToolResultSchema);
    await pollUntil(() => dispatched.length === 2, { what: "the answer" });
    expect(dispatched[1]).toEqual([taskId, "answered"]);

    await tasks.orphaned(await read(stores.a, taskId));
    expect(dispatched[2]).toEqual([taskId, "orphaned"]);
    await here.orphaned(await read(stores.b, taskId));
    expect(await result).toMatchObject({ content: [{ text: "Hello, Alice!" }] });
  });

  it("gives its tasks back when it ends, for the next", async () => {
    await using stores = twoStores();
    const door = gate();
    const tool = gated(door.passed);
    const works: Promise<unknown>[] = [];
    const tasks = new TasksSupport(stores.a, { tools: [tool], waitUntil: (work) => works.push(work) });
    await using server = await serveHttp({ prepare: (mcp) => tasks.attach(mcp) });
    await using alice = await connectHttp(server.url, { user: "alice" });
    const taskId = await start(alice, "gated");
    await pollUntil(async () => (await read(stores.a, taskId)).lease, { what: "the run" });
    await tasks.close();
    await Promise.all(works);
    const back = await read(stores.b, taskId);
    expect(back).toMatchObject({ status: "working", attempts: 0 });
    expect(back.lease).toBeUndefined();

    await using next = new TasksSupport(stores.b, { tools: [tool] });
    door.open();
    await next.orphaned(back);
    expect(await ended(stores.b, taskId)).toMatchObject({ status: "completed" });
  });
});
