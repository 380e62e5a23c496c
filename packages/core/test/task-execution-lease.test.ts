import { describe, expect, it } from "vitest";
import { TaskStoreError } from "../src/errors.ts";
import { Resolver } from "../src/resolver.ts";
import { inVirtualTime } from "./in-virtual-time.ts";
import { execute, fired, read, twoProcesses, withFaults } from "./two-processes.ts";

const unavailable = async (): Promise<never> => {
  throw new TaskStoreError("STORE_UNAVAILABLE", "The backend is down.");
};

describe("taskExecution: its lease", () => {
  it("is kept as long as the handler works, and ends with it", async () => {
    await inVirtualTime(async () => {
      const { a, b } = twoProcesses();
      const { taskId } = await a.createTask();
      const renewedThrice = new Resolver<void>();
      let renewals = 0;
      const store = withFaults(a, {
        renewLease: async (id, token, options) => {
          const lease = await a.renewLease(id, token, options);
          renewals += 1;
          if (renewals === 3) renewedThrice.resolve();
          return lease;
        },
      });
      await execute(
        store,
        taskId,
        async ({ task, signal }) => {
          const first = task.lease?.expiresAt ?? "";
          await renewedThrice.wait();
          const moved = await read(b, taskId);
          expect(Date.parse(moved.lease?.expiresAt ?? "")).toBeGreaterThan(Date.parse(first));
          expect(moved.revision).toBe(task.revision);
          expect(await b.acquireLease(taskId, { holder: "b" })).toBeUndefined();
          expect(signal.aborted).toBe(false);
        },
        { leaseMs: 600 },
      );
      expect(await b.acquireLease(taskId, { holder: "b" })).toBeDefined();
    });
  });

  it("takes the holder's name and the lease's length from its options", async () => {
    const { a } = twoProcesses();
    const { taskId } = await a.createTask();
    await execute(
      a,
      taskId,
      ({ task }) => {
        expect(task.lease?.holder).toBe("mill 7");
        expect(Date.parse(task.lease?.expiresAt ?? "") - Date.parse(task.lastUpdatedAt)).toBe(60_000);
      },
      { holder: "mill 7", leaseMs: 60_000 },
    );
  });

  it("survives a store that cannot be reached for less than its life", async () => {
    await inVirtualTime(async () => {
      const { a } = twoProcesses();
      const { taskId } = await a.createTask();
      const back = new Resolver<void>();
      let tries = 0;
      const store = withFaults(a, {
        renewLease: async (id, token, options) => {
          tries += 1;
          if (tries <= 2) return await unavailable();
          const lease = await a.renewLease(id, token, options);
          if (!back.done) back.resolve();
          return lease;
        },
      });
      const ended = await execute(
        store,
        taskId,
        async ({ signal }) => {
          await back.wait();
          return { aborted: signal.aborted };
        },
        { leaseMs: 1_000 },
      );
      expect(ended.status).toBe("completed");
      expect(await a.getOutcome(taskId)).toEqual({ status: "completed", result: { aborted: false } });
    });
  });

  it.each([
    [
      "throws",
      (): never => {
        throw new Error("cut off");
      },
    ],
    ["returns an object", (): { late: true } => ({ late: true })],
    ["returns nothing", (): void => undefined],
  ])("fences a worker that is cut off until its end; then the handler %s", async (_name, end) => {
    await inVirtualTime(async () => {
      const { a, b } = twoProcesses();
      const { taskId } = await a.createTask();
      const writes: string[] = [];
      const store = withFaults(a, {
        renewLease: unavailable,
        waitForUpdate: unavailable,
        requestInputs: async (...given) => {
          writes.push("ask");
          return await a.requestInputs(...given);
        },
        updateTask: async (...given) => {
          writes.push("report");
          return await a.updateTask(...given);
        },
        finishTask: async (...given) => {
          writes.push("finish");
          return await a.finishTask(...given);
        },
        releaseLease: async (...given) => {
          writes.push("release");
          return await a.releaseLease(...given);
        },
      });
      const before = performance.now();
      const task = await execute(
        store,
        taskId,
        async ({ signal, requestInputs, updateStatus }) => {
          expect(await fired(signal)).toMatchObject({ code: "LEASE_LOST" });
          await expect(updateStatus("late")).rejects.toMatchObject({ code: "LEASE_LOST" });
          await expect(requestInputs({ k: { method: "m" } })).rejects.toMatchObject({ code: "LEASE_LOST" });
          // At the lease's end, which the backend counts in whole ms, and never after it.
          expect(performance.now() - before).toBeGreaterThan(98);
          expect(performance.now() - before).toBeLessThan(100.001);
          return end();
        },
        { leaseMs: 100 },
      );
      expect(writes).toEqual([]);
      expect(task).toEqual(await b.getTask(taskId));
    });
  });

  it.each([
    [
      "throws",
      (): never => {
        throw new Error("zombie");
      },
    ],
    ["returns an object", (): { zombie: true } => ({ zombie: true })],
    ["returns nothing", (): void => undefined],
  ])("once lost is lost: somebody else works on, the handler %s", async (_name, end) => {
    const { a, b, backend } = twoProcesses();
    const { taskId } = await a.createTask();
    const gate = new Resolver<void>();
    const store = withFaults(a, {
      renewLease: async (...given) => {
        await gate.wait();
        return await a.renewLease(...given);
      },
    });
    let taken: unknown;
    const task = await execute(store, taskId, async (context) => {
      backend.advance(30_001);
      const lease = await b.acquireLease(taskId, { holder: "b" });
      taken = lease?.task;
      expect(await fired(context.signal)).toMatchObject({ code: "LEASE_LOST" });
      await expect(context.updateStatus("zombie")).rejects.toMatchObject({ code: "LEASE_LOST" });
      await expect(context.requestInputs({ k: { method: "m" } })).rejects.toMatchObject({ code: "LEASE_LOST" });
      return end();
    });
    gate.resolve();
    expect(task).toEqual(taken);
    expect(await b.getTask(taskId)).toEqual(taken);
  });

  it("once lost is lost also when only the last write finds out", async () => {
    const { a, b, backend } = twoProcesses();
    const { taskId } = await a.createTask();
    const blind = withFaults(a, { waitForUpdate: async () => await new Promise(() => undefined) });
    let taken: unknown;
    const task = await execute(blind, taskId, async () => {
      backend.advance(30_001);
      taken = (await b.acquireLease(taskId, { holder: "b" }))?.task;
      throw new Error("zombie");
    });
    expect(task).toEqual(taken);
  });

  it("is noticed to be somebody else's of the same name", async () => {
    const { a, b, backend } = twoProcesses();
    const { taskId } = await a.createTask();
    await execute(
      a,
      taskId,
      async ({ signal }) => {
        backend.advance(30_001);
        await b.acquireLease(taskId, { holder: "twin" });
        expect(await fired(signal)).toMatchObject({ code: "LEASE_LOST" });
      },
      { holder: "twin" },
    );
    expect(await b.getTask(taskId)).toMatchObject({ status: "working", attempts: 2, lease: { holder: "twin" } });
  });

  it("fires the signal when maintenance failed the task of a worker taken for lost", async () => {
    const { a, b, backend } = twoProcesses();
    const { taskId } = await a.createTask();
    const ended = await execute(a, taskId, async ({ signal }) => {
      backend.advance(30_001);
      await b.maintain();
      expect(await fired(signal)).toMatchObject({ code: "TASK_TERMINAL", task: { status: "failed" } });
      return { late: true };
    });
    expect(ended).toMatchObject({ status: "failed", statusMessage: "The worker was lost before it finished." });
  });

  it.each([
    ["cancelled", "TASK_TERMINAL"],
    ["deleted", "TASK_NOT_FOUND"],
    ["taken over", "LEASE_LOST"],
  ])("tells by the heartbeat alone that the task was %s", async (what, code) => {
    await inVirtualTime(async () => {
      const { a, b, backend } = twoProcesses();
      const { taskId } = await a.createTask();
      const blind = withFaults(a, { waitForUpdate: async () => await new Promise(() => undefined) });
      await execute(
        blind,
        taskId,
        async ({ signal }) => {
          const startMs = performance.now();
          if (what === "cancelled") await b.cancelTask(taskId);
          else if (what === "deleted") await b.deleteTask(taskId);
          else {
            backend.advance(60_001);
            await b.acquireLease(taskId, { holder: "b" });
          }
          expect(await fired(signal)).toMatchObject({ code });
          // By the first beat: at the lease's end the worker would be fenced anyway.
          expect(performance.now() - startMs).toBeLessThan(501);
        },
        { leaseMs: 1_500 },
      );
    });
  });

  it("is not renewed after the end", async () => {
    await inVirtualTime(async () => {
      const { a } = twoProcesses();
      const beats = new Map<string, number>();
      const beaten = new Resolver<void>();
      const store = withFaults(a, {
        renewLease: async (taskId, token, options) => {
          // Tries count: a lease that was given back cannot be renewed.
          const count = (beats.get(taskId) ?? 0) + 1;
          beats.set(taskId, count);
          if (count === 5 && taskId === second.taskId) beaten.resolve();
          return await a.renewLease(taskId, token, options);
        },
      });
      const first = await a.createTask();
      const second = await a.createTask();
      await execute(store, first.taskId, () => undefined, { leaseMs: 300 });
      // In the time in which another run beats five times the first one would have beaten, too.
      await execute(store, second.taskId, async () => await beaten.wait(), { leaseMs: 300 });
      expect([...beats.keys()]).toEqual([second.taskId]);
    });
  });
});
