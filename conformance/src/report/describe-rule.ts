import { type Report, type RuleReport, standingOf } from "../report.ts";
import { authorityOf } from "./authority.ts";
import { printable } from "./printable.ts";

/** How a reader repeats a rule with the choices it made. */
type Origin = Pick<Report, "seed"> & Partial<Pick<Report, "command" | "ruleset" | "strict">>;

/**
 * What a reader needs to find the fault: what was done, seen and wanted, on whose authority, how often, and how to run
 * that rule alone with that seed.
 * @param again the command that does. @default that of the kit's own command line
 */
export function describeRule(rule: RuleReport, report: Origin, again: string = commandFor(rule, report)): string {
  const head = `${rule.outcome}  ${rule.id}: ${rule.title} (${rule.level}; ${rule.source.join(" ")})`;
  return printable([head, ...detailsOf(rule, report, again).map((line) => `  ${line}`)].join("\n"));
}

/** The same without its head, line by line. */
export function detailsOf(
  rule: RuleReport,
  report: Origin,
  again: string = commandFor(rule, report),
): readonly string[] {
  const { failure, reason } = rule;
  const remarks = remarksOn(rule, report);
  if (failure === undefined) {
    const repeat = rule.outcome === "could-not-run" ? [`again   ${again}`] : [];
    return [...(reason === undefined ? [] : [reason]), ...remarks, ...repeat];
  }
  return [
    `did     ${failure.did}`,
    `saw     ${failure.seen}`,
    `wanted  ${failure.wanted}`,
    ...rule.source.map((id, index) => `${index === 0 ? "by     " : "       "} ${authorityOf(id)}`),
    ...failure.calls.map((call, index) => `${index === 0 ? "calls  " : "       "} ${call}`),
    ...remarks.map((remark) => `note    ${remark}`),
    `again   ${again}`,
  ];
}

/** What else there is to know about an outcome. */
export function remarksOn(rule: RuleReport, report: Origin): readonly string[] {
  const { replays, rounds, strength, known } = rule;
  return [
    ...(replays === undefined ? [] : [`failed ${replays.failed} of ${replays.of} times when played again`]),
    ...(rounds === undefined || rounds.failed === 0 ? [] : [`failed in ${rounds.failed} of ${rounds.of} rounds`]),
    ...(strength === undefined ? [] : [`its races were ${strength}`]),
    ...(known === undefined ? [] : [`the baseline says that it fails: ${known}`]),
    ...(rule.preview ? [`a preview since ${rule.since}: no part of the verdict yet`] : []),
    ...(rule.counts || rule.preview ? [] : ["no part of the verdict: the target does not claim its promise"]),
    ...(standingOf(rule, { strict: report.strict ?? false }) === "warning" ? ["a SHOULD: only --strict fails it"] : []),
  ];
}

/** The command that plays this rule alone, with the same choices. */
export function commandFor(rule: RuleReport, { seed, command = "run TARGET_FILE" }: Origin): string {
  const round = rule.round === 0 ? "" : ` --round ${rule.round}`;
  return `npx mcp-task-store-conformance ${command} --rule ${rule.id} --seed ${seed}${round}`;
}
