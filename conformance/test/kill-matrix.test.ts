import { describe, expect, it, vi } from "vitest";
import { describeRule, type Report, type RuleReport, rules, runConformance } from "../src/index.ts";
import { type Mutant, referenceTarget } from "../src/mutants.ts";
import { allMutants as mutants } from "../src/mutants/all-mutants.ts";
import { judgeMutant } from "../src/mutants/judge-mutant.ts";

// Most of a mutant's time is waiting.
vi.setConfig({ maxConcurrency: 12 });

/** Shorter than a run on a strange machine needs: here only the mutants' own waiters hang. */
const options = { replays: 0, timing: { minDeadlineMs: 2_500, rounds: 10 } };

/**
 * Each mutant meets its killers and every twenty-fourth other rule, others for each mutant: the whole takes minutes, and
 * is what `pnpm kill-matrix` plays.
 */
const SHARE = 24;

function rulesFor(mutant: Mutant): readonly string[] {
  const offset = mutants.indexOf(mutant) % SHARE;
  return rules
    .filter((rule, index) => mutant.killedBy.includes(rule.id) || index % SHARE === offset)
    .map((rule) => rule.id);
}

function texts(report: Report, found: readonly RuleReport[]): string {
  return found.map((rule) => describeRule(rule, report)).join("\n");
}

describe("the catalogue", () => {
  it("has a mutant for each name that a rule must kill, and the other way round", () => {
    const named = rules.flatMap((rule) => rule.mutants.map((mutant) => `${mutant} by ${rule.id}`));
    const killed = mutants.flatMap((mutant) => mutant.killedBy.map((rule) => `${mutant.name} by ${rule}`));
    expect(named.toSorted()).toEqual(killed.toSorted());
    expect(new Set(mutants.map((mutant) => mutant.name)).size).toBe(mutants.length);
    expect(new Set(rules.map((rule) => rule.id)).size).toBe(rules.length);
  });

  it("has no rule that kills nothing", () => {
    expect(rules.filter((rule) => rule.mutants.length === 0).map((rule) => rule.id)).toEqual([]);
  });
});

describe("the correct store", () => {
  it.each([1, 2])("passes every rule with seed %i", async (seed) => {
    const report = await runConformance(referenceTarget(), { seed, ...options });
    const notable = report.rules.filter((rule) => rule.outcome !== "pass" && !rule.id.startsWith("v1/"));
    expect(texts(report, notable)).toBe("");
    expect(report.verdict).toBe("conformant");
  });
});

async function expectKilled(mutant: Mutant): Promise<void> {
  const chosen = { seed: 1, ...options, rules: rulesFor(mutant) };
  const { report, survived, stray, fired } = await judgeMutant(mutant, chosen);
  expect(texts(report, survived)).toBe("");
  expect(texts(report, stray)).toBe("");
  expect(fired).toBeGreaterThan(0);
}

describe("mutants", () => {
  const together = mutants.filter(({ alone }) => !alone);
  it.concurrent.each(together)("$name is killed: $fault", expectKilled);
});

describe("mutants that are judged by themselves", () => {
  it.each(mutants.filter(({ alone }) => alone))("$name is killed: $fault", expectKilled);
});
