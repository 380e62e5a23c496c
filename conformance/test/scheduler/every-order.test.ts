import type { TaskDriver, TaskRecord } from "@mcp-task-store/core";
import { afterEach, describe, expect, it } from "vitest";
import { createMemoryBackend, createMemoryDriver } from "../../../packages/memory/src/index.ts";
import { forEachInterleaving, replaySchedule, ScheduleFailure } from "../../src/scheduler/explore-schedules.ts";
import type { Play } from "../../src/scheduler/explore-schedules.ts";
import { scheduled } from "../../src/scheduler/scheduled-driver.ts";
import { Scheduler } from "../../src/scheduler/scheduler.ts";
import { VirtualTime } from "../../src/scheduler/virtual-time.ts";
import type { Chooser, ScheduledRun, SchedulerOptions } from "../../src/scheduler/scheduler.ts";

const FAR = Number.MAX_SAFE_INTEGER;

/** Two handles on one backend that holds one task, "t". */
async function twoHandles(options: SchedulerOptions = {}): Promise<{
  readonly scheduler: Scheduler;
  readonly a: TaskDriver;
  readonly b: TaskDriver;
  readonly backend: TaskDriver;
}> {
  const backend = createMemoryBackend();
  const scheduler = new Scheduler(options);
  const driver = createMemoryDriver({ backend });
  await driver.insert({
    taskId: "t",
    createId: "c",
    scope: null,
    generation: null,
    statusMessage: "0",
    ttlMs: null,
    pollIntervalMs: 1,
    claimInMs: 1,
    metadata: null,
    request: null,
    notAfterUs: FAR,
  });
  const open = (): TaskDriver => scheduled(createMemoryDriver({ backend }), scheduler);
  return { scheduler, a: open(), b: open(), backend: driver };
}

async function only(driver: TaskDriver): Promise<TaskRecord> {
  const [row] = (await driver.read(["t"])).rows;
  if (row === undefined) throw new Error("the task is gone");
  return row;
}

/** Reads a number and writes the next one, without a guard: the lost update that schedules must find. */
async function addOne(driver: TaskDriver, writeId: string): Promise<void> {
  const { statusMessage } = await only(driver);
  const then = { set: { statusMessage: String(Number(statusMessage) + 1) } };
  await driver.write({ taskId: "t", writeId, notAfterUs: FAR, alternatives: [{ when: {}, then }] });
}

async function writeOnce(driver: TaskDriver, writeId: string): Promise<unknown> {
  const alternatives = [{ when: { open: true }, then: { set: { status: "completed" } } }] as const;
  return await driver.write({ taskId: "t", writeId, notAfterUs: FAR, alternatives });
}

/** Two read-then-write actors; notes what they leave behind. */
function playAdding(outcomes: string[]): Play {
  return async (choose) => {
    const { scheduler, a, b, backend } = await twoHandles();
    await scheduler.run({ a: () => addOne(a, "a"), b: () => addOne(b, "b") }, choose);
    outcomes.push((await only(backend)).statusMessage ?? "");
  };
}

async function runTwoWrites(options: SchedulerOptions, choose: Chooser): Promise<ScheduledRun> {
  const { scheduler, a, b } = await twoHandles(options);
  return await scheduler.run({ a: () => writeOnce(a, "a"), b: () => writeOnce(b, "b") }, choose);
}

