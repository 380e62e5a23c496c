import { describe, expect, it } from "vitest";
import { describeRule, type Report, type RuleReport, rules, runConformance } from "../src/index.ts";
import { type Mutant, mutants, referenceTarget } from "../src/mutants.ts";

/** Shorter than a run on a strange machine needs: here only the mutants' own waiters hang. */
const timing = { minDeadlineMs: 2_500, rounds: 10 };

/**
 * "all": every rule against every mutant. Otherwise a mutant meets its killers and every eighth other rule, another
 * eighth for each mutant: the whole takes minutes.
 */
const WHOLE = process.env["MCP_TASK_STORE_KILL_MATRIX"] === "all";
const SHARE = 8;

function rulesFor(mutant: Mutant): readonly string[] {
  const offset = mutants.indexOf(mutant) % SHARE;
  return rules
    .filter((rule, index) => WHOLE || mutant.killedBy.includes(rule.id) || index % SHARE === offset)
    .map((rule) => rule.id);
}

function mayFail(mutant: Mutant, id: string): boolean {
  return [...mutant.killedBy, ...mutant.mayAlso].some((name) => id === name || id.startsWith(`${name}/`));
}

/** A kill counts only by the rule's own expectation: no error on the way, nothing that could not run. */
function isKill(rule: RuleReport | undefined): boolean {
  return rule?.outcome === "fail" && rule.failure?.by === "judge";
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
  it.each([1, 2, 3, 4, 5])("passes every rule with seed %i", { timeout: 120_000 }, async (seed) => {
    const report = await runConformance(referenceTarget(), { seed, timing });
    const notable = report.rules.filter((rule) => rule.outcome !== "pass");
    expect(texts(report, notable)).toBe("");
    expect(report.verdict).toBe("conformant");
  });
});

describe("mutants", () => {
  it.concurrent.each(mutants)("$name is killed: $fault", { timeout: 120_000 }, async (mutant) => {
    const { target, fired } = mutant.plant();
    const report = await runConformance(target, { seed: 1, timing, rules: rulesFor(mutant) });
    const survived = report.rules.filter((rule) => mutant.killedBy.includes(rule.id) && !isKill(rule));
    const stray = report.rules.filter(
      (rule) => (rule.outcome === "fail" || rule.outcome === "could-not-run") && !mayFail(mutant, rule.id),
    );
    expect(texts(report, survived)).toBe("");
    expect(texts(report, stray)).toBe("");
    expect(fired()).toBeGreaterThan(0);
  });
});
