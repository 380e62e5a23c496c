import { describe, expect, it } from "vitest";
import { FAULTY_DRIVERS } from "../../../../conformance/src/driver-model/faulty-drivers.ts";
import { forEachInterleaving, ScheduleFailure } from "../../../../conformance/src/scheduler/explore-schedules.ts";
import type { Play } from "../../../../conformance/src/scheduler/explore-schedules.ts";
import type { ActorResult } from "../../../../conformance/src/scheduler/scheduler.ts";
import type { TaskStore } from "../../src/index.ts";
import { ONLY, onStage, seen, withoutOutcome } from "./stage.ts";
import type { StageOptions } from "./stage.ts";

const RESULT = { status: "completed", result: { ok: true } } as const;

/** Both look at the task first, then end it. Reads and writes: eight events. */
async function lookThenFinish(store: TaskStore, taskId: string): Promise<unknown> {
  await store.getTask(taskId);
  return await store.finishTask(taskId, RESULT, { statusMessage: "finished" });
}

async function lookThenCancel(store: TaskStore, taskId: string): Promise<unknown> {
  await store.getTask(taskId);
  return await store.cancelTask(taskId, { statusMessage: "cancelled" });
}

function playEnding(options: StageOptions = {}): Play {
  return async (choose) => {
    await onStage(options, async ({ scheduler, a, b, judge }) => {
      const { taskId } = await judge.createTask();
      const run = await scheduler.run(
        { finish: () => lookThenFinish(a, taskId), cancel: () => lookThenCancel(b, taskId) },
        choose,
      );
      expect(run.stuck).toEqual([]);
      const task = await seen(judge, taskId);
      const results: Record<string, ActorResult | undefined> = run.results;
      const [winner, loser] = results.finish?.status === "fulfilled" ? ["finish", "cancel"] : ["cancel", "finish"];
      expect(task).toMatchObject(
        winner === "finish"
          ? { status: "completed", statusMessage: "finished", outcome: RESULT }
          : { status: "cancelled", statusMessage: "cancelled", outcome: { status: "cancelled" } },
      );
      expect(results[winner ?? ""]).toEqual({ status: "fulfilled", value: withoutOutcome(task) });
      expect(results[loser ?? ""]).toMatchObject({
        status: "rejected",
        reason: { code: "TASK_TERMINAL", task: withoutOutcome(task) },
      });
    });
  };
}

describe("a finish and a cancel that look first", () => {
  it("have one winner in all 70 orders, and the loser is told the state that won", async () => {
    const schedules = await forEachInterleaving(playEnding(), { only: ONLY });
    expect(new Set(schedules).size).toBe(ONLY === undefined ? 70 : 1);
  });

  it.each(["guard-open-skipped", "field-outcome-skipped"] as const)(
    "would be caught with a driver that is wrong: %s",
    async (name) => {
      const backendFault = FAULTY_DRIVERS[name];
      await expect(forEachInterleaving(playEnding({ backendFault }))).rejects.toThrow(ScheduleFailure);
    },
  );
});
