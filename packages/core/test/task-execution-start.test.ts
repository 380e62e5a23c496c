import { describe, expect, it } from "vitest";
import { taskExecution } from "../src/task-execution.ts";
import { twoProcesses, withFaults } from "./two-processes.ts";

function forbidden(): never {
  throw new Error("The handler must not be called.");
}

describe("taskExecution: what it refuses before the handler", () => {
  it("an unknown task", async () => {
    const { a } = twoProcesses();
    await expect(taskExecution(a, "unknown", forbidden)).rejects.toMatchObject({ code: "TASK_NOT_FOUND" });
  });

  it("a task that vanishes while it is looked why it could not be taken", async () => {
    const { a, b } = twoProcesses();
    const { taskId } = await a.createTask();
    const store = withFaults(a, {
      acquireLease: async () => {
        await b.deleteTask(taskId);
        return undefined;
      },
    });
    await expect(taskExecution(store, taskId, forbidden)).rejects.toMatchObject({ code: "TASK_NOT_FOUND" });
  });

  it.each(["completed", "failed", "cancelled"] as const)("a task that is %s", async (status) => {
    const { a, b } = twoProcesses();
    const { taskId } = await a.createTask();
    if (status === "cancelled") await b.cancelTask(taskId);
    else if (status === "completed") await b.finishTask(taskId, { status, result: {} });
    else await b.finishTask(taskId, { status, error: { code: 1, message: "no" } });
    const before = await b.getTask(taskId);
    await expect(taskExecution(a, taskId, forbidden)).rejects.toMatchObject({
      code: "TASK_TERMINAL",
      task: { taskId, status },
    });
    expect(await b.getTask(taskId)).toEqual(before);
  });

  it("a task that somebody else holds", async () => {
    const { a, b } = twoProcesses();
    const { taskId } = await a.createTask();
    await b.acquireLease(taskId, { holder: "b" });
    await expect(taskExecution(a, taskId, forbidden)).rejects.toMatchObject({ code: "LEASE_HELD" });
    expect(await b.getTask(taskId)).toMatchObject({ status: "working", lease: { holder: "b" } });
  });

  it("a task whose cancellation was asked for while nobody could take it: it is cancelled", async () => {
    const { a, b, backend } = twoProcesses();
    const { taskId } = await a.createTask();
    await b.acquireLease(taskId, { holder: "lost", leaseMs: 100 });
    await b.requestCancellation(taskId);
    backend.advance(101);
    await expect(taskExecution(a, taskId, forbidden)).rejects.toMatchObject({
      code: "TASK_TERMINAL",
      task: { status: "cancelled" },
    });
  });

  it("any task once the worker's signal fired", async () => {
    const { a, b } = twoProcesses();
    const { taskId } = await a.createTask();
    const signal = AbortSignal.abort(new Error("SIGTERM"));
    await expect(taskExecution(a, taskId, forbidden, { signal })).rejects.toMatchObject({
      code: "ABORTED",
      cause: { message: "SIGTERM" },
    });
    expect(await b.getTask(taskId)).toMatchObject({ attempts: 0 });
  });

  it("a task that it got after the worker's signal fired: it goes back", async () => {
    const { a, b } = twoProcesses();
    const { taskId } = await a.createTask();
    const shutdown = new AbortController();
    const store = withFaults(a, {
      acquireLease: async (id, options) => {
        const lease = await a.acquireLease(id, options);
        shutdown.abort();
        return lease;
      },
    });
    const task = await taskExecution(store, taskId, forbidden, { signal: shutdown.signal });
    expect(task).toMatchObject({ status: "working", attempts: 0 });
    expect(await b.acquireLease(taskId, { holder: "b" })).toBeDefined();
  });

  it("options out of range, naming them", async () => {
    const { a } = twoProcesses();
    const { taskId } = await a.createTask();
    await expect(taskExecution(a, taskId, forbidden, { leaseMs: Number.NaN })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      argument: "options.leaseMs",
    });
  });
});
