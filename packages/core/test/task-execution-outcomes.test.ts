import { describe, expect, it } from "vitest";
import { taskExecution } from "../src/task-execution.ts";
import { execute, read, twoProcesses } from "./two-processes.ts";

describe("taskExecution: how the handler ends", () => {
  it("completes the task with the object that it returns", async () => {
    const { a, b } = twoProcesses();
    const { taskId } = await a.createTask();
    const ended = await execute(a, taskId, async () => ({ content: [], n: 1 }));
    expect(ended.status).toBe("completed");
    expect(await read(b, taskId)).toMatchObject({
      status: "completed",
      outcome: { status: "completed", result: { content: [], n: 1 } },
    });
  });

  it("takes a handler that is not async", async () => {
    const { a } = twoProcesses();
    const { taskId } = await a.createTask();
    expect(await taskExecution(a, taskId, () => ({ ok: true }))).toMatchObject({ status: "completed" });
  });

  it("ends an isError result as its generation asks", async () => {
    const { a } = twoProcesses();
    const ends = [];
    for (const generation of ["2025-11-25", "2026-07-28", null] as const) {
      const { taskId } = await a.createTask({ generation });
      ends.push((await execute(a, taskId, () => ({ content: [], isError: true }))).status);
    }
    expect(ends).toEqual(["failed", "completed", "completed"]);
  });

  it("gives the task back when nothing is returned: free at once, the attempt uncounted", async () => {
    const { a, b } = twoProcesses();
    const { taskId } = await a.createTask();
    const task = await execute(a, taskId, async (context) => {
      expect(context.attempt).toBe(1);
      expect(context.task.lease?.holder).toMatch(/^worker-/);
    });
    expect(task).toMatchObject({ status: "working", attempts: 0 });
    expect(task.lease).toBeUndefined();
    expect(await b.acquireLease(taskId, { holder: "b" })).toMatchObject({ holder: "b" });
  });

  it("leaves a question to the client open when nothing is returned", async () => {
    const { a } = twoProcesses();
    const { taskId } = await a.createTask();
    const task = await execute(a, taskId, async (context) => {
      await context.requestInputs({ name: { method: "elicitation/create" } });
      expect(context.task.status).toBe("input_required");
    });
    expect(task).toMatchObject({
      status: "input_required",
      inputs: { name: { request: { method: "elicitation/create" } } },
    });
  });

  it.each([
    ["a text", "done"],
    ["null", null],
    ["a list", [1]],
    ["a function", () => 1],
  ])("fails the task when the handler returns %s", async (_name, returned) => {
    const { a, b } = twoProcesses();
    const { taskId } = await a.createTask();
    // @ts-expect-error -- what plain JavaScript can do
    await execute(a, taskId, () => returned);
    expect(await read(b, taskId)).toMatchObject({
      status: "failed",
      statusMessage: "The handler returned something other than a JSON object or undefined.",
      outcome: { status: "failed", error: { code: -32603 } },
    });
  });

  it.each([
    ["a number that JSON cannot hold", { n: Number.NaN }],
    ["an object with a class", { at: new Date() }],
    ["more than may be stored", { text: "x".repeat(2_000) }],
    [
      "a getter that throws",
      {
        get bomb(): never {
          throw new Error("secret of the getter");
        },
      },
    ],
  ])("fails the task when the result has %s", async (_name, result) => {
    const { a, b } = twoProcesses({ maxPayloadBytes: 1_000 });
    const { taskId } = await a.createTask();
    expect(await execute(a, taskId, () => result)).toMatchObject({ status: "failed" });
    const task = await read(b, taskId);
    expect(task.statusMessage).toMatch(/^The handler's result could not be stored: /);
    expect(JSON.stringify(task)).not.toContain("secret of the getter");
  });

  it("keeps the first end: a throw after complete changes nothing", async () => {
    const { a, b } = twoProcesses();
    const { taskId } = await a.createTask();
    const ended = await execute(a, taskId, async (context) => {
      await context.complete({ first: true });
      expect(context.signal.aborted).toBe(false);
      throw new Error("too late");
    });
    expect(ended.status).toBe("completed");
    expect((await read(b, taskId)).outcome).toEqual({ status: "completed", result: { first: true } });
  });

  it("keeps the first end: a returned object after fail changes nothing", async () => {
    const { a, b } = twoProcesses();
    const { taskId } = await a.createTask();
    await execute(a, taskId, async (context) => {
      await context.fail("no luck");
      return { late: true };
    });
    expect(await read(b, taskId)).toMatchObject({
      status: "failed",
      statusMessage: "no luck",
      outcome: { error: { code: -32603, message: "no luck" } },
    });
  });

  it("waits for an end that the handler did not wait for", async () => {
    const { a, b } = twoProcesses();
    const { taskId } = await a.createTask();
    const ended = await execute(a, taskId, (context) => {
      void context.complete({ forgotten: true });
    });
    expect(ended.status).toBe("completed");
    expect((await read(b, taskId)).outcome).toEqual({ status: "completed", result: { forgotten: true } });
  });

  it("lets the handler try again after a result that could not be stored", async () => {
    const { a, b } = twoProcesses();
    const { taskId } = await a.createTask();
    await execute(a, taskId, async (context) => {
      await expect(context.complete({ bad: 1n })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
      await context.complete({ good: 1 });
    });
    expect((await read(b, taskId)).outcome).toEqual({ status: "completed", result: { good: 1 } });
  });

  it("stores the result as it was at the call", async () => {
    const { a, b } = twoProcesses();
    const { taskId } = await a.createTask();
    await execute(a, taskId, ({ complete, updateStatus }) => {
      const result = { list: [1] };
      void updateStatus("comes first");
      void complete(result);
      result.list.push(2);
    });
    expect((await read(b, taskId)).outcome).toEqual({ status: "completed", result: { list: [1] } });
  });

  it("wakes whoever waits for the task in another process", async () => {
    const { a, b } = twoProcesses();
    const { taskId } = await a.createTask();
    const outcome = b.waitForOutcome(taskId);
    await execute(a, taskId, () => ({ woken: true }));
    expect(await outcome).toEqual({ status: "completed", result: { woken: true } });
  });
});
