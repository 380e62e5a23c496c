import { describe, expect, it } from "vitest";
import { FAULTY_DRIVERS } from "../../../../conformance/src/driver-model/faulty-drivers.ts";
import { forEachInterleaving, ScheduleFailure } from "../../../../conformance/src/scheduler/explore-schedules.ts";
import type { Play } from "../../../../conformance/src/scheduler/explore-schedules.ts";
import type { TaskStore } from "../../src/index.ts";
import { clockSetBack, inTurn, ONLY, onStage, seen } from "./stage.ts";
import type { StageOptions } from "./stage.ts";

const RESULT = { status: "completed", result: { ok: true } } as const;
const FAULTS = { faults: ["lost", "late", "unavailable"], faultyHandles: ["A"] } as const;

/** A's finish meets one fault at any point; B cancels at any time. */
function playFinish(options: StageOptions = {}): Play {
  return async (choose) => {
    await onStage({ scheduler: FAULTS, ...options }, async ({ scheduler, a, b, judge, commits }) => {
      const { taskId } = await judge.createTask();
      const run = await scheduler.run(
        { finish: () => a.finishTask(taskId, RESULT), cancel: () => b.cancelTask(taskId) },
        choose,
      );
      expect(run.stuck).toEqual([]);
      // There is time to look: so nobody is left with "unknown", and nobody is told of the wrong winner.
      const { status } = await seen(judge, taskId);
      const [mine, theirs] = status === "completed" ? (["finish", "cancel"] as const) : (["cancel", "finish"] as const);
      expect(run.results[mine]).toMatchObject({ status: "fulfilled", value: { status } });
      expect(run.results[theirs]).toMatchObject({
        status: "rejected",
        reason: { code: "TASK_TERMINAL", task: { status } },
      });
      expect(commits).toHaveLength(1);
    });
  };
}

describe("a finish whose answer is lost", () => {
  it("is fulfilled if it won, and TASK_TERMINAL if a cancel did, wherever the fault strikes", async () => {
    const schedules = await forEachInterleaving(playFinish(), { only: ONLY });
    for (const fault of ["A.back!lost", "A.go!late", "A.go!unavailable"]) {
      expect(schedules.some((schedule) => schedule.includes(fault))).toBe(ONLY?.includes(fault) ?? true);
    }
  });

  it("would be misreported by a driver whose ring does not know it", async () => {
    const backendFault = FAULTY_DRIVERS["write-twice"];
    await expect(forEachInterleaving(playFinish({ backendFault }))).rejects.toThrow(ScheduleFailure);
  });
});

/**
 * A's report is applied and its answer lost, or not sent at all; B reports `others` times; then A looks. A has seen the
 * task before, unless it comes `unseen`.
 */
async function reportThrough(
  fault: "A.back!lost" | "A.go!unavailable" | "A.go!late",
  others: number,
  {
    before = 0,
    unseen = false,
    ...faults
  }: Pick<StageOptions, "backendFault" | "handleFault"> & {
    readonly before?: number;
    readonly unseen?: boolean;
  } = {},
): Promise<unknown> {
  let result: unknown;
  await onStage({ scheduler: FAULTS, ...faults }, async ({ scheduler, time, a, b, judge, commits }) => {
    const { taskId } = await judge.createTask();
    for (let count = 1; count <= before; count += 1)
      await judge.updateTask(taskId, { statusMessage: `before ${count}` });
    if (!unseen) await a.getTask(taskId);
    await a.getTask("none");
    const startMs = time.nowMs;
    const reportOthers = async (): Promise<void> => {
      for (let count = 1; count <= others; count += 1) await b.updateTask(taskId, { statusMessage: `other ${count}` });
    };
    const first = fault === "A.back!lost" ? ["A.go", fault] : [fault];
    const later = inTurn("B", "A");
    const run = await scheduler.run(
      { report: () => a.updateTask(taskId, { statusMessage: "mine" }), reportOthers },
      (tokens) => first.shift() ?? later(tokens),
    );
    const landed = commits.filter(({ write }) => write.alternatives[0]?.then.set?.statusMessage === "mine").length;
    result = { landed, prompt: time.nowMs - startMs < 1_000, ...run.results.report };
  });
  return result;
}

