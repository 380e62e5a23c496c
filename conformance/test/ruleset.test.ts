import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { KIT_VERSION, type Level, NEWEST_RULESET, rules, runConformance } from "../src/index.ts";
import { mutants } from "../src/mutants.ts";
import { ruleReport, standingOf } from "../src/report.ts";
import { checkedRuleset, countsFrom, isPreview, newestRulesetOf } from "../src/ruleset.ts";
import { serverRules } from "../src/server.ts";
import type { Target } from "../src/targets.ts";

describe("a rule", () => {
  it.each([
    ["0.1.0", "0.1"],
    ["0.1.3", "0.2"],
    ["0.2.0", "0.3"],
    ["0.2.9", "0.3"],
    ["0.9.1", "0.10"],
    ["1.4.0", "1.5"],
  ] as const)("of kit %s counts from ruleset %s", (since, ruleset) => {
    expect(countsFrom(since)).toBe(ruleset);
  });

  it.each([
    ["0.1.0", "0.1", false],
    ["0.2.0", "0.2", true],
    ["0.2.0", "0.3", false],
    ["0.9.0", "0.9", true],
    ["0.9.0", "0.10", false],
    ["0.9.0", "1.0", false],
  ] as const)("of kit %s, judged by ruleset %s: a preview? %s", (since, ruleset, preview) => {
    expect(isPreview({ since }, ruleset)).toBe(preview);
  });

  it("that is a preview is reported, and has no say", () => {
    const [rule] = rules;
    if (rule === undefined) throw new Error("there are no rules");
    const play = { seed: 1, round: 0, durationMs: 1 };
    const claims = { claims: undefined, ruleset: "0.1" } as const;
    const report = ruleReport({ ...rule, since: "0.2.0" }, { outcome: "fail" }, play, claims);
    expect(report).toMatchObject({ preview: true, counts: false, since: "0.2.0" });
    expect(standingOf(report, { strict: true })).toBe("uncounted");
  });
});

describe("a ruleset", () => {
  /**
   * Rules and their levels by the release that brings them. Who adds a rule adds it to the release that comes next. What
   * stands under one that is out stays as it is: a rule that came in, went, or became a MUST would turn pinned runs red.
   */
  it("has the rules and levels that rulesets.json says, for good", () => {
    const written: Readonly<Record<string, Readonly<Record<string, Level>>>> = JSON.parse(
      readFileSync(join(import.meta.dirname, "rulesets.json"), "utf8"),
    );
    const rows = Object.entries(written).flatMap(([since, levels]) =>
      Object.entries(levels).map(([id, level]) => `${since} ${id} ${level}`),
    );
    const real = [...rules, ...serverRules].map(({ since, id, level }) => `${since} ${id} ${level}`);
    expect(real.toSorted()).toEqual(rows.toSorted());
  });

  it("is the kit's own minor; before the first release, what that will bring", () => {
    expect(["0.0.0", "0.1.0", "0.1.7", "0.2.0", "1.3.2"].map(newestRulesetOf)).toEqual([
      "0.1",
      "0.1",
      "0.1",
      "0.2",
      "1.3",
    ]);
    const manifest = JSON.parse(readFileSync(join(import.meta.dirname, "../package.json"), "utf8"));
    expect(KIT_VERSION).toBe(manifest.version);
  });

  it.each(["1", "0.1.0", "v0.1", "latest", ""])("is not written %j", (text) => {
    expect(() => checkedRuleset(text)).toThrow("MAJOR.MINOR");
  });

  it("of a newer kit is refused: its rules are not here", () => {
    expect(() => checkedRuleset("99.0")).toThrow(`knows rulesets up to ${NEWEST_RULESET}`);
  });

  it("is pinned by the target, and by an option before that", async () => {
    const target: Target = { ...plantedIn("cancel-silent"), ruleset: "0.1" };
    const options = { rules: ["lifecycle/times"], timing: { minDeadlineMs: 2_500, rounds: 5 } };
    expect((await runConformance(target, options)).ruleset).toBe("0.1");
    const older = await runConformance(target, { ...options, rules: ["cancel/terminal-rejected"], ruleset: "0.0" });
    expect(older).toMatchObject({ ruleset: "0.0", rules: [{ outcome: "fail", preview: true, counts: false }] });
    expect(older.verdict).toBe("incomplete");
  });
});

function plantedIn(name: string): Target {
  const mutant = mutants.find((one) => one.name === name);
  if (mutant === undefined) throw new Error(`no mutant is called ${name}`);
  return mutant.plant().target;
}
