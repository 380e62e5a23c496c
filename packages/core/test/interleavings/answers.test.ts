import { describe, expect, it } from "vitest";
import { FAULTY_DRIVERS } from "../../../../conformance/src/driver-model/faulty-drivers.ts";
import { forEachInterleaving, ScheduleFailure } from "../../../../conformance/src/scheduler/explore-schedules.ts";
import type { Play } from "../../../../conformance/src/scheduler/explore-schedules.ts";
import { ONLY, onStage, seen } from "./stage.ts";
import type { Stage, StageOptions } from "./stage.ts";

const QUESTION = { method: "elicitation/create", params: { message: "?" } };

async function asked(judge: Stage["judge"]): Promise<string> {
  const { taskId } = await judge.createTask();
  await judge.requestInputs(taskId, { k1: QUESTION, k2: QUESTION });
  return taskId;
}

function playTwoKeys(options: StageOptions = {}): Play {
  return async (choose) => {
    await onStage(options, async ({ scheduler, a, b, judge, commits }) => {
      const taskId = await asked(judge);
      const run = await scheduler.run(
        {
          a: () => a.answerInputs(taskId, { k1: { from: "a" } }),
          b: () => b.answerInputs(taskId, { k2: { from: "b" } }),
        },
        choose,
      );
      expect(run.results).toMatchObject({ a: { status: "fulfilled" }, b: { status: "fulfilled" } });
      const task = await seen(judge, taskId);
      expect(task.status).toBe("working");
      expect(task.inputs).toMatchObject({ k1: { response: { from: "a" } }, k2: { response: { from: "b" } } });
      expect(task.claimBy).toBeDefined();
      const statuses = commits.map(({ before, after }) => `${before.status} → ${after.status}`);
      expect(statuses).toEqual(["input_required → input_required", "input_required → working"]);
    });
  };
}

function playOneKey(options: StageOptions = {}): Play {
  return async (choose) => {
    await onStage(options, async ({ scheduler, a, b, judge, commits }) => {
      const { taskId } = await judge.createTask();
      await judge.requestInputs(taskId, { k: QUESTION });
      const run = await scheduler.run(
        {
          a: () => a.answerInputs(taskId, { k: { from: "a" } }),
          b: () => b.answerInputs(taskId, { k: { from: "b" } }),
        },
        choose,
      );
      expect(run.results).toMatchObject({ a: { status: "fulfilled" }, b: { status: "fulfilled" } });
      expect(commits).toHaveLength(1);
      const { status, inputs } = await seen(judge, taskId);
      for (const result of [run.results.a, run.results.b]) expect(result).toMatchObject({ value: { inputs } });
      expect(status).toBe("working");
    });
  };
}

function playReport(options: StageOptions = {}): Play {
  return async (choose) => {
    await onStage(options, async ({ scheduler, a, b, judge }) => {
      const taskId = await asked(judge);
      const run = await scheduler.run(
        {
          answer: () => a.answerInputs(taskId, { k1: { from: "a" } }),
          report: () => b.updateTask(taskId, { statusMessage: "on" }),
        },
        choose,
      );
      expect(run.results).toMatchObject({ answer: { status: "fulfilled" }, report: { status: "fulfilled" } });
      expect(run.schedule.match(/A\.go/g)).toHaveLength(2);
      expect(await seen(judge, taskId)).toMatchObject({
        statusMessage: "on",
        inputs: { k1: { response: { from: "a" } } },
      });
    });
  };
}

describe("answers from two processes", () => {
  it("to different keys both land, and the task resumes exactly once", async () => {
    const schedules = await forEachInterleaving(playTwoKeys(), { only: ONLY });
    expect(schedules.length).toBeGreaterThanOrEqual(ONLY === undefined ? 70 : 1);
  });

  it("to one key: the first stays, both are told the same", async () => {
    expect(await forEachInterleaving(playOneKey(), { only: ONLY })).not.toHaveLength(0);
  });

  it("never conflict with a report: two round trips in every order", async () => {
    const schedules = await forEachInterleaving(playReport(), { only: ONLY });
    expect(schedules).toHaveLength(ONLY === undefined ? 15 : 1);
  });

  it.each([
    ["to different keys", playTwoKeys],
    ["to one key", playOneKey],
  ])("%s would be lost with a driver that skips expectedInputs", async (_name, play) => {
    const backendFault = FAULTY_DRIVERS["guard-expectedInputs-skipped"];
    await expect(forEachInterleaving(play({ backendFault }))).rejects.toThrow(ScheduleFailure);
  });
});
