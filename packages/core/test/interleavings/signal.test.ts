import { describe, expect, it } from "vitest";
import {
  forEachInterleaving,
  forRandomPriorities,
  ScheduleFailure,
} from "../../../../conformance/src/scheduler/explore-schedules.ts";
import { delegate } from "../../../../conformance/src/driver-model/delegate.ts";
import type { Play } from "../../../../conformance/src/scheduler/explore-schedules.ts";
import type { TaskDriver, TaskStore } from "../../src/index.ts";
import { taskExecution } from "../../src/task-execution.ts";
import { ONLY, onStage, seen } from "./stage.ts";
import type { StageOptions } from "./stage.ts";

const LEASE_MS = 3_600_000;
const RANDOM = { seed: 1, schedules: 200, only: ONLY };

const STOPS: readonly {
  readonly name: string;
  readonly act: (store: TaskStore, taskId: string) => Promise<unknown>;
}[] = [
  { name: "cancel", act: (store, taskId) => store.cancelTask(taskId) },
  { name: "request for cancellation", act: (store, taskId) => store.requestCancellation(taskId) },
];

/** A takes the task and works until it is told to stop; B stops it at some point of that. */
function playStop(stop: (typeof STOPS)[number], options: StageOptions = {}): Play {
  return async (choose) => {
    await onStage(options, async ({ scheduler, time, a, b, judge }) => {
      const { taskId } = await judge.createTask();
      let started = false;
      const work = async (): Promise<unknown> =>
        await taskExecution(
          a,
          taskId,
          async ({ signal }) => {
            started = true;
            if (!signal.aborted)
              await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
          },
          { leaseMs: LEASE_MS },
        );
      const startMs = time.nowMs;
      const run = await scheduler.run({ work, stop: () => stop.act(b, taskId) }, choose);
      expect(run.stuck).toEqual([]);
      expect(run.results.stop).toMatchObject({ status: "fulfilled" });
      expect(await seen(judge, taskId)).toMatchObject({ status: "cancelled" });
      // Stopped before it began, it is refused; otherwise the handler hears of it, by hint or by one safety poll.
      expect(run.results.work).toMatchObject(
        started
          ? { status: "fulfilled", value: { status: "cancelled" } }
          : { status: "rejected", reason: { code: "TASK_TERMINAL" } },
      );
      expect(time.nowMs - startMs).toBeLessThanOrEqual(scheduler.hints === "drop" ? 60_000 : 0);
    });
  };
}

it("a cancel reaches the worker at every point of its start", async () => {
  const [cancel] = STOPS;
  if (cancel === undefined) throw new Error("no stop");
  const play = playStop(cancel, { scheduler: { hints: "drop" } });
  expect(await forEachInterleaving(play, { limit: 5_000, only: ONLY })).not.toHaveLength(0);
});

describe.each(STOPS)("a $name reaches the worker, wherever it falls in its start", (stop) => {
  it("with hints", async () => {
    expect(await forRandomPriorities(playStop(stop), RANDOM)).not.toHaveLength(0);
  });

  it("without hints, by the safety poll", async () => {
    expect(await forRandomPriorities(playStop(stop, { scheduler: { hints: "drop" } }), RANDOM)).not.toHaveLength(0);
  });

  it("would be caught if the watch began only with what comes next", async () => {
    const play = playStop(stop, { handleFault: showsChangesOnly, scheduler: { hints: "drop" } });
    await expect(forRandomPriorities(play, { seed: 1, schedules: 200 })).rejects.toThrow(ScheduleFailure);
  });
});

/** What was read of a task once is what it still is: a change before the first reading of the watch goes unseen. */
function showsChangesOnly(driver: TaskDriver): TaskDriver {
  let leased: Awaited<ReturnType<TaskDriver["write"]>> | undefined;
  return {
    ...delegate(driver),
    async write(write, options) {
      const answer = await driver.write(write, options);
      leased ??= answer;
      return answer;
    },
    async read(taskIds, options) {
      const { rows, nowUs } = await driver.read(taskIds, options);
      const known = leased !== undefined && leased.kind !== "gone" ? leased.row : undefined;
      return { rows: rows.map((row) => (known?.taskId === row.taskId && known.lease !== null ? known : row)), nowUs };
    },
  };
}
