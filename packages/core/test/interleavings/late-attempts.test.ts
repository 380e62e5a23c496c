import { describe, expect, it } from "vitest";
import { FAULTY_DRIVERS } from "../../../../conformance/src/driver-model/faulty-drivers.ts";
import {
  forEachInterleaving,
  forRandomPriorities,
  replaySchedule,
  ScheduleFailure,
} from "../../../../conformance/src/scheduler/explore-schedules.ts";
import type { Play } from "../../../../conformance/src/scheduler/explore-schedules.ts";
import { clockSetBack, inTurn, ONLY, onStage, seen } from "./stage.ts";
import type { StageOptions } from "./stage.ts";

const RESULT = { status: "completed", result: { ok: true } } as const;

/** A's finish is held on its way until A has given up, and another `delayMs`; then it arrives. */
async function arriveAfter(delayMs: number, options: StageOptions = {}): Promise<unknown> {
  let outcome: unknown;
  await onStage({ scheduler: { maxEarlyTime: 10 }, ...options }, async ({ scheduler, a, judge, commits }) => {
    const { taskId } = await judge.createTask();
    const wait = async (): Promise<void> => {
      await new Promise((resolve) => setTimeout(resolve, 100 + delayMs));
    };
    const finish = async (): Promise<unknown> => await a.finishTask(taskId, RESULT, { timeoutMs: 100 });
    // Time passes before A.go; what was given up arrives when both actors have settled.
    const run = await scheduler.run({ finish, wait }, (tokens) =>
      tokens.includes("time") ? "time" : (tokens[0] ?? ""),
    );
    expect(run.schedule).not.toContain("A.go");
    const { status } = await seen(judge, taskId);
    outcome = { status, commits: commits.length, ...run.results.finish };
  });
  return outcome;
}

const UNKNOWN = { status: "rejected", reason: { code: "WRITE_OUTCOME_UNKNOWN" } };

describe("a write that arrives after its caller gave up", () => {
  it("cannot land after its deadline", async () => {
    expect(await arriveAfter(1)).toMatchObject({ ...UNKNOWN, commits: 0 });
    expect(await arriveAfter(60_000)).toMatchObject({ ...UNKNOWN, commits: 0 });
  });

  it("would be caught if it landed", async () => {
    const backendFault = FAULTY_DRIVERS["late-attempt"];
    expect(await arriveAfter(1, { backendFault })).not.toMatchObject({ commits: 0 });
  });
});

/** A's report is sent, lost on the way and sent again; the first packet arrives at any time, while B reports too. */
function playTwoPackets(options: StageOptions = {}): Play {
  return async (choose) => {
    const scheduler = { faults: ["late"], faultyHandles: ["A"] } as const;
    await onStage({ scheduler, ...options }, async ({ scheduler, a, b, judge, commits }) => {
      const { taskId } = await judge.createTask();
      const run = await scheduler.run(
        {
          a: () => a.updateTask(taskId, { statusMessage: "a" }),
          b: () => b.updateTask(taskId, { statusMessage: "b" }),
        },
        choose,
      );
      expect(run.results).toMatchObject({ a: { status: "fulfilled" }, b: { status: "fulfilled" } });
      expect(commits).toHaveLength(2);
      expect((await seen(judge, taskId)).statusMessage).toBe(commits[1]?.after.statusMessage);
    });
  };
}

/** A finishes without a lease; its first packet is on the way while B takes the task and gives it back. */
function playHeldMeanwhile(options: StageOptions = {}): Play {
  return async (choose) => {
    const scheduler = { faults: ["late"], faultyHandles: ["A"], maxEarlyTime: 4 } as const;
    await onStage({ scheduler, ...options }, async ({ scheduler, a, b, judge }) => {
      const { taskId } = await judge.createTask();
      const hold = async (): Promise<void> => {
        const lease = await b.acquireLease(taskId, { holder: "b" });
        if (lease !== undefined) await b.releaseLease(taskId, lease.token).catch(() => undefined);
      };
      const run = await scheduler.run({ finish: () => a.finishTask(taskId, RESULT), hold }, choose);
      const { status } = await seen(judge, taskId);
      const { finish } = run.results;
      const told = finish?.status === "rejected" ? Object(finish.reason).code : finish?.status;
      // Refused for the lease it may be only if it never takes effect afterwards. Its time may run out, too.
      const truths = status === "completed" ? ["fulfilled"] : ["LEASE_LOST"];
      expect([...truths, "WRITE_OUTCOME_UNKNOWN"]).toContain(told);
    });
  };
}

describe("a refusal that will pass, while a first packet is on its way", () => {
  it("is not believed before the packet's deadline", async () => {
    await replaySchedule("A.go!late B.go B.back time A.go~2 A.back B.go B.back A.go", playHeldMeanwhile());
    const schedules = await forRandomPriorities(playHeldMeanwhile(), {
      seed: 1,
      schedules: 300,
      faultShare: 0.3,
      only: ONLY,
    });
    expect(schedules).not.toHaveLength(0);
  });
});

describe("a report whose first packet arrives after its second", () => {
  it("takes effect once, wherever the other one's report falls", async () => {
    const schedules = await forEachInterleaving(playTwoPackets(), { only: ONLY });
    expect(schedules.some((schedule) => schedule.includes("A.go!late"))).toBe(ONLY?.includes("A.go!late") ?? true);
  });

  it("would be caught if it took effect twice", async () => {
    const backendFault = FAULTY_DRIVERS["write-twice"];
    await expect(forEachInterleaving(playTwoPackets({ backendFault }))).rejects.toThrow(ScheduleFailure);
  });

  it.each([
    ["the ring has lost it", {}, false],
    ["the clock was set back as well", { handleFault: clockSetBack }, false],
    ["the caller had seen the task", { handleFault: clockSetBack }, true],
  ] as const)("takes effect once also when %s", async (_, faults, known) => {
    const options = { scheduler: { faults: ["late"], maxEarlyTime: 1 }, ...faults } as const;
    await onStage(options, async ({ scheduler, a, b, judge, commits }) => {
      const { taskId } = await judge.createTask();
      if (known) await a.getTask(taskId);
      await a.getTask("none");
      const report = async (): Promise<void> => {
        await a.updateTask(taskId, { statusMessage: "mine" });
        for (let count = 1; count <= 8; count += 1) await b.updateTask(taskId, { statusMessage: `other ${count}` });
      };
      // The first packet is held, the repeat lands, eight others follow; then the first packet arrives.
      const first = ["A.go!late", "time", "A.go~2"];
      const run = await scheduler.run(
        { report },
        (tokens) => first.shift() ?? inTurn("B", "A")(tokens.filter((token) => token !== "A.go")),
      );
      expect(run.results.report).toMatchObject({ status: "fulfilled" });
      expect(commits.map(({ after }) => after.statusMessage)).toEqual([
        "mine",
        ...Array.from({ length: 8 }, (_, at) => `other ${at + 1}`),
      ]);
    });
  });
});
