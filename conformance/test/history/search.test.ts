import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkHistory, type History, type HistoryCall } from "../../src/history.ts";
import { afterOwed, type Fate, fateOf, fits, type Owed } from "../../src/history/answers.ts";
import { drifted, possibilities } from "../../src/history/contract.ts";
import { NO_TASK, type TaskState } from "../../src/history/task-state.ts";
import { SeededRandom } from "../../src/seeded-random.ts";
import { ALL_TELLINGS, randomHistory, scripts } from "./random-history.ts";
import { task } from "./hand-made.ts";

const seed = Number(process.env.HISTORY_SEED ?? Math.floor(Math.random() * 2 ** 31));

interface Waiting {
  readonly call: HistoryCall;
  readonly end: number;
  readonly fate: Fate;
  readonly owed?: Owed | undefined;
}

/** Whether there is an order, by trying all of them, with nothing left out and nothing remembered. */
function hasOrder(state: TaskState, waiting: readonly Waiting[]): boolean {
  if (waiting.every(({ end }) => end === Infinity)) return true;
  const soonest = Math.min(...waiting.map(({ end }) => end));
  for (const now of [state, ...drifted(state, {})]) {
    for (const one of waiting) {
      if (one.call.start > soonest) continue;
      const others = waiting.filter((other) => other !== one);
      if (one.owed !== undefined) {
        const seen = afterOwed(now, one.owed);
        if (seen !== undefined && hasOrder(seen, others)) return true;
        continue;
      }
      for (const { expected, next } of possibilities(now, one.call, {})) {
        const after = one.fate.kind === "told" ? fits(expected, next, one.fate.answer) : [{ state: next }];
        for (const { state: then, owed } of after) {
          if (hasOrder(then, owed === undefined ? others : [...others, { ...one, owed }])) return true;
        }
      }
    }
  }
  return false;
}

function hasAnyOrder({ taskId, calls }: History): boolean {
  const waiting = calls.flatMap((call): readonly Waiting[] => {
    const fate = fateOf(call, { taskId, parts: undefined });
    if (fate.kind === "void") return [];
    return [{ call, fate, end: fate.kind === "unknown" ? Infinity : (call.end ?? Infinity) }];
  });
  return hasOrder(NO_TASK, waiting);
}

/** A few calls that overlap more than they did, with an answer here and there that another call got. */
function shaken(history: History, random: SeededRandom): History {
  const kept = history.calls.slice(0, 6);
  const calls = kept.map((call): HistoryCall => {
    const { method, end } = call;
    if (method === "createTask" || end === null) return call;
    const others = kept.filter((other) => other.answer !== null && other.answer !== call.answer);
    const same = others.filter((other) => other.method === method || random.chance(0.3));
    const answer = same.length > 0 && random.chance(0.3) ? random.pick(same).answer : call.answer;
    return { ...call, answer, start: Math.max(2, call.start - random.below(4)), end: end + random.below(4) };
  });
  return { ...history, calls };
}

describe("the search", () => {
  it(`says what trying every order says (HISTORY_SEED=${seed})`, { timeout: 240_000 }, async () => {
    const verdicts = { true: 0, false: 0, undecided: 0 };
    const property = fc.asyncProperty(
      scripts({ clients: 2, tellings: ALL_TELLINGS }),
      fc.nat(2 ** 31 - 1),
      async (script, order) => {
        const honest = await randomHistory({ script, seed: order });
        const history = shaken(honest, new SeededRandom(order));
        const { linearizable } = checkHistory(history);
        verdicts[`${linearizable}`] += 1;
        expect(linearizable).toBe(hasAnyOrder(history));
      },
    );
    await fc.assert(property, { seed, numRuns: 400 });
    expect(verdicts.true).toBeGreaterThan(50);
    expect(verdicts.false).toBeGreaterThan(50);
  });

  /** So many writes of which nobody knows whether they happened, and a read that none of them explains. */
  function manyUnknown(count: number): History {
    const calls: HistoryCall[] = Array.from({ length: count }, (_, at) => ({
      client: `C${at}`,
      method: "updateTask",
      change: { statusMessage: `message ${at}` },
      start: at,
      end: 100,
      answer: { kind: "threw", code: "WRITE_OUTCOME_UNKNOWN" },
    }));
    const read: HistoryCall = {
      client: "R",
      method: "getTask",
      start: 200,
      end: 201,
      answer: { kind: "returned", value: task({ revision: 1_000, statusMessage: "never said" }) },
    };
    return { format: 1, taskId: "t", before: task(), calls: [...calls, read] };
  }

  it("gives up where it would take for ever", () => {
    expect(checkHistory(manyUnknown(5)).linearizable).toBe(false);
    expect(checkHistory(manyUnknown(30), { maxSteps: 3_000 })).toEqual({ linearizable: "undecided", steps: 3_001 });
  });

  it("needs few steps where revisions say the order", () => {
    const marks = Array.from({ length: 30 }, (_, at) => (at * 7) % 30);
    const calls = marks.map((mark): HistoryCall => ({
      client: `C${mark}`,
      method: "updateTask",
      change: { statusMessage: `message ${mark}` },
      start: mark,
      end: 100,
      answer: { kind: "returned", value: task({ revision: 10 + mark, statusMessage: `message ${mark}` }) },
    }));
    const verdict = checkHistory({ format: 1, taskId: "t", before: task(), calls });
    expect(verdict.linearizable).toBe(true);
    expect(verdict.steps).toBeLessThan(1_000);
  });
});
