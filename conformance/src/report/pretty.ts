import { type Report, type RuleReport, standingOf } from "../report.ts";
import { type Alike, alikeIn } from "./alike.ts";
import { describeRule, detailsOf } from "./describe-rule.ts";
import { printable } from "./printable.ts";
import { calibrationOf, namesOf, racesOf, skippedOf, targetOf, totalsOf, verdictOf } from "./totals.ts";

/** Everything of a run that is not a pass, and its totals. The verdict's word stands in the last line only. */
export function describeReport(report: Report): string {
  const notable = report.rules.filter((rule) => rule.outcome === "fail" || rule.outcome === "could-not-run");
  const fixed = report.rules.filter((rule) => standingOf(rule, report) === "fixed");
  const alike = alikeIn(report);
  const races = racesOf(report);
  const { generation, repeat, kit, ruleset, durationMs, seed } = report;
  const lines = [
    ...notable.flatMap((rule) => described(rule, report, alike)),
    ...fixed.map((rule) => describeRule(rule, report)),
    ...skippedOf(report),
    ...(report.unproved.length === 0
      ? []
      : [`unproved, since the target lends the kit no means: ${namesOf(report.unproved, report)}`]),
    ...(report.warnings.length === 0 ? [] : [`warnings: ${report.warnings.join(", ")}`]),
    ...report.notes.map((note) => `note: ${note}`),
    ...(races === "" ? [] : [`races: ${races}`]),
    calibrationOf(report),
    `kit ${kit}, ruleset ${ruleset}${generation === undefined ? "" : `, generation ${generation} only`}` +
      (repeat === 1 ? "" : `, ${repeat} rounds`),
    `${totalsOf(report)} in ${(durationMs / 1000).toFixed(1)} s, seed ${seed}`,
    `${targetOf(report)}: ${verdictOf(report)}`,
  ];
  return printable(lines.join("\n"));
}

/** In the place of the first of several that are alike: all of them. */
function described(rule: RuleReport, report: Report, alike: ReadonlyMap<string, Alike>): readonly string[] {
  const group = alike.get(rule.id);
  if (group === undefined) return [describeRule(rule, report)];
  if (group.first !== rule) return [];
  const head = `could-not-run  ${group.ids.length} rules: ${namesOf(group.ids, report)}`;
  return [head, ...detailsOf(rule, report).map((line) => `  ${line}`)];
}