describe("forEachInterleaving", () => {
  it("plays the six orders of two calls", async () => {
    const schedules = await forEachInterleaving(async (choose) => {
      const run = await runTwoWrites({}, choose);
      expect(run.stuck).toEqual([]);
    });
    expect(schedules.toSorted()).toEqual([
      "A.go A.back B.go B.back",
      "A.go B.go A.back B.back",
      "A.go B.go B.back A.back",
      "B.go A.go A.back B.back",
      "B.go A.go B.back A.back",
      "B.go B.back A.go A.back",
    ]);
  });

  it("plays the 70 orders of two reads with a write each, and meets the lost update", async () => {
    const outcomes: string[] = [];
    const schedules = await forEachInterleaving(playAdding(outcomes));
    expect(new Set(schedules).size).toBe(70);
    // An update is kept only where one write commits before the other's read does.
    const kept = schedules.filter((schedule) => {
      const commits = schedule.split(" ").flatMap((token) => (token.endsWith(".go") ? [token[0]] : []));
      return ["AABB", "BBAA"].includes(commits.join(""));
    });
    expect(outcomes.filter((outcome) => outcome === "2")).toHaveLength(kept.length);
    expect(kept.length).toBeGreaterThan(0);
    expect(outcomes.filter((outcome) => outcome === "1")).toHaveLength(70 - kept.length);
  });

  it("names the schedule of a failure, which replays it", async () => {
    const play: Play = async (choose) => {
      const outcomes: string[] = [];
      await playAdding(outcomes)(choose);
      expect(outcomes).toEqual(["2"]);
    };
    const failure = await forEachInterleaving(play).catch((error: unknown) => error);
    if (!(failure instanceof ScheduleFailure)) throw new Error("no schedule failed", { cause: failure });
    expect(failure.message).toContain(failure.schedule);
    await expect(replaySchedule(failure.schedule, play)).rejects.toThrow(ScheduleFailure);
    await expect(forEachInterleaving(play, { only: failure.schedule })).rejects.toThrow(ScheduleFailure);
    await expect(replaySchedule("A.go A.back A.go A.back B.go B.back B.go B.back", play)).resolves.toBeUndefined();
  });

  it("refuses to claim all orders when there are too many", async () => {
    await expect(forEachInterleaving(playAdding([]), { limit: 20 })).rejects.toThrow("More than 20 schedules");
  });
});

describe("faults", () => {
  let time: VirtualTime | undefined;
  afterEach(() => {
    time?.[Symbol.dispose]();
    time = undefined;
  });

  it("come at every point, at most as often as allowed", async () => {
    const schedules = await forEachInterleaving(
      async (choose) => {
        await runTwoWrites({ faults: ["unavailable", "lost"], faultyHandles: ["A"] }, choose);
      },
      { limit: 100 },
    );
    expect(schedules.every((schedule) => schedule.split("!").length <= 2)).toBe(true);
    expect(schedules.some((schedule) => schedule.includes("A.go!unavailable"))).toBe(true);
    expect(schedules.some((schedule) => schedule.includes("A.back!lost"))).toBe(true);
    expect(schedules.some((schedule) => schedule.includes("B.go!"))).toBe(false);
  });

  it.each([
    ["A.go!unavailable B.go B.back", "STORE_UNAVAILABLE", "b"],
    ["A.go A.back!lost B.go B.back", "WRITE_OUTCOME_UNKNOWN", "a"],
    ["A.go!late B.go B.back", "WRITE_OUTCOME_UNKNOWN", "b"],
    ["A.go!late A.go B.go B.back", "WRITE_OUTCOME_UNKNOWN", "a"],
  ])("%s: the caller gets %s and %s has written", async (schedule, code, writer) => {
    await replaySchedule(schedule, async (choose) => {
      const { scheduler, a, b, backend } = await twoHandles({ faults: ["unavailable", "lost", "late"] });
      const run = await scheduler.run({ a: () => writeOnce(a, "a"), b: () => writeOnce(b, "b") }, choose);
      expect(run.results.a).toMatchObject({ status: "rejected", reason: { code } });
      expect(run.schedule).toBe(schedule);
      expect((await only(backend)).ring.map(({ writeId }) => writeId)).toEqual([writer]);
    });
  });

  it("an answer that never comes leaves its actor stuck", async () => {
    time = VirtualTime.install();
    await replaySchedule("A.go A.back!never", async (choose) => {
      const { scheduler, a } = await twoHandles({ faults: ["never"], time });
      const run = scheduler.run({ a: () => a.read(["t"]) }, choose);
      await expect(run).resolves.toMatchObject({ stuck: ["a"] });
    });
  });

  it("a caller that gives up a write on its way leaves it on its way", async () => {
    const { scheduler, a, b, backend } = await twoHandles();
    const controller = new AbortController();
    const alternatives = [{ when: { open: true }, then: { set: { status: "completed" } } }] as const;
    const actors = {
      a: async () =>
        await a.write({ taskId: "t", writeId: "a", notAfterUs: FAR, alternatives }, { signal: controller.signal }),
      b: async () => {
        controller.abort();
        return await writeOnce(b, "b");
      },
    };
    const steps = ["B.go", "A.go", "B.back"];
    const run = await scheduler.run(actors, () => steps.shift() ?? "");
    expect(run.results.a).toMatchObject({ status: "rejected", reason: { code: "WRITE_OUTCOME_UNKNOWN" } });
    expect(run.results.b).toMatchObject({ status: "fulfilled", value: { kind: "written" } });
    expect((await only(backend)).ring.map(({ writeId }) => writeId)).toEqual(["b"]);
  });
});
