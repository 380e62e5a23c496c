/** Who goes on with a task when this process cannot, and what a tool that does not stop may keep from others. */
import { isTerminal, Resolver, type TaskStore, type TaskStoreOptions } from "@mcp-task-store/core";
import { createMemoryBackend, createMemoryTaskStore } from "@mcp-task-store/memory";
import { createPostgresTaskStore } from "@mcp-task-store/postgres";
import { freshTestDatabase, pollUntil, postgresIsLeftOut } from "@mcp-task-store/services";
import { describe, expect, it } from "vitest";
import { createTaskWorker, type TaskTool } from "../src/index.ts";
import { TasksExtension } from "../src/v2/index.ts";
import { ASK_SURE, taskFor, text, toolOf, YES } from "./task-tools.ts";
import { asked, ended, read, twoStores } from "./two-stores.ts";
import { testServer } from "./v2-server.ts";
import { tcpProxy } from "../../../conformance/src/wire/tcp-proxy.ts";

const DONE = toolOf(() => text("done"));

describe("a process that cannot take a task up", () => {
  /** Long enough that a hand-over which waits for it fails the test. */
  const claimWithinMs = 600_000;

  function processOn(backend: ReturnType<typeof createMemoryBackend>, tools: readonly TaskTool[], everyMs: number) {
    const options: TaskStoreOptions = {
      claimWithinMs,
      maintenance: { everyMs },
      onOrphan: async (task) => await tasks.orphaned(task),
    };
    const store: TaskStore = createMemoryTaskStore({ ...options, backend });
    const tasks = new TasksExtension(store, { tools });
    return { store, tasks };
  }

  it.each<[string, (old: { readonly tasks: TasksExtension }) => Promise<void>, readonly TaskTool[]]>([
    ["lacks the tool, as in a rolling deploy", async () => undefined, []],
    ["is shutting down", async ({ tasks }) => await tasks.close(), [DONE]],
  ])("because it %s leaves it to others, soon", async (_name, spoil, tools) => {
    const backend = createMemoryBackend();
    const old = processOn(backend, tools, 20);
    await spoil(old);
    const good = processOn(backend, [DONE], 20);
    const tasks = await Promise.all(Array.from({ length: 6 }, async () => await taskFor(good.store)));
    for (const { taskId } of tasks) {
      const lease = await good.store.acquireLease(taskId, { holder: "stopping" });
      await good.store.releaseLease(taskId, lease?.token ?? 0, { claimWithinMs: 10 });
    }
    for (const { taskId } of tasks) expect(await ended(good.store, taskId)).toMatchObject({ status: "completed" });
    for (const { tasks, store } of [old, good]) {
      await tasks.close();
      await store.close();
    }
  });

  it("but took its answer gives it to others, soon", async () => {
    const backend = createMemoryBackend();
    const store = createMemoryTaskStore({ backend, claimWithinMs, maintenance: false });
    const old = testServer(store, { tools: [] });
    const tool = toolOf(async ({ elicit }) =>
      text((await elicit("sure", ASK_SURE, { whileWaiting: "suspend" })).action),
    );
    const good = processOn(backend, [tool], 20);
    const { taskId } = await taskFor(good.store);
    await createTaskWorker(good.store, { tools: [tool] }).run(taskId);
    const { result } = await old.call("tasks/update", { taskId, inputResponses: { sure: YES } });
    expect(result).toMatchObject({ resultType: "complete" });
    expect(await ended(good.store, taskId)).toMatchObject({ status: "completed" });
    await good.tasks.close();
    await Promise.all([good.store.close(), store.close()]);
  });
});

