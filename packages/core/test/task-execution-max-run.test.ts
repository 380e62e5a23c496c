import { describe, expect, it } from "vitest";
import { inVirtualTime } from "./in-virtual-time.ts";
import { execute, fired, twoProcesses } from "./two-processes.ts";

describe("taskExecution: maxRunMs", () => {
  it.each([
    ["its options", {}, { maxRunMs: 700 }],
    ["the store's", { maxRunMs: 700 }, {}],
  ])(
    "fires the signal after %s, heartbeat or not, and maintenance fails the task",
    async (_name, settings, options) => {
      await inVirtualTime(async (time) => {
        const { a, b } = twoProcesses(settings);
        const { taskId } = await a.createTask();
        const before = performance.now();
        const ended = await execute(
          a,
          taskId,
          async (context) => {
            const reason = await fired(context.signal);
            // The backend counts whole ms.
            expect(performance.now() - before).toBeGreaterThan(699);
            expect(performance.now() - before).toBeLessThan(701);
            expect(reason).toMatchObject({ code: "ABORTED", message: expect.stringMatching(/time limit/) });
            expect(context.isCancelled).toBe(false);
            time.advance(1);
            expect(await b.maintain()).toMatchObject({ failed: 1 });
            return { late: true };
          },
          { leaseMs: 600, ...options },
        );
        expect(ended).toMatchObject({ status: "failed", statusMessage: "The run exceeded its time limit." });
      });
    },
  );

  it("fails the task with what the handler throws because of it", async () => {
    const { a } = twoProcesses();
    const { taskId } = await a.createTask();
    const ended = await execute(
      a,
      taskId,
      async ({ signal }) => {
        await fired(signal);
        signal.throwIfAborted();
      },
      { maxRunMs: 50 },
    );
    expect(ended).toMatchObject({
      status: "failed",
      statusMessage: `The run of task ${taskId} exceeded its time limit.`,
    });
  });

  it("does not fire at once for a limit of 30 days", async () => {
    const { a } = twoProcesses();
    const { taskId } = await a.createTask();
    const ended = await execute(
      a,
      taskId,
      async (context) => {
        await context.updateStatus("a turn later");
        return { aborted: context.signal.aborted };
      },
      { maxRunMs: 2_592_000_000 },
    );
    expect(ended.status).toBe("completed");
    expect(await a.getOutcome(taskId)).toEqual({ status: "completed", result: { aborted: false } });
  });
});
