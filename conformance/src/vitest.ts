import { afterAll, beforeAll, describe, it } from "vitest";
import { describeRule } from "./report/pretty.ts";
import type { Report, RuleReport } from "./report.ts";
import { type RunOptions, runConformance, selectedRules } from "./run.ts";
import type { Target } from "./target.ts";

/**
 * One vitest test for each rule. The rules run side by side, once, as the first test starts; each test reports one.
 * A rule that is not applicable is skipped with its reason; one that could not run fails.
 */
export function describeConformance(target: Target, options: RunOptions & { readonly timeoutMs?: number } = {}): void {
  const timeout = options.timeoutMs ?? 300_000;
  const reports = new Map<string, RuleReport>();
  let report: Report | undefined;
  describe(`conformance of ${target.name}`, () => {
    beforeAll(async () => {
      report = await runConformance(target, options);
      for (const rule of report.rules) reports.set(rule.id, rule);
    }, timeout);
    for (const rule of selectedRules(options.rules)) {
      // It asserts by expect.fail, which the linter does not count.
      // oxlint-disable-next-line vitest/expect-expect -- it throws what the rule expected
      it(`${rule.id}: ${rule.title}`, ({ expect, skip }) => {
        const ended = reports.get(rule.id);
        if (ended === undefined || report === undefined) return expect.fail("the run brought no report of this rule");
        if (ended.outcome === "not-applicable") skip(ended.reason);
        const tolerated = ended.level === "should" && ended.outcome === "fail" && !report.strict;
        if (ended.outcome !== "pass" && ended.counts && !tolerated) expect.fail(describeRule(ended, report));
      });
    }
    afterAll(() => reports.clear());
  });
}
