import { describe, expect, it } from "vitest";
import { type Baseline, describeReport, exitCodeOf, parseBaseline, type Report, runConformance } from "../src/index.ts";
import { mutants, referenceTarget } from "../src/mutants.ts";
import type { Target } from "../src/targets.ts";

const rules = ["cancel/terminal-rejected", "lifecycle/times"];

function judged(target: Target, baseline: Baseline): Promise<Report> {
  return runConformance(target, { rules, baseline, replays: 1, timing: { minDeadlineMs: 2_500, rounds: 5 } });
}

function wrong(): Target {
  const mutant = mutants.find(({ name }) => name === "cancel-silent");
  if (mutant === undefined) throw new Error("no mutant is called cancel-silent");
  return mutant.plant().target;
}

describe("a baseline", () => {
  it("lets a known failure pass the run, and does not make the store conformant", async () => {
    const report = await judged(wrong(), { "cancel/terminal-rejected": "issue 12" });
    expect(report).toMatchObject({
      verdict: "nonconformant",
      baseline: { known: ["cancel/terminal-rejected"], fixed: [] },
    });
    expect(exitCodeOf(report)).toBe(0);
    expect(describeReport(report)).toContain("cancel-silent: nonconformant, as its baseline says");
    expect(describeReport(report)).toContain("the baseline says that it fails: issue 12");
  });

  it("does not cover what it does not name", async () => {
    const report = await judged(wrong(), { "lifecycle/updated-moves": "issue 13" });
    expect(exitCodeOf(report)).toBe(1);
  });

  it("fails the run when what it names passes", async () => {
    const report = await judged(referenceTarget(), { "cancel/terminal-rejected": "issue 12" });
    expect(report).toMatchObject({
      verdict: "conformant",
      baseline: { known: [], fixed: ["cancel/terminal-rejected"] },
    });
    expect(exitCodeOf(report)).toBe(1);
    expect(describeReport(report)).toContain("take cancel/terminal-rejected out of the baseline");
  });

  it("names rules that there are", async () => {
    await expect(judged(referenceTarget(), { "cancel/nothing": "?" })).rejects.toThrow("names cancel/nothing");
  });
});

describe("a baseline file", () => {
  it("is read", () => {
    expect(parseBaseline('{ "knownFailures": { "cancel/coop": "issue 12" } }')).toEqual({ "cancel/coop": "issue 12" });
  });

  it.each([
    ["no JSON", "nothing", "has to be JSON"],
    ["something else", "[]", "a baseline is {"],
    ["no reason", '{ "knownFailures": { "cancel/coop": "" } }', "has to say why cancel/coop fails"],
  ])("is refused: %s", (_, text, message) => {
    expect(() => parseBaseline(text)).toThrow(message);
  });
});
