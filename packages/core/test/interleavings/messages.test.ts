import { describe, expect, it } from "vitest";
import { FAULTY_MESSAGES } from "../../../../conformance/src/driver-model/faulty-messages.ts";
import { forEachInterleaving, ScheduleFailure } from "../../../../conformance/src/scheduler/explore-schedules.ts";
import type { Play } from "../../../../conformance/src/scheduler/explore-schedules.ts";
import type { QueuedMessage, TaskStore } from "../../src/index.ts";
import { ONLY, onStage } from "./stage.ts";
import type { StageOptions } from "./stage.ts";

const FAULTS = { faults: ["lost", "late", "unavailable"], faultyHandles: ["A"] } as const;
const note = (text: string): QueuedMessage => ({ type: "notification", message: { text }, timestamp: 0 });

async function prepared(store: TaskStore, texts: readonly string[]): Promise<string> {
  const { taskId } = await store.createTask();
  for (const text of texts) await store.messages.push(taskId, note(text), { messageId: text });
  return taskId;
}

async function left(store: TaskStore, taskId: string): Promise<readonly unknown[]> {
  return (await store.messages.drain(taskId)).map(({ message }) => message["text"]);
}

function fault(name: string): NonNullable<StageOptions["backendFault"]> {
  const found = FAULTY_MESSAGES[name];
  if (found === undefined) throw new Error(`no fault ${name}`);
  return found;
}

/** A's push meets one fault at any point; B pushes for the same place in the queue. */
function playPush(options: StageOptions = {}): Play {
  return async (choose) => {
    await onStage({ scheduler: FAULTS, ...options }, async ({ scheduler, a, b, judge }) => {
      const taskId = await prepared(judge, []);
      const push = async (store: TaskStore, text: string): Promise<void> =>
        await store.messages.push(taskId, note(text), { messageId: text, maxSize: 1 });
      const run = await scheduler.run({ mine: () => push(a, "mine"), theirs: () => push(b, "theirs") }, choose);
      expect(run.stuck).toEqual([]);
      const waiting = await left(judge, taskId);
      expect(waiting).toHaveLength(1);
      const [winner, loser] = waiting[0] === "mine" ? (["mine", "theirs"] as const) : (["theirs", "mine"] as const);
      expect(run.results[winner]).toMatchObject({ status: "fulfilled" });
      expect(run.results[loser]).toMatchObject({ status: "rejected", reason: { code: "QUEUE_FULL" } });
    });
  };
}

/** A's shift or drain meets one fault at any point; B shifts. */
function playTake(how: "shift" | "drain", options: StageOptions = {}): Play {
  return async (choose) => {
    await onStage({ scheduler: FAULTS, ...options }, async ({ scheduler, a, b, judge }) => {
      const taskId = await prepared(judge, ["m0", "m1", "m2"]);
      const shift = async (store: TaskStore, receipt: string): Promise<readonly QueuedMessage[]> => {
        const message = await store.messages.shift(taskId, { receipt });
        return message === undefined ? [] : [message];
      };
      const mine = async (): Promise<readonly QueuedMessage[]> =>
        how === "shift" ? await shift(a, "mine") : await a.messages.drain(taskId, { receipt: "mine" });
      const run = await scheduler.run({ mine, theirs: () => shift(b, "theirs") }, choose);
      expect(run.stuck).toEqual([]);
      const [first, second] = [run.results.mine, run.results.theirs].map((result) =>
        result?.status === "fulfilled" && Array.isArray(result.value) ? result.value : [result],
      );
      const rest = (await judge.messages.drain(taskId)).map(({ message }) => note(String(message["text"])));
      const all = [...(first ?? []), ...(second ?? []), ...rest];
      expect(all.toSorted(byText)).toEqual(["m0", "m1", "m2"].map(note));
      expect(await judge.messages.drain(taskId, { receipt: "mine" })).toEqual(first);
    });
  };
}

function byText(a: QueuedMessage, b: QueuedMessage): number {
  return String(a.message["text"]) < String(b.message["text"]) ? -1 : 1;
}

describe("a push whose answer is lost", () => {
  it("is in the queue once, and nobody is told otherwise, wherever the fault strikes", async () => {
    const schedules = await forEachInterleaving(playPush(), { only: ONLY });
    for (const struck of ["A.back!lost", "A.go!late", "A.go!unavailable"]) {
      expect(schedules.some((schedule) => schedule.includes(struck))).toBe(ONLY?.includes(struck) ?? true);
    }
  });

  it.each(["push-any-id", "push-room-for-one-more"])("would be found wrong over a driver with %s", async (name) => {
    await expect(forEachInterleaving(playPush({ backendFault: fault(name) }))).rejects.toThrow(ScheduleFailure);
  });
});

describe.each(["shift", "drain"] as const)("a %s whose answer is lost", (how) => {
  it("loses no message and doubles none, wherever the fault strikes", async () => {
    const schedules = await forEachInterleaving(playTake(how), { only: ONLY });
    for (const struck of ["A.back!lost", "A.go!late", "A.go!unavailable"]) {
      expect(schedules.some((schedule) => schedule.includes(struck))).toBe(ONLY?.includes(struck) ?? true);
    }
  });

  it("would be found wrong over a driver that does not look at receipts", async () => {
    const backendFault = fault("take-any-receipt");
    await expect(forEachInterleaving(playTake(how, { backendFault }))).rejects.toThrow(ScheduleFailure);
  });
});
