import { describe, expect, it } from "vitest";
import { cancelTask } from "../src/cancel-task.ts";
import { twoProcesses } from "./two-processes.ts";

describe("cancelTask", () => {
  it("cancels an open task, whoever works on it", async () => {
    const { a, b } = twoProcesses();
    const { taskId } = await a.createTask({ principal: "ann" });
    await a.acquireLease(taskId, { holder: "a" });
    const task = await cancelTask(b.scoped("ann"), taskId, { statusMessage: "not needed" });
    expect(task).toMatchObject({ status: "cancelled", statusMessage: "not needed" });
    expect(await a.getTask(taskId)).toEqual(task);
  });

  it.each(["completed", "cancelled"] as const)("refuses a task that is %s and carries it", async (status) => {
    const { a, b } = twoProcesses();
    const { taskId } = await a.createTask();
    const ended = await a.finishTask(taskId, status === "completed" ? { status, result: {} } : { status });
    await expect(cancelTask(b, taskId)).rejects.toMatchObject({ code: "TASK_TERMINAL", task: ended });
  });

  it("does not tell a foreign task from an unknown one", async () => {
    const { a, b } = twoProcesses();
    const { taskId } = await a.createTask({ principal: "ann" });
    await expect(cancelTask(b.scoped("bob"), taskId)).rejects.toMatchObject({ code: "TASK_NOT_FOUND" });
    await expect(cancelTask(b, "unknown")).rejects.toMatchObject({ code: "TASK_NOT_FOUND" });
  });

  it("has one winner among a cancel and an ending at the same time", async () => {
    for (let round = 0; round < 50; round += 1) {
      const { a, b } = twoProcesses();
      const { taskId } = await a.createTask();
      const [cancelled, completed] = await Promise.allSettled([
        cancelTask(a, taskId),
        b.finishTask(taskId, { status: "completed", result: {} }),
      ]);
      expect([cancelled.status, completed.status].toSorted()).toEqual(["fulfilled", "rejected"]);
    }
  });
});
