import { describe, expect, it } from "vitest";
import { FAULTY_DRIVERS } from "../../../../conformance/src/driver-model/faulty-drivers.ts";
import { forRandomPriorities, ScheduleFailure } from "../../../../conformance/src/scheduler/explore-schedules.ts";
import type { Play } from "../../../../conformance/src/scheduler/explore-schedules.ts";
import type { ActorResult } from "../../../../conformance/src/scheduler/scheduler.ts";
import { SeededRandom } from "../../../../conformance/src/seeded-random.ts";
import { isTerminal } from "../../src/index.ts";
import type { TaskStore } from "../../src/index.ts";
import { ONLY, onStage, seen, withoutOutcome } from "./stage.ts";
import type { Commit, StageOptions } from "./stage.ts";

const QUESTION = { method: "elicitation/create", params: { message: "?" } };

/** A call of one process. Its mark is in what it writes, so that its commit can be found. */
type Act = (store: TaskStore, taskId: string, mark: string) => Promise<unknown>;

const ENDINGS: Readonly<Record<string, Act>> = {
  complete: (store, taskId, mark) =>
    store.finishTask(taskId, { status: "completed", result: { mark } }, { statusMessage: mark, force: true }),
  fail: (store, taskId, mark) =>
    store.finishTask(taskId, { status: "failed", error: { code: 1, message: mark } }, { force: true }),
  cancel: (store, taskId, mark) => store.cancelTask(taskId, { statusMessage: mark }),
};

const OTHERS: Readonly<Record<string, Act>> = {
  report: (store, taskId, mark) => store.updateTask(taskId, { statusMessage: mark }, { force: true }),
  answer: (store, taskId, mark) => store.answerInputs(taskId, { k1: { mark } }),
  "answer both": (store, taskId, mark) => store.answerInputs(taskId, { k1: { mark }, k2: { mark } }),
  ask: (store, taskId, mark) => store.requestInputs(taskId, { [mark]: QUESTION }, { force: true }),
  acquire: (store, taskId, mark) => store.acquireLease(taskId, { holder: mark }),
};

const ACTS: Readonly<Record<string, Act>> = { ...ENDINGS, ...OTHERS };

/** Two calls for each of three processes; the mark tells which is which. */
function scriptOf(seed: number): readonly (readonly string[])[] {
  const random = new SeededRandom(seed);
  const kinds = [...Object.keys(ENDINGS), ...Object.keys(OTHERS)];
  return [0, 1, 2].map(() => [random.pick(kinds), random.pick(kinds)]);
}

function playScript(seed: number, options: StageOptions = {}): Play {
  return async (choose) => {
    const scheduler = { faults: ["lost", "late", "unavailable"], maxFaults: 2, hints: "drop" } as const;
    await onStage({ scheduler, ...options }, async ({ scheduler, a, b, c, judge, commits }) => {
      const { taskId } = await judge.createTask();
      await judge.requestInputs(taskId, { k1: QUESTION, k2: QUESTION });
      const calls = new Map<string, PromiseSettledResult<unknown>>();
      const actor = (store: TaskStore, name: string, kinds: readonly string[]) => async () => {
        for (const [at, kind] of kinds.entries()) {
          const mark = `${name}${at + 1} ${kind}`;
          const [result] = await Promise.allSettled([ACTS[kind]?.(store, taskId, mark)]);
          calls.set(mark, result);
        }
      };
      const [forA = [], forB = [], forC = []] = scriptOf(seed);
      const run = await scheduler.run(
        { a: actor(a, "A", forA), b: actor(b, "B", forB), c: actor(c, "C", forC) },
        choose,
      );
      expect(run.stuck).toEqual([]);
      checkCommits(commits);
      const task = await seen(judge, taskId);
      for (const [mark, result] of calls) checkCall(mark, result, commits, withoutOutcome(task));
      checkEndings(calls, task.status);
    });
  };
}

/** Nothing is written twice, nothing comes between a row and its next, and nothing follows an end. */
function checkCommits(commits: readonly Commit[]): void {
  const ids = commits.map(({ write }) => write.writeId);
  expect(new Set(ids).size).toBe(ids.length);
  for (const [at, { before }] of commits.entries()) {
    expect(isTerminal(before.status)).toBe(false);
    if (at > 0) expect(before.revision).toBe(commits[at - 1]?.after.revision);
  }
}

/** What the caller was told is what the backend did. */
function checkCall(mark: string, result: ActorResult, commits: readonly Commit[], final: object): void {
  // Writes of inputs carry those of earlier calls along.
  const landed = commits.filter(
    ({ write, before }) => JSON.stringify(write).includes(mark) && !(before.inputs ?? "").includes(mark),
  ).length;
  if (result.status === "fulfilled") {
    // An answer to what others answered, and a lease that others hold, write nothing.
    const mayBeNothing = result.value === undefined || mark.includes("answer");
    expect([mark, landed]).toEqual([mark, mayBeNothing && landed === 0 ? 0 : 1]);
    return;
  }
  if (result.status === "pending") throw new Error(`${mark} is pending`);
  expect(result.reason).toMatchObject({ name: "TaskStoreError" });
  const { code }: { code: string } = result.reason;
  expect(["TASK_TERMINAL", "WRITE_OUTCOME_UNKNOWN"]).toContain(code);
  if (code === "TASK_TERMINAL") {
    expect([mark, landed]).toEqual([mark, 0]);
    expect(result.reason).toMatchObject({ task: final });
  }
}

function checkEndings(calls: ReadonlyMap<string, PromiseSettledResult<unknown>>, status: string): void {
  const endings = [...calls].filter(([mark]) => Object.keys(ENDINGS).some((kind) => mark.endsWith(kind)));
  const won = endings.filter(([, result]) => result.status === "fulfilled");
  const unknown = endings.filter(
    ([, result]) => result.status === "rejected" && Object(result.reason).code === "WRITE_OUTCOME_UNKNOWN",
  );
  expect(won.length).toBeLessThanOrEqual(1);
  if (endings.length > 0 && unknown.length === 0) expect(won).toHaveLength(1);
  expect(["completed", "failed", "cancelled"].includes(status)).toBe(
    won.length + unknown.length > 0 && status !== "working",
  );
}

describe("three processes, two faults, random orders", () => {
  it.each(Array.from({ length: 20 }, (_, at) => at + 1))("script %i: everybody is told the truth", async (seed) => {
    const options = { seed, schedules: 40, faultShare: 0.15, only: ONLY };
    expect(await forRandomPriorities(playScript(seed), options)).not.toHaveLength(0);
  });

  it.each(["write-twice", "guard-open-skipped", "guard-expectedInputs-skipped"] as const)(
    "would be caught with a driver that is wrong: %s",
    async (name) => {
      const backendFault = FAULTY_DRIVERS[name];
      const explore = async (): Promise<void> => {
        for (let seed = 1; seed <= 20; seed += 1) {
          await forRandomPriorities(playScript(seed, { backendFault }), { seed, schedules: 40, faultShare: 0.15 });
        }
      };
      await expect(explore()).rejects.toThrow(ScheduleFailure);
    },
  );
});
