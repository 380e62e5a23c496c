import type { Generation } from "@mcp-task-store/core";
import type { Baseline } from "./baseline.ts";
import type { Strength } from "./races/strength.ts";
import type { Level, RuleData } from "./rule.ts";
import { isPreview, KIT_VERSION, type Ruleset } from "./ruleset.ts";
import { ruleSeed } from "./random.ts";
import type { Target } from "./target.ts";
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
  /** The call that it is about, where its answer tells, and the latest before the failure; oldest first. */
  readonly calls: readonly string[];
  /** "judge": the rule's own expectation. "call": a call that had to succeed threw. */
  readonly by: "judge" | "call";
}

/** How often something failed, of how many times. */
export interface Tally {
  readonly failed: number;
  readonly of: number;
}

/** How a rule ended. */
export interface Judged {
  readonly outcome: Outcome;
  readonly failure?: Failure;
  /** Why it is not-applicable or could-not-run. */
  readonly reason?: string;
  /** How hard its races were, where it has any: the weakest counts. */
  readonly strength?: Strength;
}

export interface RuleReport extends Judged {
  readonly id: string;
  readonly title: string;
  readonly level: Level;
  /** The version of the kit that brought the rule. */
  readonly since: string;
  readonly source: readonly string[];
  /** Whether the outcome takes part in the verdict: not that of a preview, or of a promise that the target does not claim. */
  readonly counts: boolean;
  /** Newer than the ruleset: reported only. */
  readonly preview: boolean;
  /** What the rule's own choices came from. To repeat them, give a run the report's seed, not this one. */
  readonly seed: number;
  /** Of a repeated run, the round that this outcome is of: the first failed one, if one did. Counts from 0. */
  readonly round: number;
  readonly durationMs: number;
  /** How often it failed when it was played again with the same seed. It stays failed, however often. */
  readonly replays?: Tally;
  /** In how many rounds of a repeated run it failed. */
  readonly rounds?: Tally;
  /** Why the baseline expects it to fail. */
  readonly known?: string;
}

/** What a run is judged by, apart from the rules' outcomes. */
export interface RunFacts {
  readonly target: string;
  readonly version?: string;
  /** What judges this target again, but for the choice of rules: `run target.ts`. Absent where no command does. */
  readonly command?: string;
  readonly ruleset: Ruleset;
  readonly generation?: Generation;
  /** The run's seed: with it and a rule's id the rule makes the same choices again. */
  readonly seed: number;
  /** How many times each rule was played, each time with other choices. */
  readonly repeat: number;
  readonly strict: boolean;
}

export interface Report extends RunFacts {
  /** Of this shape of reports. Grows when something that was there changes or goes. */
  readonly format: 1;
  readonly kit: string;
  /** What the rules showed of the store. A baseline does not change it, only whether the run fails. */
  readonly verdict: Verdict;
  readonly durationMs: number;
  /** Absent when not even calibration worked. */
  readonly timing?: Timing;
  readonly rules: readonly RuleReport[];
  /** Failed rules of level "should": they warn unless the run is strict. */
  readonly warnings: readonly string[];
  /** Rules that had nothing to judge with, since the target lends the kit no such facility. */
  readonly unproved: readonly string[];
  /** Rules that fail as the baseline says, and those that it wrongly says fail: these fail the run. */
  readonly baseline?: { readonly known: readonly string[]; readonly fixed: readonly string[] };
  /** What else happened, such as a target whose process did not end. */
  readonly notes: readonly string[];
}

/** What decides whether a rule's outcome counts. */
export interface Claims {
  readonly claims: Target["claims"] | undefined;
  readonly ruleset: Ruleset;
}

/** What a report says of a rule, of whatever kind. */
export type ReportedRule = Pick<RuleData, "id" | "title" | "level" | "since" | "source" | "promises">;