describe("a tool that does not stop", () => {
  it("does not keep its worker from closing once its task has ended", async () => {
    await using stores = twoStores();
    const started = new Resolver<void>();
    const told = new Resolver<unknown>();
    const tool = toolOf(async ({ signal }) => {
      signal.addEventListener("abort", () => told.resolve(signal.reason));
      started.resolve();
      return await new Promise(() => undefined);
    });
    const worker = createTaskWorker(stores.a, { tools: [tool] });
    const { taskId } = await taskFor(stores.a);
    void worker.run(taskId);
    await started.wait();
    await stores.b.cancelTask(taskId);
    expect(await told.wait()).toMatchObject({ code: "TASK_TERMINAL" });
    // Nothing is left to wait for, and the grace is never used.
    await worker.close({ graceMs: 3_600_000 });
    expect(await read(stores.b, taskId)).toMatchObject({ status: "cancelled" });
  });

  it("loses its task after the grace, uncounted, and writes nothing more", async () => {
    await using stores = twoStores();
    const started = new Resolver<void>();
    const go = new Resolver<void>();
    const wrote = new Resolver<unknown>();
    const tool = toolOf(async ({ updateStatus }) => {
      started.resolve();
      await go.wait();
      await updateStatus("late").then(wrote.resolve.bind(wrote), wrote.resolve.bind(wrote));
      return text("late");
    });
    const worker = createTaskWorker(stores.a, { tools: [tool] });
    const { taskId } = await taskFor(stores.a);
    const run = worker.run(taskId);
    await started.wait();
    await worker.close({ graceMs: 10 });
    expect(await run).toMatchObject({ status: "working", attempts: 0 });
    go.resolve();
    expect(await wrote.wait()).toMatchObject({ code: "LEASE_LOST" });
    const task = await read(stores.b, taskId);
    expect(task).toMatchObject({ status: "working", attempts: 0 });
    expect(task.statusMessage).toBeUndefined();
    await createTaskWorker(stores.b, { tools: [DONE] }).run(taskId);
    expect(await read(stores.b, taskId)).toMatchObject({ status: "completed" });
  });

  it("is told to when it was suspended and left something running", async () => {
    await using stores = twoStores();
    const stopped = new Resolver<unknown>();
    const tool = toolOf(async ({ elicit, signal }) => {
      signal.addEventListener("abort", () => stopped.resolve(signal.reason), { once: true });
      return text((await elicit("sure", ASK_SURE, { whileWaiting: "suspend" })).action);
    });
    const { taskId } = await taskFor(stores.a);
    await createTaskWorker(stores.a, { tools: [tool] }).run(taskId);
    await asked(stores.b, taskId);
    expect(await stopped.wait()).toMatchObject({ code: "LEASE_LOST" });
  });

  it.skipIf(postgresIsLeftOut())("does not keep a lost task from its own process", async () => {
    await using database = await freshTestDatabase();
    await using proxy = await tcpProxy({ target: database.url });
    // Makes the task and looks at it, whatever becomes of the other's connection, and however long that takes.
    await using outside = createPostgresTaskStore({
      connectionString: database.url,
      claimWithinMs: 10,
      maintenance: false,
    });
    await outside.setup();
    let runs = 0;
    const first = new Resolver<void>();
    const tool = toolOf(async () => {
      runs += 1;
      if (runs > 1) return text(`run ${runs}`);
      first.resolve();
      return await new Promise(() => undefined);
    });
    const store: TaskStore = createPostgresTaskStore({
      connectionString: proxy.through(database.url),
      leaseMs: 2_000,
      callTimeoutMs: 500,
      // What failed for want of time is handed over again soon.
      claimWithinMs: 500,
      maintenance: { everyMs: 100 },
      onOrphan: async (task) => await tasks.orphaned(task),
    });
    const tasks = new TasksExtension(store, { tools: [tool] });
    const { taskId } = await taskFor(outside);
    await first.wait();
    const lease = await pollUntil(async () => (await read(outside, taskId)).lease, { what: "a lease" });
    proxy.cut();
    await pollUntil(() => Date.now() > Date.parse(lease.expiresAt) + 1_000, {
      what: "the end of the lease",
    });
    proxy.heal();
    const task = await pollUntil(
      async () => {
        const seen = await outside.getTask(taskId);
        return seen !== undefined && isTerminal(seen.status) && seen;
      },
      { what: "the end of the task" },
    );
    expect(task).toMatchObject({ status: "completed" });
    await tasks.close({ graceMs: 10 });
    await store.close();
  });
});
