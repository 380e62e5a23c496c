import type { Level } from "./rule.ts";
import type { Timing } from "./timing.ts";

/** pass | fail, or why there is neither. */
export type Outcome = "pass" | "fail" | "not-applicable" | "could-not-run";

/** conformant: every rule that counts passed. incomplete: something could not run and nothing failed. */
export type Verdict = "conformant" | "nonconformant" | "incomplete";

export interface Failure {
  readonly did: string;
  /** As text: one line. */
  readonly seen: string;
  readonly wanted: string;
  /** The latest calls before it, oldest first. */
  readonly calls: readonly string[];
  /** "judge": the rule's own expectation. "call": a call that had to succeed threw. */
  readonly by: "judge" | "call";
}

export interface RuleReport {
  readonly id: string;
  readonly title: string;
  readonly level: Level;
  readonly source: readonly string[];
  readonly outcome: Outcome;
  /** Whether the outcome takes part in the verdict: not for a promise that the target does not claim. */
  readonly counts: boolean;
  readonly seed: number;
  readonly durationMs: number;
  readonly failure?: Failure;
  /** Why it is not-applicable or could-not-run. */
  readonly reason?: string;
}

export interface Report {
  readonly target: string;
  readonly version?: string;
  readonly verdict: Verdict;
  /** The run's seed: with it and a rule's id the rule makes the same choices again. */
  readonly seed: number;
  readonly strict: boolean;
  readonly durationMs: number;
  /** Absent when not even calibration worked. */
  readonly timing?: Timing;
  readonly rules: readonly RuleReport[];
  /** Failed rules of level "should": they warn unless the run is strict. */
  readonly warnings: readonly string[];
}

/** Whether a rule's failure makes the target nonconformant. */
function failsTheRun(rule: RuleReport, strict: boolean): boolean {
  return rule.outcome === "fail" && rule.counts && (strict || rule.level !== "should");
}

/** One failure decides; after that, one rule that could not run leaves the question open. */
export function verdictOf(rules: readonly RuleReport[], strict: boolean): Verdict {
  if (rules.some((rule) => failsTheRun(rule, strict))) return "nonconformant";
  const open = rules.some((rule) => rule.outcome === "could-not-run" && rule.counts);
  return open || !rules.some((rule) => rule.outcome === "pass") ? "incomplete" : "conformant";
}

/** Process exit code for a verdict; 2 is kept for wrong usage. */
export const EXIT_CODES: Readonly<Record<Verdict, number>> = { conformant: 0, nonconformant: 1, incomplete: 3 };

export function warningsOf(rules: readonly RuleReport[], strict: boolean): readonly string[] {
  if (strict) return [];
  return rules.filter((rule) => rule.outcome === "fail" && rule.level === "should").map((rule) => rule.id);
}
