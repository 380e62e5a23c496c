import { Resolver, type Task, TaskStoreError } from "@mcp-task-store/core";
import { describe, expect, it } from "vitest";
import { createTaskWorker, defineTaskTool, type ToolProgress, ToolError } from "../src/index.ts";
import { type Run, taskFor, text, TOOL, toolOf } from "./task-tools.ts";
import { BACKENDS, read, type TwoStores, twoStores, until, withFaults } from "./two-stores.ts";

async function fired(signal: AbortSignal): Promise<unknown> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  return signal.reason;
}

/** Runs a tool whose cancellation is asked for in another process once it works. */
async function cancelled(stores: TwoStores, run: Run): Promise<Task> {
  const { taskId } = await taskFor(stores.a);
  const started = new Resolver<void>();
  const tool = toolOf((context) => {
    started.resolve();
    return run(context);
  });
  const running = createTaskWorker(stores.a, { tools: [tool] }).run(taskId);
  await started.wait();
  await stores.b.requestCancellation(taskId);
  await running;
  return await read(stores.b, taskId);
}

describe.each(BACKENDS)("a tool whose task is cancelled, on $name", ({ open, isLeftOut }) => {
  it.skipIf(isLeftOut)("ends as it decides (X-40)", async () => {
    await using stores = await open();
    const stopping: readonly (readonly [string, Run, string])[] = [
      [
        "throws the reason",
        async ({ signal }) => {
          await fired(signal);
          signal.throwIfAborted();
          return text("never");
        },
        "cancelled",
      ],
      [
        "throws an error of its own",
        async ({ signal }) => {
          await fired(signal);
          throw new Error("stopped");
        },
        "cancelled",
      ],
      [
        "throws a JSON-RPC error",
        async ({ signal }) => {
          await fired(signal);
          throw new ToolError(-32_050, "stopped");
        },
        "cancelled",
      ],
      [
        "returns a result",
        async ({ signal }) => {
          await fired(signal);
          return text("done all the same");
        },
        "completed",
      ],
      [
        "returns an error result",
        async ({ signal }) => {
          await fired(signal);
          return { ...text("half done"), isError: true };
        },
        "completed",
      ],
    ];
    for (const [name, run, status] of stopping) {
      const task = await cancelled(stores, run);
      expect(task.status, name).toBe(status);
      expect(task.outcome?.status, name).toBe(status);
    }
  });
});

describe("a run", () => {
  it("is told when it takes longer than maxRunMs, and fails", async () => {
    await using stores = twoStores();
    const { taskId } = await taskFor(stores.a);
    const tool = defineTaskTool({
      name: TOOL,
      maxRunMs: 50,
      run: async (_args, { signal }) => {
        expect.soft(await fired(signal)).toMatchObject({ code: "ABORTED" });
        throw signal.reason;
      },
    });
    await createTaskWorker(stores.a, { tools: [tool] }).run(taskId);
    expect((await read(stores.b, taskId)).outcome).toEqual({
      status: "failed",
      error: { code: -32_603, message: expect.stringContaining("exceeded its time limit") },
    });
  });

  it("changes nothing once its lease is somebody else's", async () => {
    await using stores = twoStores();
    const { taskId } = await taskFor(stores.a);
    const writes: string[] = [];
    const store = withFaults(stores.a, {
      renewLease: async () => await new Promise(() => undefined),
      finishTask: async (...given) => {
        writes.push("finish");
        return await stores.a.finishTask(...given);
      },
    });
    const tool = toolOf(async ({ signal, updateStatus }) => {
      stores.advance(30_001);
      await stores.b.acquireLease(taskId, { holder: "b" });
      expect.soft(await fired(signal)).toMatchObject({ code: "LEASE_LOST" });
      await expect.soft(updateStatus("zombie")).rejects.toMatchObject({ code: "LEASE_LOST" });
      return text("zombie");
    });
    await createTaskWorker(store, { tools: [tool] }).run(taskId);
    expect(writes).toEqual([]);
    expect(await read(stores.b, taskId)).toMatchObject({ status: "working", attempts: 2, lease: { holder: "b" } });
  });

  it("knows its task, its attempt and what was prepared, and has functions that may be taken out", async () => {
    await using stores = twoStores({ onOrphan: () => undefined });
    const { taskId } = await taskFor(stores.a, { prepared: { name: "Alice" } });
    await stores.b.acquireLease(taskId, { holder: "lost" });
    stores.advance(30_001);
    await stores.b.maintain();
    const seen: unknown[] = [];
    const tool = toolOf(async ({ taskId: id, attempt, prepared, updateStatus }) => {
      seen.push([id, attempt, prepared]);
      await updateStatus("half way");
      seen.push((await read(stores.b, taskId)).statusMessage);
      return text("done");
    });
    await createTaskWorker(stores.a, { tools: [tool] }).run(taskId);
    expect(seen).toEqual([[taskId, 2, { name: "Alice" }], "half way"]);
  });

  it.each<[ToolProgress, string]>([
    [{ progress: 3 }, "3"],
    [{ progress: 3, total: 10 }, "3 of 10"],
    [{ progress: 0.5, message: "copying" }, "copying (0.5)"],
    [{ progress: 3, total: 10, message: "copying" }, "copying (3 of 10)"],
    [{ progress: 3, total: 10, message: "" }, "3 of 10"],
  ])("says how far it is: %o", async (progress, message) => {
    await using stores = twoStores();
    const { taskId } = await taskFor(stores.a);
    const tool = toolOf(async ({ reportProgress }) => {
      await reportProgress(progress);
      expect((await read(stores.b, taskId)).statusMessage).toBe(message);
      return text("done");
    });
    expect((await createTaskWorker(stores.a, { tools: [tool] }).run(taskId))?.statusMessage).toBe(message);
  });

  it("may leave its reports unawaited: the last is stored before the end, and none becomes an unhandled rejection", async () => {
    await using stores = twoStores();
    const { taskId } = await taskFor(stores.a);
    const tool = toolOf(({ updateStatus }) => {
      for (let step = 0; step < 50; step += 1) void updateStatus(`step ${step}`);
      void updateStatus("x".repeat(10_000));
      return text("done");
    });
    expect(await createTaskWorker(stores.a, { tools: [tool] }).run(taskId)).toMatchObject({
      status: "completed",
      statusMessage: "step 49",
    });
  });

  it.each([
    ["2026-07-28", "completed"],
    ["2025-11-25", "failed"],
    [null, "completed"],
  ] as const)("that returns an error result has, in generation %s, %s", async (generation, status) => {
    await using stores = twoStores();
    const { taskId } = await taskFor(stores.a, { generation });
    const result = { ...text("no such file"), isError: true };
    await createTaskWorker(stores.a, { tools: [toolOf(() => result)] }).run(taskId);
    expect((await read(stores.b, taskId)).outcome).toEqual({ status, result });
  });

  it("waits for the store when it cannot take the end at once", async () => {
    await using stores = twoStores();
    const { taskId } = await taskFor(stores.a);
    let refusals = 0;
    const store = withFaults(stores.a, {
      finishTask: async (...given) => {
        if (refusals < 2) {
          refusals += 1;
          throw new TaskStoreError("STORE_UNAVAILABLE", "The backend is down.");
        }
        return await stores.a.finishTask(...given);
      },
    });
    await createTaskWorker(store, { tools: [toolOf(() => text("done"))] }).run(taskId);
    expect(await until(stores.b, taskId, ({ status }) => status === "completed")).toBeDefined();
    expect(refusals).toBe(2);
  });
});
