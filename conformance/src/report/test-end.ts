import { type Report, type RuleReport, standingOf } from "../report.ts";
import { describeRule } from "./describe-rule.ts";

/** What a rule's outcome is to a test runner. */
export type TestEnd =
  | { readonly kind: "pass" }
  | { readonly kind: "skip"; readonly why: string }
  | { readonly kind: "fail"; readonly text: string };

/** A runner knows fewer outcomes: only what fails the run, or leaves it open, fails a test. */
export function testEndOf(rule: RuleReport | undefined, report: Report | undefined): TestEnd {
  if (rule === undefined || report === undefined)
    return { kind: "fail", text: "the run brought no report of this rule" };
  const text = describeRule(rule, report, againIn(rule, report));
  switch (standingOf(rule, report)) {
    case "passed":
      return { kind: "pass" };
    case "not-applicable":
      return { kind: "skip", why: rule.reason ?? "not applicable" };
    case "warning":
    case "known":
    case "uncounted":
      return { kind: "skip", why: text };
    case "failed":
    case "open":
      return { kind: "fail", text };
    case "fixed":
      return { kind: "fail", text: `${rule.id} passes: take it out of the baseline\n${text}` };
  }
}

/** How a test file plays this rule alone, with the same choices: it has no command of the kit's. */
function againIn({ id, round }: RuleReport, { seed }: Report): string {
  return `describeConformance(target, { rules: ["${id}"], seed: ${seed}${round === 0 ? "" : `, round: ${round}`} })`;
}
