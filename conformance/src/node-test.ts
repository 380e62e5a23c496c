import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { testEndOf } from "./report/test-end.ts";
import type { Report } from "./report.ts";
import { type RunOptions, runConformance } from "./run-conformance.ts";
import { selectedRules } from "./select-rules.ts";
import type { Target } from "./target.ts";

/**
 * One test of `node:test` for each rule. The rules run side by side, once, as the first test starts; each test reports
 * one. A rule that fails the run, or that could not run, fails. One that is not applicable, or that has no say (a
 * preview, a known failure, a warning), is skipped and says why.
 * @param options those of a run, and the time for all rules together, ms. @default 300_000
 */
export function describeConformance(target: Target, options: RunOptions & { readonly timeoutMs?: number } = {}): void {
  const timeout = options.timeoutMs ?? 300_000;
  let report: Report | undefined;
  void describe(`conformance of ${target.name}`, () => {
    before(
      async () => {
        report = await runConformance(target, options);
      },
      { timeout },
    );
    for (const { id, title } of selectedRules(options.rules, options.generation)) {
      void it(`${id}: ${title}`, (test) => {
        const ended = testEndOf(
          report?.rules.find((rule) => rule.id === id),
          report,
        );
        if (ended.kind === "skip") test.skip(ended.why);
        if (ended.kind === "fail") assert.fail(ended.text);
      });
    }
  });
}
