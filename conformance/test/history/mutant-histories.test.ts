import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkHistory, describeWitness, type History } from "../../src/history.ts";
import { mutants } from "../../src/mutants.ts";
import { referenceTarget } from "../../src/mutants/mutant.ts";
import type { Target } from "../../src/target.ts";
import { historyOnTarget, scripts } from "./random-history.ts";

const seed = Number(process.env.HISTORY_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** Faults that some history of three clients shows, each with a call that is told something wrong. */
const FAULTS: readonly (readonly [mutant: string, method: History["calls"][number]["method"]])[] = [
  ["refusal-stale", "cancelTask"],
  ["cancel-silent", "cancelTask"],
  ["cancel-both-win", "cancelTask"],
  ["finish-last-wins", "finishTask"],
  ["answer-revives", "answerInputs"],
  ["revision-flat", "updateTask"],
  ["lease-on-terminal", "acquireLease"],
  ["key-reused", "requestInputs"],
  ["push-after-end", "push"],
];

/** The first history of random clients that no order explains. */
async function firstWrong(target: Target, rounds: number): Promise<History | undefined> {
  const list = fc.sample(scripts({ clients: 3 }), { seed, numRuns: rounds });
  for (const [round, script] of list.entries()) {
    const history = await historyOnTarget(target, script, seed + round);
    const verdict = checkHistory(history);
    expect(verdict.linearizable).not.toBe("undecided");
    if (verdict.linearizable === false) return history;
  }
  return undefined;
}

describe(`clients of a store with a fault (HISTORY_SEED=${seed})`, () => {
  it.each(FAULTS)("are told something wrong by %s", async (name, method) => {
    const mutant = mutants.find((one) => one.name === name);
    if (mutant === undefined) throw new Error(`no mutant ${name}`);
    const history = await firstWrong(mutant.plant().target, 2_000);
    if (history === undefined) throw new Error("every history has an order");
    const verdict = checkHistory(history);
    if (verdict.linearizable !== false) throw new Error("the verdict changes");
    const { witness } = verdict;
    const text = describeWitness(history, witness);
    expect(witness.couldHaveBeenTold, text).not.toEqual([]);
    // What is wrong is noticed by that call, or by a later one.
    expect(witness.prefix.map((index) => history.calls[index]?.method)).toContain(method);
  });

  it("are told nothing wrong by the store without one", async () => {
    const history = await firstWrong(referenceTarget(), 300);
    expect(history && checkHistory(history)).toBeUndefined();
  });
});
