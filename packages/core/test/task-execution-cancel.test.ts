import { describe, expect, it } from "vitest";
import type { TaskStore } from "../src/index.ts";
import type { TaskContext } from "../src/task-context.ts";
import { Resolver } from "../src/resolver.ts";
import { execute, fired, read, twoProcesses, withFaults } from "./two-processes.ts";

const ways: readonly (readonly [
  name: string,
  act: (store: TaskStore, taskId: string) => Promise<unknown>,
  code: string,
])[] = [
  ["cancelled", (store, taskId) => store.cancelTask(taskId), "TASK_TERMINAL"],
  ["asked to be cancelled", (store, taskId) => store.requestCancellation(taskId), "ABORTED"],
  ["deleted", (store, taskId) => store.deleteTask(taskId), "TASK_NOT_FOUND"],
  [
    "ended by an operator",
    (store, taskId) => store.finishTask(taskId, { status: "completed", result: {} }, { force: true }),
    "TASK_TERMINAL",
  ],
];

describe("taskExecution: the task changes hands or state meanwhile", () => {
  it.each(ways)("fires the signal when the task is %s in another process", async (_name, act, code) => {
    const { a, b } = twoProcesses();
    const { taskId } = await a.createTask();
    const other = await a.createTask();
    const release = new Resolver<void>();
    const sentinel = execute(a, other.taskId, async ({ signal }) => {
      await release.wait();
      return { aborted: signal.aborted };
    });
    await execute(a, taskId, async ({ signal }) => {
      expect(signal.aborted).toBe(false);
      const [reason] = await Promise.all([fired(signal), act(b, taskId)]);
      expect(reason).toMatchObject({ name: "TaskStoreError", code });
    });
    release.resolve();
    await sentinel;
    expect((await read(b, other.taskId)).outcome).toEqual({ status: "completed", result: { aborted: false } });
  });

  it.each(ways)("misses nothing between the lease and the watch: %s", async (_name, act, code) => {
    const { a, b } = twoProcesses();
    const { taskId } = await a.createTask();
    const store = withFaults(a, {
      acquireLease: async (id, options) => {
        const lease = await a.acquireLease(id, options);
        await act(b, id);
        return lease;
      },
    });
    await execute(store, taskId, async ({ signal }) => {
      expect(await fired(signal)).toMatchObject({ code });
    });
  });

  it("watches before the handler starts", async () => {
    const { a } = twoProcesses();
    const { taskId } = await a.createTask();
    const calls: string[] = [];
    const store = withFaults(a, {
      waitForUpdate: async (id, options) => {
        calls.push("watch");
        return await a.waitForUpdate(id, options);
      },
    });
    await execute(store, taskId, () => {
      calls.push("handler");
    });
    expect(calls).toEqual(["watch", "handler"]);
  });

  it("has fired the signal already if the lease itself tells of a cancellation", async () => {
    const { a, b } = twoProcesses();
    const { taskId } = await a.createTask();
    const store = withFaults(a, {
      acquireLease: async (id, options) => {
        const lease = await a.acquireLease(id, options);
        const task = await b.requestCancellation(id);
        return lease && { ...lease, task };
      },
    });
    const ended = await execute(store, taskId, ({ signal, isCancelled }) => {
      expect([signal.aborted, isCancelled]).toEqual([true, true]);
      signal.throwIfAborted();
    });
    expect(ended.status).toBe("cancelled");
  });

  it("ends the task cancelled when the handler throws after a request", async () => {
    const { a, b } = twoProcesses();
    const { taskId } = await a.createTask();
    const ended = await execute(a, taskId, async (context) => {
      await Promise.all([fired(context.signal), b.requestCancellation(taskId)]);
      expect(context.isCancelled).toBe(true);
      throw new Error("stopped");
    });
    expect(ended.status).toBe("cancelled");
    expect((await read(b, taskId)).outcome).toEqual({ status: "cancelled" });
  });

  it("ends the task cancelled when the handler returns nothing after a request", async () => {
    const { a, b } = twoProcesses();
    const { taskId } = await a.createTask();
    const ended = await execute(a, taskId, async ({ signal }) => {
      await Promise.all([fired(signal), b.requestCancellation(taskId)]);
    });
    expect(ended.status).toBe("cancelled");
  });

  it("lets the handler complete in spite of a request (X-40)", async () => {
    const { a, b } = twoProcesses();
    const { taskId } = await a.createTask();
    const ended = await execute(a, taskId, async ({ signal }) => {
      await Promise.all([fired(signal), b.requestCancellation(taskId)]);
      return { finished: "anyway" };
    });
    expect(ended.status).toBe("completed");
  });

  it.each([
    [
      "throws",
      (): never => {
        throw new Error("stopped");
      },
    ],
    ["returns an object", (): { late: true } => ({ late: true })],
    ["returns nothing", (): void => undefined],
  ])("keeps a cancelled task as it is when the handler %s", async (_name, end) => {
    const { a, b } = twoProcesses();
    const { taskId } = await a.createTask();
    let cancelled: unknown;
    const ended = await execute(a, taskId, async () => {
      // Not waiting for the signal: the last write meets the refusal itself.
      cancelled = await b.cancelTask(taskId, { statusMessage: "enough" });
      return end();
    });
    expect(ended).toEqual(cancelled);
    expect(await b.getTask(taskId)).toEqual(cancelled);
  });

  it("tells a handler that writes to a cancelled task, and carries the task", async () => {
    const { a, b } = twoProcesses();
    const { taskId } = await a.createTask();
    await execute(a, taskId, async (context) => {
      await b.cancelTask(taskId);
      await expect(context.updateStatus("on my way")).rejects.toMatchObject({
        code: "TASK_TERMINAL",
        task: { status: "cancelled" },
      });
      expect([context.signal.aborted, context.isCancelled, context.task.status]).toEqual([true, true, "cancelled"]);
      await expect(context.complete({})).rejects.toMatchObject({ code: "TASK_TERMINAL" });
    });
  });

  it.each<[string, (context: TaskContext) => Promise<unknown>]>([
    ["a report", ({ updateStatus }) => updateStatus("on my way")],
    ["a question", ({ requestInputs }) => requestInputs({ k: { method: "m" } })],
    ["a result", ({ complete }) => complete({})],
    ["a failure", ({ fail }) => fail("no")],
  ])("fires the signal when %s is the first to meet the refusal", async (_name, write) => {
    const { a, b } = twoProcesses();
    const { taskId } = await a.createTask();
    const blind = withFaults(a, { waitForUpdate: async () => await new Promise(() => undefined) });
    const ended = await execute(blind, taskId, async (context) => {
      await b.cancelTask(taskId);
      await expect(write(context)).rejects.toMatchObject({ code: "TASK_TERMINAL", task: { status: "cancelled" } });
      expect(context.signal.reason).toMatchObject({ code: "TASK_TERMINAL" });
      expect([context.isCancelled, context.task.status]).toEqual([true, "cancelled"]);
    });
    expect(ended.status).toBe("cancelled");
  });

  it("resolves with the last known copy when the task is gone", async () => {
    const { a, b } = twoProcesses();
    const { taskId } = await a.createTask();
    const ended = await execute(a, taskId, async () => {
      await b.deleteTask(taskId);
      return { late: true };
    });
    expect(ended).toMatchObject({ taskId, status: "working" });
    expect(await b.getTask(taskId)).toBeUndefined();
  });
});

describe("requestCancellation of the context", () => {
  it("changes flag and signal at once and writes nothing yet", async () => {
    const { a, b } = twoProcesses();
    const { taskId } = await a.createTask();
    const ended = await execute(a, taskId, async (context) => {
      const before = await b.getTask(taskId);
      context.requestCancellation();
      expect([context.isCancelled, context.signal.aborted]).toEqual([true, true]);
      expect(await b.getTask(taskId)).toEqual(before);
      context.signal.throwIfAborted();
    });
    expect(ended.status).toBe("cancelled");
  });

  it("ends the task cancelled also when the handler then returns nothing", async () => {
    const { a } = twoProcesses();
    const { taskId } = await a.createTask();
    const ended = await execute(a, taskId, (context) => context.requestCancellation());
    expect(ended.status).toBe("cancelled");
  });
});
