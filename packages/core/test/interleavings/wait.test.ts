import { describe, expect, it } from "vitest";
import {
  forEachInterleaving,
  forRandomPriorities,
  ScheduleFailure,
} from "../../../../conformance/src/scheduler/explore-schedules.ts";
import { delegate } from "../../../../conformance/src/driver-model/delegate.ts";
import type { Play } from "../../../../conformance/src/scheduler/explore-schedules.ts";
import type { HintListener, Task, TaskDriver, TaskStore } from "../../src/index.ts";
import { ONLY, onStage, seen } from "./stage.ts";
import type { StageOptions } from "./stage.ts";

const POLL_MS = 60_000;

interface Change {
  readonly name: string;
  readonly act: (store: TaskStore, taskId: string) => Promise<unknown>;
  /** What the waiter gets. */
  readonly wakes: object;
}

const CHANGES: readonly Change[] = [
  {
    name: "a report",
    act: (store, taskId) => store.updateTask(taskId, { statusMessage: "new" }),
    wakes: { status: "fulfilled", value: { statusMessage: "new" } },
  },
  {
    name: "a finish",
    act: (store, taskId) => store.finishTask(taskId, { status: "completed", result: {} }),
    wakes: { status: "fulfilled", value: { status: "completed" } },
  },
  {
    name: "a deletion",
    act: (store, taskId) => store.deleteTask(taskId),
    wakes: { status: "rejected", reason: { code: "TASK_NOT_FOUND" } },
  },
];

/** A waits, B changes the task at any point of that; whether the change comes from A's process makes a difference. */
function playWait(change: Change, from: "a" | "b", options: StageOptions = {}): Play {
  return async (choose) => {
    await onStage(options, async ({ scheduler, time, judge, ...stores }) => {
      const task: Task = await judge.createTask();
      const startMs = time.nowMs;
      const run = await scheduler.run(
        {
          wait: () => stores.a.waitForUpdate(task.taskId, { since: task.revision }),
          change: () => change.act(stores[from], task.taskId),
        },
        choose,
      );
      expect(run.stuck).toEqual([]);
      expect(run.results.wait).toMatchObject(change.wakes);
      // Where hints work nobody waits for the poll; where they do not, one poll is enough.
      const hinted = scheduler.hints !== "drop" && !run.schedule.includes("!drop");
      expect(time.nowMs - startMs).toBeLessThanOrEqual(hinted ? 0 : POLL_MS);
    });
  };
}

const HINTS: readonly (readonly [string, StageOptions])[] = [
  ["hints as events", {}],
  ["hints at once", { scheduler: { hints: "pass" } }],
  ["no hints", { scheduler: { hints: "drop" } }],
  ["one hint lost, doubled or turned into a gap", { scheduler: { faults: ["drop", "double", "gap"] } }],
];

const LIMIT = { limit: 5_000, only: ONLY };
const RANDOM = { seed: 1, schedules: 60, only: ONLY };

describe.each(HINTS)("a change at a random point of a wait wakes it: %s", (_name, options) => {
  it.each(CHANGES)("$name of another process", async (change) => {
    expect(await forRandomPriorities(playWait(change, "b", options), RANDOM)).not.toHaveLength(0);
  });

  it.each(CHANGES)("$name of the same process", async (change) => {
    expect(await forRandomPriorities(playWait(change, "a", options), RANDOM)).not.toHaveLength(0);
  });
});

const [REPORT] = CHANGES;
if (REPORT === undefined) throw new Error("no change");

it.each(HINTS.filter(([name]) => name !== "one hint lost, doubled or turned into a gap"))(
  "a change at every point of a wait wakes it: %s",
  async (_name, options) => {
    const schedules = await forEachInterleaving(playWait(REPORT, "b", options), LIMIT);
    expect(schedules.length).toBeGreaterThanOrEqual(ONLY === undefined ? 70 : 1);
  },
);

/** Says that it listens before it does. */
function listensLate(driver: TaskDriver): TaskDriver {
  const { hints } = driver;
  if (hints === undefined) return driver;
  let listens = false;
  const late = (listener: HintListener): HintListener => ({
    onHint: (taskIds) => (listens ? listener.onHint(taskIds) : undefined),
    onGap: () => listener.onGap(),
  });
  return {
    ...delegate(driver),
    read: async (...call) => {
      const answer = await driver.read(...call);
      // By chance it is ready after the first read that follows.
      listens ||= call[0].length > 0 && call[0][0] !== "none";
      return answer;
    },
    hints: { publish: (taskIds) => hints.publish(taskIds), subscribe: (listener) => hints.subscribe(late(listener)) },
  };
}

/** Keeps the first answer to a question for good. */
function remembers(driver: TaskDriver): TaskDriver {
  const known = new Map<string, Awaited<ReturnType<TaskDriver["read"]>>>();
  return {
    ...delegate(driver),
    async read(taskIds, options) {
      const key = taskIds.join();
      const answer = known.get(key) ?? (await driver.read(taskIds, options));
      known.set(key, answer);
      return answer;
    },
  };
}

describe("a wait that could be missed would be caught", () => {
  it.each([
    ["hints that are lost before the subscription stands", { handleFault: listensLate }],
    ["an old reading", { handleFault: remembers }],
  ])("%s", async (_name, options) => {
    await expect(forEachInterleaving(playWait(REPORT, "b", options), LIMIT)).rejects.toThrow(ScheduleFailure);
  });

  it("hints that say nothing", async () => {
    const silent = (driver: TaskDriver): TaskDriver => ({
      ...delegate(driver),
      ...(driver.hints && { hints: { ...driver.hints, publish: async () => {} } }),
    });
    await expect(forEachInterleaving(playWait(REPORT, "b", { handleFault: silent }), LIMIT)).rejects.toThrow(
      ScheduleFailure,
    );
  });
});

it("a loop of waits sees the last of many changes, and revisions only rise", async () => {
  const schedules = await forRandomPriorities(
    async (choose) => {
      await onStage({ scheduler: { hints: "pass" } }, async ({ scheduler, a, b, judge }) => {
        const first = await judge.createTask();
        const revisions: number[] = [first.revision];
        const follow = async (): Promise<void> => {
          for (let since = first.revision; ;) {
            const next = await a.waitForUpdate(first.taskId, { since });
            if (next === undefined) continue;
            revisions.push(next.revision);
            if (next.status === "completed") return;
            since = next.revision;
          }
        };
        const change = async (): Promise<void> => {
          await b.updateTask(first.taskId, { statusMessage: "1" });
          await b.finishTask(first.taskId, { status: "completed", result: {} });
        };
        const run = await scheduler.run({ follow, change }, choose);
        expect(run.stuck).toEqual([]);
        expect(revisions).toEqual([...new Set(revisions)].toSorted((x, y) => x - y));
        expect(revisions.at(-1)).toBe((await seen(judge, first.taskId)).revision);
      });
    },
    { ...RANDOM, schedules: 200 },
  );
  expect(schedules).not.toHaveLength(0);
});