describe("a report whose answer was lost, after other writes", () => {
  it.each([0, 1, 7])("%i of them: the ring knows that it landed", async (others) => {
    expect(await reportThrough("A.back!lost", others)).toMatchObject({ status: "fulfilled", landed: 1 });
  });

  it.each([8, 9, 30])("%i of them: the ring cannot tell any more", async (others) => {
    expect(await reportThrough("A.back!lost", others)).toMatchObject({
      status: "rejected",
      landed: 1,
      reason: { code: "WRITE_OUTCOME_UNKNOWN" },
    });
  });

  it.each([
    ["report", async (store: TaskStore, taskId: string) => await store.updateTask(taskId, { statusMessage: "mine" })],
    ["finish", async (store: TaskStore, taskId: string) => await store.finishTask(taskId, RESULT)],
  ] as const)("is looked up in a ring that others filled just before the call, too: %s", async (_name, act) => {
    await onStage({ scheduler: { ...FAULTS, maxEarlyTime: 1 } }, async ({ scheduler, time, a, b, judge, commits }) => {
      const { taskId } = await judge.createTask();
      for (let count = 1; count <= 8; count += 1) await b.updateTask(taskId, { statusMessage: `before ${count}` });
      await a.getTask(taskId);
      time.advance(1_000);
      const first = ["A.go!late", "time", "A.go~2"];
      const run = await scheduler.run({ act: () => act(a, taskId) }, (tokens) => first.shift() ?? inTurn("A")(tokens));
      // Nobody wrote since A saw the task: the ring reaches back far enough.
      expect(run.results.act).toMatchObject({ status: "fulfilled" });
      expect(commits).toHaveLength(9);
    });
  });

  it("that the ring cannot tell of is given up at the first look: no later one can tell more", async () => {
    expect(await reportThrough("A.back!lost", 8)).toMatchObject({
      prompt: true,
      reason: { code: "WRITE_OUTCOME_UNKNOWN" },
    });
  });

  it("of a task that was deleted since is given up at the first look", async () => {
    await onStage({ scheduler: FAULTS }, async ({ scheduler, time, a, b, judge }) => {
      const { taskId } = await judge.createTask();
      const startMs = time.nowMs;
      const first = ["A.go", "A.back!lost"];
      const run = await scheduler.run(
        { report: () => a.updateTask(taskId, { statusMessage: "mine" }), remove: () => b.deleteTask(taskId) },
        (tokens) => first.shift() ?? inTurn("B", "A")(tokens),
      );
      expect(run.results.report).toMatchObject({ status: "rejected", reason: { code: "WRITE_OUTCOME_UNKNOWN" } });
      expect(time.nowMs - startMs).toBeLessThan(1_000);
    });
  });

  it.each([
    ["report", async (store: TaskStore, taskId: string) => await store.updateTask(taskId, { statusMessage: "mine" })],
    ["finish", async (store: TaskStore, taskId: string) => await store.finishTask(taskId, RESULT)],
  ] as const)(
    "of a task that was made anew since leaves the new one alone, whatever the clock: %s",
    async (_name, act) => {
      await onStage({ scheduler: FAULTS, handleFault: clockSetBack }, async (stage) => {
        const { scheduler, a, b, judge } = stage;
        const { taskId } = await judge.createTask();
        await a.getTask(taskId);
        await a.getTask("none");
        const renew = async (): Promise<void> => {
          await b.deleteTask(taskId);
          await b.createTask({ taskId });
        };
        const first = ["A.go", "A.back!lost"];
        const run = await scheduler.run(
          { act: () => act(a, taskId), renew },
          (tokens) => first.shift() ?? inTurn("B", "A")(tokens),
        );
        expect(run.results.act).toMatchObject({ status: "rejected", reason: { code: "WRITE_OUTCOME_UNKNOWN" } });
        expect(await stage.row(taskId)).toMatchObject({ status: "working", statusMessage: null, ring: [] });
      });
    },
  );

  it("that would be applied twice by a driver that does not ask whether the ring can tell", async () => {
    const backendFault = FAULTY_DRIVERS["ring-cannot-tell-ignored"];
    expect(await reportThrough("A.back!lost", 8, { backendFault })).not.toMatchObject({ landed: 1 });
  });

  it.each([8, 9, 30])("%i of them: nor can a clock tell that was set back since it was read", async (others) => {
    for (const before of [0, 8]) {
      expect(await reportThrough("A.back!lost", others, { before, handleFault: clockSetBack })).toMatchObject({
        status: "rejected",
        landed: 1,
        reason: { code: "WRITE_OUTCOME_UNKNOWN" },
      });
    }
  });

  it.each([0, 7])("%i of them: the ring knows that it landed, whatever the clock did", async (others) => {
    const told = await reportThrough("A.back!lost", others, { before: 8, handleFault: clockSetBack });
    expect(told).toMatchObject({ status: "fulfilled", landed: 1 });
  });

  it("is answered from the ring for a process that never saw the task, too", async () => {
    const told = await reportThrough("A.back!lost", 7, { unseen: true });
    expect(told).toMatchObject({ status: "fulfilled", landed: 1 });
  });

  it.each([1, 7])(
    "%i of them: a ring that never was full tells such a process that its write got lost",
    async (others) => {
      const told = await reportThrough("A.go!late", others, { unseen: true });
      expect(told).toMatchObject({ status: "fulfilled", landed: 1 });
    },
  );

  it("remains unknown to such a process where eight others had written before", async () => {
    const told = await reportThrough("A.go!late", 1, { before: 8, unseen: true });
    expect(told).toMatchObject({ status: "rejected", landed: 0, reason: { code: "WRITE_OUTCOME_UNKNOWN" } });
  });

  it("is sent anew by such a process that loses no answer", async () => {
    const told = await reportThrough("A.go!unavailable", 1, { before: 8, unseen: true });
    expect(told).toMatchObject({ status: "fulfilled", landed: 1 });
  });

  it.each([0, 7, 8, 30])("%i of them: one that certainly was not sent is simply sent again", async (others) => {
    expect(await reportThrough("A.go!unavailable", others)).toMatchObject({ status: "fulfilled", landed: 1 });
  });
});
