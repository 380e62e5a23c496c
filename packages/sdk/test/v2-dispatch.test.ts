import { Resolver, type Task } from "@mcp-task-store/core";
import { createMemoryTaskStore } from "@mcp-task-store/memory";
import { describe, expect, it } from "vitest";
import { createTaskWorker } from "../src/index.ts";
import type { DispatchReason } from "../src/v2/index.ts";
import { ASK_SURE, taskFor, text, TOOL, toolOf, YES } from "./task-tools.ts";
import { asked, ended, read, type TwoStores, twoStores, until } from "./two-stores.ts";
import { taskIdOf, testServer, type TestServer, type TestServerOptions } from "./v2-server.ts";

const done = toolOf(() => text("done"));
const suspending = toolOf(async ({ elicit }) => ({
  structuredContent: await elicit("sure", ASK_SURE, { whileWaiting: "suspend" }),
}));

const serverOn = (stores: TwoStores, options: Partial<TestServerOptions>): TestServer =>
  testServer(stores.a, { tools: [done], ...options });

describe("dispatch", () => {
  it("is told of a new task, of the last answer while nobody holds it, and of an orphan", async () => {
    const calls: (readonly [DispatchReason, string, string])[] = [];
    const dispatch = (task: Task, reason: DispatchReason): void => {
      calls.push([reason, task.taskId, task.status]);
    };
    await using stores = twoStores();
    const server = serverOn(stores, { tools: [suspending], dispatch });
    const worker = createTaskWorker(stores.b, { tools: [suspending] });
    const taskId = taskIdOf(await server.call("tools/call", { name: TOOL }));
    await worker.run(taskId);
    await server.call("tasks/update", { taskId, inputResponses: { sure: YES } });
    await server.tasks.orphaned(await read(stores.b, taskId));
    expect(calls).toEqual([
      ["created", taskId, "working"],
      ["answered", taskId, "working"],
      ["orphaned", taskId, "working"],
    ]);
    expect(await worker.run(taskId)).toMatchObject({ status: "completed" });
  });

  it("is not told of an answer that is not the last, nor of one to a task that somebody holds", async () => {
    await using stores = twoStores();
    const reasons: DispatchReason[] = [];
    const holding = toolOf(async ({ elicit }) => {
      await Promise.all([elicit("one", ASK_SURE), elicit("two", ASK_SURE)]);
      return text("done");
    });
    const server = serverOn(stores, { tools: [holding], dispatch: (_task, reason) => void reasons.push(reason) });
    const taskId = taskIdOf(await server.call("tools/call", { name: TOOL }));
    const running = createTaskWorker(stores.b, { tools: [holding] }).run(taskId);
    await asked(stores.b, taskId);
    await server.call("tasks/update", { taskId, inputResponses: { one: YES } });
    await server.call("tasks/update", { taskId, inputResponses: { two: YES } });
    expect(await running).toMatchObject({ status: "completed" });
    expect(reasons).toEqual(["created"]);
  });

  it("takes up what a lost worker left, through the store's onOrphan", async () => {
    const orphaned = new Resolver<string>();
    const store = createMemoryTaskStore({
      maintenance: false,
      onOrphan: async (task) => await server.tasks.orphaned(task),
    });
    const server = testServer(store, {
      tools: [done],
      dispatch: ({ taskId }, reason) => {
        if (reason === "orphaned") orphaned.resolve(taskId);
      },
    });
    const taskId = taskIdOf(await server.call("tools/call", { name: TOOL }));
    await store.acquireLease(taskId, { holder: "lost", leaseMs: 50 });
    await until(store, taskId, ({ lease }) => lease !== undefined);
    const maintained = async (): Promise<void> => {
      while (!orphaned.done) {
        await store.maintain();
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    };
    await maintained();
    expect(await orphaned.wait()).toBe(taskId);
    await store.close();
  });

  it.each<[string, () => void | Promise<void>]>([
    ["rejects", () => Promise.reject(new Error("the queue is down"))],
    [
      "throws",
      () => {
        throw new Error("the queue is down");
      },
    ],
  ])("that %s does not take the task from its client, and onError hears of it", async (_name, dispatch) => {
    await using stores = twoStores();
    const server = serverOn(stores, { tools: [suspending], dispatch });
    const taskId = taskIdOf(await server.call("tools/call", { name: TOOL }));
    expect(server.errors).toMatchObject([{ message: "the queue is down" }]);
    await createTaskWorker(stores.b, { tools: [suspending] }).run(taskId);
    const { result } = await server.call("tasks/update", { taskId, inputResponses: { sure: YES } });
    expect(result).toMatchObject({ resultType: "complete" });
    expect(server.errors).toHaveLength(2);
    // The store hands it over again soon.
    await expect(server.tasks.orphaned(await read(stores.b, taskId))).rejects.toThrow("the queue is down");
    expect(server.errors).toHaveLength(3);
  });

  it("is waited for: who gets the answer knows that the task is queued", async () => {
    await using stores = twoStores();
    const dispatching = new Resolver<void>();
    const gate = new Resolver<void>();
    const server = serverOn(stores, {
      dispatch: async () => {
        dispatching.resolve();
        await gate.wait();
      },
    });
    let answered = false;
    const answer = server.call("tools/call", { name: TOOL }).finally(() => {
      answered = true;
    });
    await dispatching.wait();
    for (let turn = 0; turn < 100; turn += 1) await new Promise((resolve) => setTimeout(resolve, 0));
    expect(answered).toBe(false);
    gate.resolve();
    expect(taskIdOf(await answer)).toBeDefined();
  });

  it("that hangs does not keep the task from its client", async () => {
    await using stores = twoStores();
    const server = serverOn(stores, { dispatch: async () => await new Promise(() => undefined) });
    const taskId = taskIdOf(await server.call("tools/call", { name: TOOL }));
    expect(await read(stores.b, taskId)).toMatchObject({ status: "working" });
  });

  it("may throw what it likes at an onError that throws", async () => {
    await using stores = twoStores();
    const server = serverOn(stores, {
      dispatch: () => Promise.reject(new Error("the queue is down")),
      onError: () => {
        throw new Error("the log is down");
      },
    });
    expect(taskIdOf(await server.call("tools/call", { name: TOOL }))).toBeDefined();
  });
});

describe("without dispatch", () => {
  it("the tool runs here, under a lease, and waitUntil gets the run", async () => {
    await using stores = twoStores();
    const gate = new Resolver<void>();
    const started = new Resolver<void>();
    const works: Promise<unknown>[] = [];
    const tool = toolOf(async () => {
      started.resolve();
      await gate.wait();
      return text("done");
    });
    const server = serverOn(stores, {
      tools: [tool],
      holder: "server 7",
      leaseMs: 60_000,
      waitUntil: (work) => void works.push(work),
    });
    const taskId = taskIdOf(await server.call("tools/call", { name: TOOL }));
    await started.wait();
    const { lease } = await read(stores.b, taskId);
    expect(lease?.holder).toBe("server 7");
    expect(works).toHaveLength(1);
    gate.resolve();
    await works[0];
    expect(await read(stores.b, taskId)).toMatchObject({ status: "completed" });
  });

  it("an answer and an orphan start it again here, and waitUntil gets those runs, too", async () => {
    await using stores = twoStores();
    const works: Promise<unknown>[] = [];
    const server = serverOn(stores, { tools: [suspending], waitUntil: (work) => void works.push(work) });
    const taskId = taskIdOf(await server.call("tools/call", { name: TOOL }));
    await works[0];
    expect(await read(stores.b, taskId)).toMatchObject({ status: "input_required" });
    await server.call("tasks/update", { taskId, inputResponses: { sure: YES } });
    await works[1];
    expect(await read(stores.b, taskId)).toMatchObject({ status: "completed" });
    const orphan = await taskFor(stores.b);
    await server.tasks.orphaned(orphan);
    expect(works).toHaveLength(3);
    await works[2];
    await asked(stores.b, orphan.taskId);
  });

  it("a waitUntil that throws does not take the task from its client", async () => {
    await using stores = twoStores();
    const server = serverOn(stores, {
      waitUntil: () => {
        throw new Error("no request context");
      },
    });
    const taskId = taskIdOf(await server.call("tools/call", { name: TOOL }));
    expect((await ended(stores.b, taskId)).status).toBe("completed");
    expect(server.errors).toMatchObject([{ message: "no request context" }]);
  });

  it("onError hears of a run that could not be", async () => {
    await using stores = twoStores();
    const works: Promise<unknown>[] = [];
    const server = serverOn(stores, { waitUntil: (work) => void works.push(work) });
    const foreign = await taskFor(stores.b, { name: "elsewhere" });
    await expect(server.tasks.orphaned(foreign)).rejects.toThrow(foreign.taskId);
    await works[0];
    expect(server.errors).toMatchObject([{ message: expect.stringContaining(foreign.taskId) }]);
    expect(await read(stores.b, foreign.taskId)).toMatchObject({ status: "working", attempts: 0 });
  });

  it("close gives running tasks back, and later calls still make tasks, for others", async () => {
    await using stores = twoStores();
    const started = new Resolver<void>();
    const tool = toolOf(async ({ signal }) => {
      started.resolve();
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
      throw signal.reason;
    });
    const server = serverOn(stores, { tools: [tool] });
    const taskId = taskIdOf(await server.call("tools/call", { name: TOOL }));
    await started.wait();
    await server.tasks.close();
    await server.tasks[Symbol.asyncDispose]();
    const task = await read(stores.b, taskId);
    expect(task).toMatchObject({ status: "working", attempts: 0 });
    expect(task.lease).toBeUndefined();
    const later = taskIdOf(await server.call("tools/call", { name: TOOL }));
    expect(await createTaskWorker(stores.b, { tools: [done] }).run(later)).toMatchObject({ status: "completed" });
    expect(await createTaskWorker(stores.b, { tools: [done] }).run(taskId)).toMatchObject({ status: "completed" });
  });
});
