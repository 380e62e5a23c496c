import type { Report, RuleReport } from "../report.ts";
import { type RunOptions, runConformance } from "../run-conformance.ts";
import { selectedRules } from "../select-rules.ts";
import type { Mutant } from "./mutant.ts";

/** What became of a mutant. Good: nothing survived, nothing is stray, and the fault has fired. */
export interface MutantVerdict {
  readonly mutant: Mutant;
  readonly report: Report;
  /** Rules that had to find the fault, and did not, or not by their own expectation. */
  readonly survived: readonly RuleReport[];
  /** Rules that failed, or could not run, though nobody has said that they may. */
  readonly stray: readonly RuleReport[];
  /** How often the fault did its harm. */
  readonly fired: number;
}

/** Judges a mutant by those rules of these options that can meet its fault. */
export async function judgeMutant(mutant: Mutant, options: RunOptions): Promise<MutantVerdict> {
  const { target, fired } = mutant.plant();
  const { onlyIn } = mutant;
  const rules = selectedRules(options.rules).filter(({ id }) => onlyIn === undefined || id.startsWith(`${onlyIn}/`));
  const report = await runConformance(target, { replays: 0, ...options, rules: rules.map(({ id }) => id) });
  const survived = report.rules.filter((rule) => mutant.killedBy.includes(rule.id) && !isKill(rule));
  const stray = report.rules.filter(
    ({ id, outcome }) => (outcome === "fail" || outcome === "could-not-run") && !mayFail(mutant, id),
  );
  return { mutant, report, survived, stray, fired: fired() };
}

/** A kill counts only by the rule's own expectation: no error on the way, nothing that could not run. */
function isKill(rule: RuleReport): boolean {
  return rule.outcome === "fail" && rule.failure?.by === "judge";
}

/** It makes every call in every state: any fault may show in it. */
const EVERYWHERE = "lifecycle/any-order";

function mayFail(mutant: Mutant, id: string): boolean {
  return [EVERYWHERE, ...mutant.killedBy, ...mutant.mayAlso].some((name) => id === name || id.startsWith(`${name}/`));
}
