import { describe, expect, it } from "vitest";
import { delegate } from "../../../../conformance/src/driver-model/delegate.ts";
import { forEachInterleaving, ScheduleFailure } from "../../../../conformance/src/scheduler/explore-schedules.ts";
import type { Play } from "../../../../conformance/src/scheduler/explore-schedules.ts";
import type { TaskDriver } from "../../src/index.ts";
import { ONLY, onStage } from "./stage.ts";
import type { StageOptions } from "./stage.ts";

const RESULT = { status: "completed", result: {} } as const;

/** Names a refusal from a second reading of the task, in which the command may be allowed. */
function readsAgainOnRefusal(driver: TaskDriver): TaskDriver {
  return {
    ...delegate(driver),
    async write(write, options) {
      const answer = await driver.write(write, options);
      if (answer.kind !== "refused") return answer;
      const { rows, nowUs } = await driver.read([write.taskId], options);
      const [row] = rows;
      return row === undefined ? { kind: "gone" } : { kind: "refused", row, nowUs };
    },
  };
}

/** An unleased finish while the holder gives its lease back. */
function playRelease(options: StageOptions = {}): Play {
  return async (choose) => {
    await onStage(options, async ({ scheduler, a, b, judge }) => {
      const { taskId } = await judge.createTask();
      const lease = await judge.acquireLease(taskId, { holder: "b" });
      if (lease === undefined) throw new Error("no lease");
      const run = await scheduler.run(
        { finish: () => a.finishTask(taskId, RESULT), release: () => b.releaseLease(taskId, lease.token) },
        choose,
      );
      expect(run.results.release).toMatchObject({ status: "fulfilled" });
      const held = run.schedule.indexOf("A.go") < run.schedule.indexOf("B.go");
      expect(run.results.finish).toMatchObject(
        held
          ? { status: "rejected", reason: { code: "LEASE_LOST" } }
          : { status: "fulfilled", value: { status: "completed" } },
      );
      expect(run.schedule.match(/A\.go/g)).toHaveLength(1);
    });
  };
}

/** A finish that comes too late, while the task is deleted. */
function playDelete(options: StageOptions = {}): Play {
  return async (choose) => {
    await onStage(options, async ({ scheduler, a, b, judge }) => {
      const { taskId } = await judge.createTask();
      const cancelled = await judge.cancelTask(taskId);
      const run = await scheduler.run(
        { finish: () => a.finishTask(taskId, RESULT), remove: () => b.deleteTask(taskId) },
        choose,
      );
      expect(run.results.remove).toEqual({ status: "fulfilled", value: true });
      const there = run.schedule.indexOf("A.go") < run.schedule.indexOf("B.go");
      expect(run.results.finish).toMatchObject({
        status: "rejected",
        reason: there ? { code: "TASK_TERMINAL", task: cancelled } : { code: "TASK_NOT_FOUND" },
      });
    });
  };
}

describe.each([
  ["a lease given back meanwhile", playRelease],
  ["a task deleted meanwhile", playDelete],
])("a refusal is named from the row that the guards saw: %s", (_name, play) => {
  it("in all six orders", async () => {
    const schedules = await forEachInterleaving(play(), { only: ONLY });
    expect(schedules).toHaveLength(ONLY === undefined ? 6 : 1);
  });

  it("would be caught if it were read again", async () => {
    await expect(forEachInterleaving(play({ handleFault: readsAgainOnRefusal }))).rejects.toThrow(ScheduleFailure);
  });
});
