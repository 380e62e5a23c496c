import { Resolver, type Task, type TaskStore, TaskStoreError } from "@mcp-task-store/core";
import { describe, expect, it } from "vitest";
import { createTaskWorker, defineTaskTool, type TaskWorker, ToolError } from "../src/index.ts";
import { type Run, taskFor, text, TOOL, toolOf } from "./task-tools.ts";
import { BACKENDS, ended, read, twoStores, until, withFaults } from "./two-stores.ts";

const unavailable = async (): Promise<never> => {
  throw new TaskStoreError("STORE_UNAVAILABLE", "The backend is down.");
};

function workerOf(store: TaskStore, run: Run): TaskWorker {
  return createTaskWorker(store, { tools: [toolOf(run)] });
}

describe.each(BACKENDS)("a task that is delivered twice, on $name", ({ open, isLeftOut }) => {
  it.skipIf(isLeftOut)("runs once: at the same time, in one process and in two", async () => {
    await using stores = await open();
    const { taskId } = await taskFor(stores.a);
    const gate = new Resolver<void>();
    const started = new Resolver<void>();
    let runs = 0;
    const run: Run = async () => {
      runs += 1;
      started.resolve();
      await gate.wait();
      return text(`run ${runs}`);
    };
    const [here, there] = [workerOf(stores.a, run), workerOf(stores.b, run)];
    const first = here.run(taskId);
    const second = here.run(taskId);
    await started.wait();
    expect(await there.run(taskId)).toBeUndefined();
    gate.resolve();
    expect(await first).toMatchObject({ taskId, status: "completed" });
    expect(await second).toEqual(await first);
    expect(runs).toBe(1);
    expect((await read(stores.b, taskId)).outcome).toEqual({ status: "completed", result: text("run 1") });
  });

  it.skipIf(isLeftOut)("runs once: started in two processes in the same moment", async () => {
    await using stores = await open();
    let runs = 0;
    const run: Run = () => {
      runs += 1;
      return text("done");
    };
    const workers = [workerOf(stores.a, run), workerOf(stores.b, run)];
    for (let count = 1; count <= 10; count += 1) {
      const { taskId } = await taskFor(stores.a);
      const tasks = await Promise.all(workers.map((worker) => worker.run(taskId)));
      expect(tasks.filter((task) => task?.status === "completed")).toHaveLength(1);
      expect(runs).toBe(count);
    }
  });
});

it("a task that is delivered twice runs once, and both learn how, also where the second look takes longer than all of it", async () => {
  await using stores = twoStores();
  const { taskId } = await taskFor(stores.a);
  const ended = new Resolver<void>();
  let looks = 0;
  const store = withFaults(stores.a, {
    getTask: async (id, options) => {
      looks += 1;
      if (looks === 2) await ended.wait();
      return await stores.a.getTask(id, options);
    },
  });
  const worker = workerOf(store, () => text("done"));
  const [first, second] = [worker.run(taskId), worker.run(taskId)];
  expect(await first).toMatchObject({ taskId, status: "completed" });
  ended.resolve();
  expect(await second).toEqual(await first);
});

it("a look that fails is the failure of all who asked meanwhile, and of nobody later", async () => {
  await using stores = twoStores();
  const { taskId } = await taskFor(stores.a);
  let looks = 0;
  const store = withFaults(stores.a, {
    getTask: async (id, options) => {
      looks += 1;
      if (looks === 1) throw new TaskStoreError("STORE_UNAVAILABLE", "down");
      return await stores.a.getTask(id, options);
    },
  });
  const worker = workerOf(store, () => text("done"));
  const both = await Promise.allSettled([worker.run(taskId), worker.run(taskId)]);
  expect(both).toMatchObject([{ reason: { code: "STORE_UNAVAILABLE" } }, { reason: { code: "STORE_UNAVAILABLE" } }]);
  expect(await worker.run(taskId)).toMatchObject({ status: "completed" });
});

