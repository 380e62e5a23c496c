import { describe, expect, it } from "vitest";
import { TaskStoreError, type TaskStoreErrorCode } from "../src/errors.ts";
import type { TaskStore } from "../src/index.ts";
import { Resolver } from "../src/resolver.ts";
import { inVirtualTime } from "./in-virtual-time.ts";
import { execute, read, twoProcesses, withFaults } from "./two-processes.ts";

type Finish = TaskStore["finishTask"];

/** Fails the first finishes, before they take effect or after. */
function failing(store: TaskStore, code: TaskStoreErrorCode, times: number, when: "before" | "after"): TaskStore {
  let left = times;
  const finishTask: Finish = async (...given) => {
    if (left === 0) return await store.finishTask(...given);
    left -= 1;
    if (when === "after") await store.finishTask(...given);
    throw new TaskStoreError(code, "The answer was lost.");
  };
  return withFaults(store, { finishTask });
}

describe("taskExecution: storing the end", () => {
  it("is tried again while the store cannot be reached", async () => {
    const { a, b } = twoProcesses();
    const { taskId } = await a.createTask();
    const store = failing(a, "STORE_UNAVAILABLE", 3, "before");
    expect(await execute(store, taskId, () => ({ stored: true }))).toMatchObject({ status: "completed" });
    expect((await read(b, taskId)).outcome).toEqual({ status: "completed", result: { stored: true } });
  });

  it.each(["before", "after"] as const)("is tried again when its answer was lost %s it took effect", async (when) => {
    const { a, b } = twoProcesses();
    const { taskId } = await a.createTask();
    const store = failing(a, "WRITE_OUTCOME_UNKNOWN", 1, when);
    const ended = await execute(store, taskId, async (context) => {
      // Its own success is no refusal.
      await expect(context.complete({ once: true })).resolves.toMatchObject({ status: "completed" });
      expect(context.signal.aborted).toBe(false);
    });
    expect(ended.status).toBe("completed");
    expect((await read(b, taskId)).outcome).toEqual({ status: "completed", result: { once: true } });
  });

  it("does not take a cancel for its own success", async () => {
    const { a, b } = twoProcesses();
    const { taskId } = await a.createTask();
    const store = failing(a, "WRITE_OUTCOME_UNKNOWN", 1, "before");
    await execute(store, taskId, async (context) => {
      const cancelled = b.cancelTask(taskId);
      await expect(context.complete({})).rejects.toMatchObject({
        code: "TASK_TERMINAL",
        task: { status: "cancelled" },
      });
      await cancelled;
    });
    expect(await b.getTask(taskId)).toMatchObject({ status: "cancelled" });
  });

  it.each(["STORE_UNAVAILABLE", "WRITE_OUTCOME_UNKNOWN"] as const)(
    "gives up at the end that the lease had, and throws %s",
    async (code) => {
      await inVirtualTime(async () => {
        const { a } = twoProcesses();
        const { taskId } = await a.createTask();
        const store = failing(a, code, Number.POSITIVE_INFINITY, "before");
        const startMs = performance.now();
        await expect(execute(store, taskId, () => ({ lost: true }), { leaseMs: 5_000 })).rejects.toMatchObject({
          code,
        });
        // Not one pause before it, and not after it.
        expect(performance.now() - startMs).toBeGreaterThan(4_000);
        expect(performance.now() - startMs).toBeLessThan(5_000.001);
      });
    },
  );

  it("throws what complete failed with, also when the handler swallows it", async () => {
    await inVirtualTime(async () => {
      const { a, b } = twoProcesses();
      const { taskId } = await a.createTask();
      const store = failing(a, "STORE_UNAVAILABLE", Number.POSITIVE_INFINITY, "before");
      const run = execute(
        store,
        taskId,
        async (context) => {
          await context.complete({}).catch(() => undefined);
        },
        { leaseMs: 150 },
      );
      await expect(run).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
      expect(await b.getTask(taskId)).toMatchObject({ status: "working" });
    });
  });

  it("throws CLOSED when the store was closed under the handler", async () => {
    const { a, b } = twoProcesses();
    const { taskId } = await a.createTask();
    const run = execute(a, taskId, async ({ signal }) => {
      await a.close();
      expect(signal.reason).toMatchObject({ code: "CLOSED" });
      return { late: true };
    });
    await expect(run).rejects.toMatchObject({ code: "CLOSED" });
    expect(await b.getTask(taskId)).toMatchObject({ status: "working" });
  });

  it("takes the first of two ends", async () => {
    const { a, b } = twoProcesses();
    const { taskId } = await a.createTask();
    const ended = await execute(a, taskId, async (context) => {
      const ends = await Promise.allSettled([
        context.complete({ n: 1 }),
        context.complete({ n: 2 }),
        context.fail("no"),
      ]);
      expect(ends.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "rejected"]);
      expect(context.signal.aborted).toBe(false);
    });
    expect(ended.status).toBe("completed");
    expect((await read(b, taskId)).outcome).toEqual({ status: "completed", result: { n: 1 } });
  });

  it("is the end of the run: nothing is written after it", async () => {
    const { a, b } = twoProcesses();
    const { taskId } = await a.createTask();
    await execute(a, taskId, async (context) => {
      const ended = await context.complete({ n: 1 });
      for (const late of [
        context.complete({ n: 2 }),
        context.fail("late"),
        context.updateStatus("late"),
        context.requestInputs({ k: { method: "m" } }),
      ]) {
        await expect(late).rejects.toMatchObject({ code: "TASK_TERMINAL", task: { status: "completed" } });
      }
      expect(context.task).toEqual(ended);
      expect(await b.getTask(taskId)).toEqual(ended);
    });
  });

  it("is not taken for somebody else's when the watch sees it before its answer comes", async () => {
    const { a } = twoProcesses();
    const { taskId } = await a.createTask();
    const seen = new Resolver<void>();
    const store = withFaults(a, {
      waitForUpdate: async (...given) => {
        const task = await a.waitForUpdate(...given);
        if (task?.status === "completed") seen.resolve();
        return task;
      },
      finishTask: async (...given) => {
        const task = await a.finishTask(...given);
        await seen.wait();
        await new Promise((resolve) => setImmediate(resolve));
        return task;
      },
    });
    const ended = await execute(store, taskId, async (context) => {
      await context.complete({ mine: true });
      expect(context.signal.aborted).toBe(false);
    });
    expect(ended.status).toBe("completed");
  });

  it("leaves what the watch saw meanwhile to count when it was refused", async () => {
    const { a, b } = twoProcesses();
    const { taskId } = await a.createTask();
    const seen = new Resolver<void>();
    const store = withFaults(a, {
      waitForUpdate: async (...given) => {
        const task = await a.waitForUpdate(...given);
        seen.resolve();
        return task;
      },
      finishTask: async () => {
        await b.cancelTask(taskId);
        await seen.wait();
        await new Promise((resolve) => setImmediate(resolve));
        throw new TaskStoreError("PAYLOAD_TOO_LARGE", "The result is too large.");
      },
    });
    await execute(store, taskId, async (context) => {
      await expect(context.complete({})).rejects.toMatchObject({ code: "PAYLOAD_TOO_LARGE" });
      expect(context.signal.reason).toMatchObject({ code: "TASK_TERMINAL", task: { status: "cancelled" } });
    });
  });

  it("ends the watch", async () => {
    const { a } = twoProcesses();
    const { taskId } = await a.createTask();
    const signals: (AbortSignal | undefined)[] = [];
    const store = withFaults(a, {
      waitForUpdate: async (id, options) => {
        signals.push(options.signal);
        return await a.waitForUpdate(id, options);
      },
    });
    await execute(store, taskId, () => undefined);
    expect(signals.map((signal) => signal?.aborted)).toEqual([true]);
  });
});
