import { afterAll, beforeAll, describe, it } from "vitest";
import { testEndOf } from "./report/test-end.ts";
import type { Report } from "./report.ts";
import { type RunOptions, runConformance } from "./run-conformance.ts";
import { selectedRules } from "./select-rules.ts";
import type { Target } from "./target.ts";

/**
 * One vitest test for each rule. The rules run side by side, once, as the first test starts; each test reports one.
 * A rule that fails the run, or that could not run, fails. One that is not applicable, or that has no say (a preview, a
 * known failure, a warning), is skipped and says why.
 * @param options those of a run, and the time for all rules together, ms. @default 300_000
 */
export function describeConformance(target: Target, options: RunOptions & { readonly timeoutMs?: number } = {}): void {
  const timeout = options.timeoutMs ?? 300_000;
  let report: Report | undefined;
  describe(`conformance of ${target.name}`, () => {
    beforeAll(async () => {
      report = await runConformance(target, options);
    }, timeout);
    for (const { id, title } of selectedRules(options.rules, options.generation)) {
      // It asserts by expect.fail, which the linter does not count.
      // oxlint-disable-next-line vitest/expect-expect -- it throws what the rule expected
      it(`${id}: ${title}`, ({ expect, skip }) => {
        const ended = testEndOf(
          report?.rules.find((rule) => rule.id === id),
          report,
        );
        if (ended.kind === "skip") skip(ended.why);
        if (ended.kind === "fail") expect.fail(ended.text);
      });
    }
    afterAll(() => {
      report = undefined;
    });
  });
}