describe("a task that is no business of this worker", () => {
  it.each<[string, (store: TaskStore, taskId: string) => Promise<unknown>]>([
    ["completed", (store, taskId) => store.finishTask(taskId, { status: "completed", result: {} })],
    ["cancelled", (store, taskId) => store.cancelTask(taskId)],
    ["gone", (store, taskId) => store.deleteTask(taskId)],
    ["held", (store, taskId) => store.acquireLease(taskId, { holder: "other" })],
  ])("is left alone: %s", async (_name, prepare) => {
    await using stores = twoStores();
    const { taskId } = await taskFor(stores.a);
    await prepare(stores.b, taskId);
    const before = await stores.b.getTask(taskId, { outcome: true });
    const worker = workerOf(stores.a, () => text("must not run"));
    expect(await worker.run(taskId)).toBeUndefined();
    expect(await stores.b.getTask(taskId, { outcome: true })).toEqual(before);
  });

  it.each<[string, (store: TaskStore, taskId: string) => Promise<unknown>]>([
    ["it ends", (store, taskId) => store.cancelTask(taskId)],
    ["it vanishes", (store, taskId) => store.deleteTask(taskId)],
    ["somebody takes it", (store, taskId) => store.acquireLease(taskId, { holder: "other" })],
  ])("is left alone when %s between the look and the lease", async (_name, act) => {
    await using stores = twoStores();
    const { taskId } = await taskFor(stores.a);
    const store = withFaults(stores.a, {
      acquireLease: async (id, options) => {
        await act(stores.b, id);
        return await stores.a.acquireLease(id, options);
      },
    });
    expect(await workerOf(store, () => text("must not run")).run(taskId)).toBeUndefined();
  });

  it("is left alone when its attempts are used up", async () => {
    await using stores = twoStores({ maxAttempts: 1 });
    const { taskId } = await taskFor(stores.a);
    await stores.b.acquireLease(taskId, { holder: "lost" });
    stores.advance(30_001);
    expect(await workerOf(stores.a, () => text("must not run")).run(taskId)).toBeUndefined();
    expect(await read(stores.b, taskId)).toMatchObject({ status: "working", attempts: 1 });
  });

  it.each([["elsewhere"], ["toString"], ["__proto__"]])("is refused for a tool it does not have: %s", async (name) => {
    await using stores = twoStores();
    const { taskId } = await taskFor(stores.a, { name });
    const before = await read(stores.b, taskId);
    const running = workerOf(stores.a, () => text("must not run")).run(taskId);
    await expect(running).rejects.toThrow(`no tool for task ${taskId}`);
    expect(await read(stores.b, taskId)).toEqual(before);
  });

  it.each([
    ["without a request", undefined],
    ["of another method", { method: "sampling/createMessage", name: TOOL }],
    ["without a name", { method: "tools/call", params: { name: TOOL } }],
  ])("is refused where it is no tool call: %s", async (_name, request) => {
    await using stores = twoStores();
    const { taskId } = await stores.a.createTask({ request });
    await expect(workerOf(stores.a, () => text("must not run")).run(taskId)).rejects.toThrow(taskId);
    expect(await read(stores.b, taskId)).toMatchObject({ status: "working", attempts: 0 });
  });
});

