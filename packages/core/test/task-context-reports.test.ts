import { describe, expect, it } from "vitest";
import { TaskStoreError } from "../src/errors.ts";
import type { TaskChange, TaskStore } from "../src/index.ts";
import { Resolver } from "../src/resolver.ts";
import { inVirtualTime } from "./in-virtual-time.ts";
import { execute, fired, read, twoProcesses, withFaults } from "./two-processes.ts";

interface Seen {
  readonly change: TaskChange;
  readonly atMs: number;
}

/** Notes every report that goes out. */
function noting(store: TaskStore, seen: Seen[]): TaskStore {
  return withFaults(store, {
    updateTask: async (taskId, change, options) => {
      expect(options?.lease).toBeTypeOf("number");
      seen.push({ change, atMs: performance.now() });
      return await store.updateTask(taskId, change, options);
    },
  });
}

describe("reports of a context", () => {
  it("go out about four times a second, the latest last", async () => {
    await inVirtualTime(async () => {
      const { a, b } = twoProcesses();
      const { taskId } = await a.createTask();
      const seen: Seen[] = [];
      await execute(noting(a, seen), taskId, async (context) => {
        await context.updateStatus("0");
        const rest = Array.from({ length: 1_000 }, async (_, n) => await context.updateStatus(`${n + 1}`));
        const tasks = await Promise.all(rest);
        expect(new Set(tasks.map(({ statusMessage }) => statusMessage))).toEqual(new Set(["1000"]));
        expect(context.task.statusMessage).toBe("1000");
        expect((await read(b, taskId)).statusMessage).toBe("1000");
      });
      expect(seen.map(({ change }) => change.statusMessage)).toEqual(["0", "1000"]);
      const [first, second] = seen;
      expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBeCloseTo(250);
    });
  });

  it("are one write in flight; what comes meanwhile is put together", async () => {
    const { a } = twoProcesses();
    const { taskId } = await a.createTask();
    const sent = new Resolver<void>();
    const gate = new Resolver<void>();
    const changes: TaskChange[] = [];
    const store = withFaults(a, {
      updateTask: async (id, change, options) => {
        changes.push(change);
        if (!sent.done) {
          sent.resolve();
          await gate.wait();
        }
        return await a.updateTask(id, change, options);
      },
    });
    const task = await execute(store, taskId, async (context) => {
      const first = context.report({ statusMessage: "first", pollIntervalMs: 100 });
      await sent.wait();
      const later = [
        context.report({ statusMessage: "second", metadata: { n: 1 } }),
        context.report({ metadata: { n: 2 }, ttlMs: undefined }),
        context.report({ pollIntervalMs: 300 }),
      ];
      gate.resolve();
      expect((await first).statusMessage).toBe("first");
      for (const task of await Promise.all(later)) {
        expect(task).toMatchObject({ statusMessage: "second", metadata: { n: 2 }, pollIntervalMs: 300 });
      }
    });
    expect(task.status).toBe("working");
    expect(changes).toEqual([
      { statusMessage: "first", pollIntervalMs: 100 },
      { statusMessage: "second", metadata: { n: 2 }, pollIntervalMs: 300 },
    ]);
  });

  it("land before the end, never after it", async () => {
    const { a, b } = twoProcesses();
    const { taskId } = await a.createTask();
    const ended = await execute(a, taskId, (context) => {
      for (const text of ["10 %", "50 %", "90 %"]) void context.updateStatus(text);
      void context.report({ metadata: { step: 3 } });
      return { done: true };
    });
    expect(ended).toMatchObject({ status: "completed", statusMessage: "90 %", metadata: { step: 3 } });
    expect(await b.getTask(taskId)).toEqual(ended);
  });

  it("land before a release", async () => {
    const { a } = twoProcesses();
    const { taskId } = await a.createTask();
    const task = await execute(a, taskId, (context) => {
      void context.updateStatus("checkpoint 7");
    });
    expect(task).toMatchObject({ status: "working", statusMessage: "checkpoint 7" });
  });

  it("lose against the text of a failure", async () => {
    const { a } = twoProcesses();
    const { taskId } = await a.createTask();
    const ended = await execute(a, taskId, (context) => {
      void context.updateStatus("90 %");
      throw new Error("out of paper");
    });
    expect(ended).toMatchObject({ status: "failed", statusMessage: "out of paper" });
  });

  it("are refused once the run is over, and nobody has to listen", async () => {
    const { a, b } = twoProcesses();
    const { taskId } = await a.createTask();
    let late = (): Promise<unknown> => Promise.resolve();
    const released = await execute(a, taskId, (context) => {
      late = () => context.updateStatus("late");
    });
    void late();
    await expect(late()).rejects.toMatchObject({ code: "LEASE_LOST" });
    expect(await b.getTask(taskId)).toEqual(released);
  });

  it("that wait for their turn are refused as soon as the run ends", async () => {
    await inVirtualTime(async () => {
      const { a, b } = twoProcesses();
      const { taskId } = await a.createTask();
      let waiting: Promise<unknown> = Promise.resolve();
      await execute(a, taskId, async ({ signal, updateStatus }) => {
        await updateStatus("1");
        waiting = updateStatus("2").catch((error: unknown) => error);
        await Promise.all([fired(signal), b.cancelTask(taskId)]);
      });
      const soon = new Promise((resolve) => setImmediate(resolve, "still waiting"));
      expect(await Promise.race([waiting, soon])).toMatchObject({
        code: "TASK_TERMINAL",
        task: { status: "cancelled" },
      });
    });
  });

  it("show in the context, and no older answer of the watch replaces them", async () => {
    const { a, backend } = twoProcesses();
    const { taskId } = await a.createTask();
    const overtaken = new Resolver<void>();
    const delivered = new Resolver<void>();
    let waits = 0;
    const store = withFaults(a, {
      waitForUpdate: async (...given) => {
        waits += 1;
        if (waits === 2) delivered.resolve();
        const task = await a.waitForUpdate(...given);
        if (waits === 1) await overtaken.wait();
        return task;
      },
    });
    await execute(store, taskId, async (context) => {
      await context.updateStatus("1");
      backend.advance(10);
      await context.updateStatus("2");
      overtaken.resolve();
      await delivered.wait();
      expect(context.task.statusMessage).toBe("2");
    });
  });

  it("count as they are at the call", async () => {
    const { a } = twoProcesses();
    const { taskId } = await a.createTask();
    await execute(a, taskId, async (context) => {
      const metadata = { list: [1] };
      const report = context.report({ metadata });
      metadata.list.push(2);
      expect((await report).metadata).toEqual({ list: [1] });
    });
  });

  it("that are invalid are refused alone", async () => {
    const { a } = twoProcesses({ maxPayloadBytes: 1_000 });
    const { taskId } = await a.createTask();
    await execute(a, taskId, async (context) => {
      const good = context.updateStatus("good");
      const bad = [
        context.updateStatus("x".repeat(8_193)),
        context.report({ pollIntervalMs: Number.NaN }),
        context.report({ metadata: { n: 1n } }),
      ];
      const large = context.report({ metadata: { text: "x".repeat(1_000) } });
      for (const report of bad) await expect(report).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
      await expect(large).rejects.toMatchObject({ code: "PAYLOAD_TOO_LARGE" });
      expect((await good).statusMessage).toBe("good");
    });
  });

  it("go out again while the store cannot be reached, beneath newer ones", async () => {
    const { a } = twoProcesses();
    const { taskId } = await a.createTask();
    const changes: TaskChange[] = [];
    const down = new Resolver<void>();
    const store = withFaults(a, {
      updateTask: async (id, change, options) => {
        changes.push(change);
        if (changes.length > 1) return await a.updateTask(id, change, options);
        down.resolve();
        throw new TaskStoreError("STORE_UNAVAILABLE", "The backend is down.");
      },
    });
    const task = await execute(store, taskId, async (context) => {
      const first = context.report({ statusMessage: "old", metadata: { kept: true } });
      await down.wait();
      const second = context.updateStatus("new");
      for (const task of await Promise.all([first, second])) {
        expect(task).toMatchObject({ statusMessage: "new", metadata: { kept: true } });
      }
    });
    expect(task.status).toBe("working");
    expect(changes).toHaveLength(2);
  });

  it("do not keep an end waiting while the store takes none", async () => {
    const { a } = twoProcesses();
    const { taskId } = await a.createTask();
    let reported: Promise<unknown> = Promise.resolve();
    const store = withFaults(a, {
      updateTask: async () => {
        throw new TaskStoreError("STORE_UNAVAILABLE", "The backend takes no reports.");
      },
    });
    const ended = await execute(store, taskId, (context) => {
      reported = context.updateStatus("never");
      return { done: true };
    });
    expect(ended.status).toBe("completed");
    await expect(reported).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  });
});
