import { type Report, type RuleReport, standingOf } from "../report.ts";
import { type Alike, alikeIn } from "./alike.ts";
import { detailsOf, remarksOn } from "./describe-rule.ts";
import { printable } from "./printable.ts";
import { calibrationOf, namesOf, racesOf, targetOf, totalsOf, verdictOf } from "./totals.ts";

/** The report for readers of a pull request or a job's summary. */
export function markdownReport(report: Report): string {
  const { kit, ruleset, seed, durationMs } = report;
  const alike = alikeIn(report);
  const races = racesOf(report);
  const notable = report.rules.filter((rule) => !QUIET.has(standingOf(rule, report)));
  const lines = [
    `## ${plain(targetOf(report))}: ${verdictOf(report)}`,
    "",
    `${totalsOf(report)}, in ${(durationMs / 1_000).toFixed(1)} s.`,
    "",
    `Kit ${kit}, ruleset ${ruleset}, seed ${seed}. ${calibrationOf(report)}.${races === "" ? "" : ` Races: ${races}.`}`,
    "",
    ...report.notes.flatMap((note) => [`Note: ${plain(note)}`, ""]),
    ...(notable.length === 0
      ? []
      : ["### What did not pass", "", ...notable.flatMap((rule) => section(rule, report, alike))]),
    "### All rules",
    "",
    "| rule | level | outcome | races | remarks |",
    "| --- | --- | --- | --- | --- |",
    ...report.rules.map((rule) => row(rule, report, alike)),
    "",
  ];
  return printable(lines.join("\n"));
}

const QUIET: ReadonlySet<string> = new Set(["passed", "not-applicable"]);

/** Of several that are alike: one, in the place of the first. */
function section(rule: RuleReport, report: Report, alike: ReadonlyMap<string, Alike>): readonly string[] {
  const group = alike.get(rule.id);
  if (group !== undefined && group.first !== rule) return [];
  const details = detailsOf(rule, report);
  const fence = "`".repeat(1 + Math.max(2, ...[...details.join("\n").matchAll(/`+/g)].map(([run]) => run.length)));
  const head =
    group === undefined
      ? `\`${rule.id}\`: ${plain(rule.title)} (${rule.outcome})`
      : `${group.ids.length} rules (${rule.outcome}): ${plain(namesOf(group.ids, report))}`;
  return [`#### ${head}`, "", fence, ...details, fence, ""];
}

function row(rule: RuleReport, report: Report, alike: ReadonlyMap<string, Alike>): string {
  const { strength = "", reason, ...rest } = rule;
  const first = alike.get(rule.id)?.first ?? rule;
  const why = first === rule ? reason : `as ${first.id}`;
  const remarks = [...(why === undefined ? [] : [why]), ...remarksOn(rest, report)];
  const cells = [`\`${rule.id}\``, rule.level, rule.outcome, strength, remarks.join("; ")];
  return `| ${cells.map((cell) => (cell.startsWith("`") ? cell : plain(cell))).join(" | ")} |`;
}

/** One line that Markdown takes for text. */
function plain(text: string): string {
  return text.replaceAll("\n", " ").replace(/[\\|<>`*_[\]]/g, "\\$&");
}