describe("a store that cannot be reached", () => {
  it.each<[string, Partial<TaskStore>]>([
    ["for the first look", { getTask: unavailable }],
    ["for the lease", { acquireLease: unavailable }],
  ])("makes the run reject, so that the queue repeats: %s", async (_name, faults) => {
    await using stores = twoStores();
    const { taskId } = await taskFor(stores.a);
    const worker = workerOf(withFaults(stores.a, faults), () => text("must not run"));
    await expect(worker.run(taskId)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    // Nothing of the failed delivery is left behind.
    await expect(worker.run(taskId)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    expect(await workerOf(stores.a, () => text("done")).run(taskId)).toMatchObject({ status: "completed" });
  });

  it("makes the run reject when the end could not be stored", async () => {
    await using stores = twoStores();
    const { taskId } = await taskFor(stores.a);
    const store = withFaults(stores.a, { finishTask: unavailable });
    const worker = createTaskWorker(store, { tools: [toolOf(() => text("done"))], leaseMs: 100 });
    await expect(worker.run(taskId)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    expect(await read(stores.b, taskId)).toMatchObject({ status: "working" });
  });
});

describe("close", () => {
  it("tells tools to stop, waits for them, and gives their tasks back uncounted", async () => {
    await using stores = twoStores();
    const { taskId } = await taskFor(stores.a);
    const started = new Resolver<AbortSignal>();
    const gate = new Resolver<void>();
    const worker = workerOf(stores.a, async ({ signal }) => {
      started.resolve(signal);
      await gate.wait();
      throw new Error("interrupted");
    });
    const running = worker.run(taskId);
    const signal = await started.wait();
    let closed = false;
    const closing = worker.close().then(() => {
      closed = true;
    });
    expect(signal.aborted).toBe(true);
    expect((await read(stores.b, taskId)).lease).toBeDefined();
    expect(closed).toBe(false);
    gate.resolve();
    await closing;
    const task = await read(stores.b, taskId);
    expect(task).toMatchObject({ status: "working", attempts: 0 });
    expect(task.lease).toBeUndefined();
    expect(await running).toMatchObject({ taskId, status: "working" });
    expect(await workerOf(stores.b, () => text("done")).run(taskId)).toMatchObject({ status: "completed" });
  });

  it.each<[string, Run]>([
    ["a result", () => text("just in time")],
    [
      "a JSON-RPC error before it was told",
      () => {
        throw new ToolError(-32_050, "no");
      },
    ],
  ])("keeps %s of a tool that ends by itself", async (_name, run) => {
    await using stores = twoStores();
    const { taskId } = await taskFor(stores.a);
    const worker = workerOf(stores.a, run);
    const running = worker.run(taskId);
    await until(stores.b, taskId, ({ status }) => status !== "working");
    await worker.close();
    expect(["completed", "failed"]).toContain((await running)?.status);
  });

  it("makes runs reject afterwards, and may be called again", async () => {
    await using stores = twoStores();
    const { taskId } = await taskFor(stores.a);
    const worker = workerOf(stores.a, () => text("must not run"));
    await worker.close();
    await worker[Symbol.asyncDispose]();
    await expect(worker.run(taskId)).rejects.toMatchObject({ code: "CLOSED" });
    expect(await read(stores.b, taskId)).toMatchObject({ status: "working", attempts: 0 });
  });

  it.each(["getTask", "acquireLease"] as const)("leaves no lease behind when it comes during %s", async (method) => {
    await using stores = twoStores();
    const { taskId } = await taskFor(stores.a);
    const reached = new Resolver<void>();
    const gate = new Resolver<void>();
    const pause = async (): Promise<void> => {
      if (!reached.done) reached.resolve();
      await gate.wait();
    };
    const store = withFaults(stores.a, {
      getTask: async (...given) => {
        if (method === "getTask") await pause();
        return await stores.a.getTask(...given);
      },
      acquireLease: async (...given) => {
        if (method === "acquireLease") await pause();
        return await stores.a.acquireLease(...given);
      },
    });
    const worker = workerOf(store, () => text("must not run"));
    const running = worker.run(taskId);
    await reached.wait();
    running.catch(() => undefined);
    const closing = worker.close();
    gate.resolve();
    await closing;
    // Closed before it had begun: whoever delivered the task delivers it elsewhere.
    if (method === "getTask") await expect(running).rejects.toMatchObject({ code: "CLOSED" });
    else await running;
    const task = await read(stores.b, taskId);
    expect(task).toMatchObject({ status: "working", attempts: 0 });
    expect(task.lease).toBeUndefined();
  });
});

describe("the options of a worker", () => {
  it("refuse two tools of one name", () => {
    const tools = [toolOf(() => text("1")), toolOf(() => text("2"))];
    expect(() => createTaskWorker(twoStores().a, { tools })).toThrow(TypeError);
  });

  it("name the holder, the lease and the longest run", async () => {
    await using stores = twoStores();
    const { taskId } = await taskFor(stores.a);
    const seen = new Resolver<Task>();
    const tool = defineTaskTool({
      name: TOOL,
      maxRunMs: 90_000,
      run: async () => {
        seen.resolve(await read(stores.b, taskId));
        return text("done");
      },
    });
    await createTaskWorker(stores.a, { tools: [tool], holder: "mill 7", leaseMs: 60_000 }).run(taskId);
    const { lease, lastUpdatedAt, runUntil } = await seen.wait();
    expect(lease?.holder).toBe("mill 7");
    expect(Date.parse(lease?.expiresAt ?? "") - Date.parse(lastUpdatedAt)).toBe(60_000);
    expect(Date.parse(runUntil ?? "") - Date.parse(lastUpdatedAt)).toBe(90_000);
    expect((await ended(stores.b, taskId)).lease).toBeUndefined();
  });
});