/** The report of one play of a rule. */
export function ruleReport(
  rule: ReportedRule,
  judged: Judged,
  play: { readonly seed: number; readonly round: number; readonly durationMs: number },
  { claims, ruleset }: Claims,
): RuleReport {
  const claimed =
    rule.level !== "promise" ||
    claims === undefined ||
    rule.promises.length === 0 ||
    rule.promises.some((promise) => claims.includes(promise));
  const preview = isPreview(rule, ruleset);
  return {
    id: rule.id,
    title: rule.title,
    level: rule.level,
    since: rule.since,
    source: rule.source,
    counts: claimed && !preview,
    preview,
    seed: ruleSeed(play.seed, rule.id, play.round),
    round: play.round,
    durationMs: play.durationMs,
    ...judged,
  };
}

/** Puts the outcomes of a run together. */
export function reportOf(
  facts: RunFacts,
  rules: readonly RuleReport[],
  rest: Pick<Report, "durationMs" | "notes"> & {
    readonly timing: Timing | undefined;
    readonly baseline: Baseline | undefined;
  },
): Report {
  const { baseline, timing, durationMs, notes } = rest;
  const reports = rules.map((rule) => {
    const known = baseline?.[rule.id];
    return known === undefined ? rule : { ...rule, known };
  });
  return {
    format: 1,
    kit: KIT_VERSION,
    ...facts,
    verdict: verdictOf(rules, facts.strict),
    durationMs,
    ...(timing === undefined ? {} : { timing }),
    rules: reports,
    warnings: idsOf(reports, (rule) => standingOf(rule, facts) === "warning"),
    unproved: idsOf(reports, (rule) => rule.outcome === "not-applicable" && FACILITY.test(rule.reason ?? "")),
    ...(baseline === undefined
      ? {}
      : {
          baseline: {
            known: idsOf(reports, (rule) => standingOf(rule, facts) === "known"),
            fixed: idsOf(reports, (rule) => standingOf(rule, facts) === "fixed"),
          },
        }),
    notes,
  };
}

/** What a target lends, other than what a store can do. */
const FACILITY = /^needs (?:restart|via|clock|file|driver)\b/;

/** What an outcome means for the run. Only "failed" and "fixed" fail it; "open" leaves it without a verdict. */
export type Standing =
  | "passed"
  | "failed"
  /** A SHOULD, in a run that is not strict. */
  | "warning"
  /** Failed, as the baseline says. */
  | "known"
  /** Passed, and the baseline says that it fails. */
  | "fixed"
  /** Failed or could not run, and does not count. */
  | "uncounted"
  | "open"
  | "not-applicable";

export function standingOf(rule: RuleReport, { strict }: Pick<Report, "strict">): Standing {
  switch (rule.outcome) {
    case "pass":
      return rule.known === undefined ? "passed" : "fixed";
    case "not-applicable":
      return "not-applicable";
    case "could-not-run":
      return rule.counts ? "open" : "uncounted";
    case "fail":
      if (!rule.counts) return "uncounted";
      if (rule.known !== undefined) return "known";
      return rule.level === "should" && !strict ? "warning" : "failed";
  }
}

/** One failure decides; after that, one rule that could not run leaves the question open. */
function verdictOf(rules: readonly RuleReport[], strict: boolean): Verdict {
  const standings = rules.map((rule) => standingOf(rule, { strict }));
  if (standings.includes("failed")) return "nonconformant";
  return standings.includes("open") || !standings.includes("passed") ? "incomplete" : "conformant";
}

/** Process exit code for a verdict; 2 is kept for wrong usage. */
export const EXIT_CODES: Readonly<Record<Verdict, number>> = { conformant: 0, nonconformant: 1, incomplete: 3 };

/** The exit code of a run: that of its verdict, except that known failures do not fail it and a stale baseline does. */
export function exitCodeOf(report: Report): number {
  const standings = report.rules.map((rule) => standingOf(rule, report));
  if (standings.includes("failed") || standings.includes("fixed")) return EXIT_CODES.nonconformant;
  if (report.verdict === "incomplete" || standings.includes("open")) return EXIT_CODES.incomplete;
  return EXIT_CODES.conformant;
}

function idsOf(rules: readonly RuleReport[], holds: (rule: RuleReport) => boolean): readonly string[] {
  return rules.filter(holds).map((rule) => rule.id);
}
