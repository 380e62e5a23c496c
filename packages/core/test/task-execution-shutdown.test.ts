import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { Resolver } from "../src/resolver.ts";
import { inVirtualTime } from "./in-virtual-time.ts";
import { execute, fired, twoProcesses } from "./two-processes.ts";

describe("taskExecution: the worker shuts down", () => {
  it.each([
    [
      "throws",
      (): never => {
        throw new Error("interrupted");
      },
    ],
    ["returns nothing", (): void => undefined],
  ])("gives the task back when the handler %s", async (_name, end) => {
    const { a, b } = twoProcesses();
    const { taskId } = await a.createTask();
    const shutdown = new AbortController();
    const task = await execute(
      a,
      taskId,
      async (context) => {
        shutdown.abort(new Error("SIGTERM"));
        expect(await fired(context.signal)).toMatchObject({ code: "ABORTED", cause: { message: "SIGTERM" } });
        expect(context.isCancelled).toBe(false);
        return end();
      },
      { signal: shutdown.signal },
    );
    expect(task).toMatchObject({ status: "working", attempts: 0 });
    expect(await b.acquireLease(taskId, { holder: "b" })).toBeDefined();
  });

  it("keeps a result that the handler still returns", async () => {
    const { a } = twoProcesses();
    const { taskId } = await a.createTask();
    const shutdown = new AbortController();
    const task = await execute(
      a,
      taskId,
      () => {
        shutdown.abort();
        return { just: "in time" };
      },
      { signal: shutdown.signal },
    );
    expect(task.status).toBe("completed");
  });

  it("takes the task from a handler that goes on all the same, once it is abandoned", async () => {
    const { a, b } = twoProcesses();
    const { taskId } = await a.createTask();
    const abandon = new AbortController();
    const late = new Resolver<unknown>();
    const go = new Resolver<void>();
    const task = await execute(
      a,
      taskId,
      async (context) => {
        abandon.abort();
        await go.wait();
        await context.updateStatus("late").then(
          (value) => late.resolve(value),
          (error: unknown) => late.resolve(error),
        );
        return { too: "late" };
      },
      { abandon: abandon.signal },
    );
    expect(task).toMatchObject({ status: "working", attempts: 0 });
    const lease = await b.acquireLease(taskId, { holder: "b" });
    expect(lease).toBeDefined();
    go.resolve();
    expect(await late.wait()).toMatchObject({ code: "LEASE_LOST" });
    expect(await b.getTask(taskId)).toEqual(lease?.task);
  });

  it("ends the task cancelled when its cancellation had been asked for, too", async () => {
    const { a, b } = twoProcesses();
    const { taskId } = await a.createTask();
    const shutdown = new AbortController();
    const task = await execute(
      a,
      taskId,
      async () => {
        shutdown.abort();
        // Not seen by the handler any more: the store itself carries it out at the release.
        await b.requestCancellation(taskId);
        throw new Error("interrupted");
      },
      { signal: shutdown.signal },
    );
    expect(task.status).toBe("cancelled");
  });

  it("leaves no listener on the worker's signal", async () => {
    const { a } = twoProcesses();
    const shutdown = new AbortController();
    for (const end of [() => ({}), () => undefined, () => Promise.reject(new Error("no"))]) {
      const { taskId } = await a.createTask();
      await execute(a, taskId, end, { signal: shutdown.signal });
    }
    const unknown = execute(a, "unknown", () => ({}), { signal: shutdown.signal });
    await expect(unknown).rejects.toMatchObject({ code: "TASK_NOT_FOUND" });
    expect(getEventListeners(shutdown.signal, "abort")).toEqual([]);
  });

  it("leaves no timer behind", async () => {
    await inVirtualTime(async (time) => {
      const { a } = twoProcesses();
      for (let run = 0; run < 20; run += 1) {
        const { taskId } = await a.createTask();
        await execute(
          a,
          taskId,
          async (context) => {
            await context.updateStatus("1");
            void context.updateStatus("2");
            if (run % 2 === 0) throw new Error("half of them fail");
          },
          { maxRunMs: 60_000 },
        );
        expect(time.pending).toBe(0);
      }
    });
  });
});
