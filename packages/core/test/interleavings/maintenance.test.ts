import { describe, expect, it } from "vitest";
import { delegate } from "../../../../conformance/src/driver-model/delegate.ts";
import { FAULTY_DRIVERS } from "../../../../conformance/src/driver-model/faulty-drivers.ts";
import { forEachInterleaving, ScheduleFailure } from "../../../../conformance/src/scheduler/explore-schedules.ts";
import type { Play } from "../../../../conformance/src/scheduler/explore-schedules.ts";
import type { TaskDriver } from "../../src/index.ts";
import { ONLY, onStage, seen } from "./stage.ts";
import type { Stage, StageOptions } from "./stage.ts";

const LEASE_MS = 1_000;

/** A task whose worker is lost. */
async function lapsed({ judge, backend }: Stage): Promise<string> {
  const { taskId } = await judge.createTask();
  const lease = await judge.acquireLease(taskId, { holder: "lost", leaseMs: LEASE_MS });
  if (lease === undefined) throw new Error("no lease");
  backend.advance(LEASE_MS);
  return taskId;
}

/** A maintains a lapsed task while B takes it. */
function playAcquire(options: StageOptions = {}): Play {
  return async (choose) => {
    await onStage(options, async (stage) => {
      const { scheduler, a, b, judge } = stage;
      const taskId = await lapsed(stage);
      const run = await scheduler.run(
        { maintain: () => a.maintain(), acquire: () => b.acquireLease(taskId, { holder: "b" }) },
        choose,
      );
      const task = await seen(judge, taskId);
      if (task.status === "failed") {
        expect(run.results).toMatchObject({
          maintain: { value: { failed: 1 } },
          acquire: { status: "fulfilled", value: undefined },
        });
      } else {
        expect(task).toMatchObject({ status: "working", lease: { holder: "b" } });
        expect(run.results).toMatchObject({ maintain: { value: { failed: 0 } }, acquire: { value: { holder: "b" } } });
      }
    });
  };
}

/** A and B maintain the same lapsed task, and one that nobody claims. */
function playTwice(announced: string[], options: StageOptions = {}): Play {
  return async (choose) => {
    announced.length = 0;
    const store = {
      orphanPolicy: "release",
      onOrphan: ({ taskId }: { readonly taskId: string }) => void announced.push(taskId),
    } as const;
    await onStage({ store, ...options }, async (stage) => {
      const { scheduler, a, b, judge, backend } = stage;
      const taskId = await lapsed(stage);
      const unclaimed = await judge.createTask();
      backend.advance(400_000);
      await scheduler.run({ a: () => a.maintain(), b: () => b.maintain() }, choose);
      expect(announced.toSorted()).toEqual([taskId, unclaimed.taskId].toSorted());
      expect(await seen(judge, taskId)).toMatchObject({ status: "working", attempts: 1 });
    });
  };
}

/** A maintains an expired task while B makes a new one under its id. */
function playReborn(options: StageOptions = {}): Play {
  return async (choose) => {
    await onStage(options, async ({ scheduler, a, b, judge, backend }) => {
      const { taskId } = await judge.createTask({ taskId: "reborn", ttlMs: 1_000 });
      backend.advance(1_000);
      const run = await scheduler.run(
        { maintain: () => a.maintain(), create: () => b.createTask({ taskId, statusMessage: "new" }) },
        choose,
      );
      expect(run.results).toMatchObject({ create: { status: "fulfilled" } });
      expect(await seen(judge, taskId)).toMatchObject({ statusMessage: "new" });
    });
  };
}

/** Selects expired tasks in one step and deletes them by their ids in another. */
function purgesById(driver: TaskDriver): TaskDriver {
  return {
    ...delegate(driver),
    async due(limit, holdMs, options) {
      const answer = await driver.due(limit, holdMs, options);
      for (const taskId of answer.purged)
        await driver.remove({ taskId, notAfterUs: answer.nowUs + 60_000_000 }, options);
      return answer;
    },
  };
}

describe("maintenance looks again before it acts", () => {
  it("a lapsed task that is taken between the look and the recovery stays with its new worker", async () => {
    const schedules = await forEachInterleaving(playAcquire(), { only: ONLY });
    // Two calls of the maintenance and one of the worker; one call where nothing is due any more.
    expect(schedules.length).toBeGreaterThanOrEqual(ONLY === undefined ? 11 : 1);
  });

  it("would be caught if it did not", async () => {
    const backendFault = FAULTY_DRIVERS["guard-lease-skipped"];
    await expect(forEachInterleaving(playAcquire({ backendFault }))).rejects.toThrow(ScheduleFailure);
  });

  it("two processes release and announce a task once", async () => {
    expect(await forEachInterleaving(playTwice([]), { limit: 1_000, only: ONLY })).not.toHaveLength(0);
  });

  it("would be caught if both announced it", async () => {
    const backendFault = (driver: TaskDriver): TaskDriver => ({
      ...delegate(driver),
      due: (limit, _holdMs, options) => driver.due(limit, 0, options),
      write: (write, options) =>
        driver.write(
          { ...write, alternatives: write.alternatives.map(({ then }) => ({ when: { open: true }, then })) },
          options,
        ),
    });
    await expect(forEachInterleaving(playTwice([], { backendFault }), { limit: 1_000 })).rejects.toThrow(
      ScheduleFailure,
    );
  });

  it("a task reborn under the id of an expired one survives", async () => {
    const schedules = await forEachInterleaving(playReborn(), { only: ONLY });
    expect(schedules).toHaveLength(ONLY === undefined ? 6 : 1);
  });

  it("would be caught if expired tasks were purged by id", async () => {
    await expect(forEachInterleaving(playReborn({ handleFault: purgesById }))).rejects.toThrow(ScheduleFailure);
  });
});
