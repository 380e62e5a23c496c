import type { Report, RuleReport } from "../report.ts";

/**
 * What a reader needs to find the fault: what was done, seen and wanted, on whose authority, and how to run that rule
 * alone with that seed.
 */
export function describeRule(rule: RuleReport, report: Pick<Report, "seed">): string {
  const again = `run again: runConformance(target, { rules: ["${rule.id}"], seed: ${report.seed} })`;
  const head = `${rule.outcome}  ${rule.id}: ${rule.title} (${rule.level}; ${rule.source.join(" ")})`;
  const { failure } = rule;
  if (failure === undefined) return [head, ...(rule.reason === undefined ? [] : [`  ${rule.reason}`])].join("\n");
  return [
    head,
    `  did     ${failure.did}`,
    `  saw     ${failure.seen}`,
    `  wanted  ${failure.wanted}`,
    ...failure.calls.map((call, index) => `  ${index === 0 ? "calls  " : "       "} ${call}`),
    `  ${again}`,
  ].join("\n");
}

/** Everything of a run that is not a pass, and its totals. The verdict's word stands in the last line only. */
export function describeReport(report: Report): string {
  const notable = report.rules.filter((rule) => rule.outcome === "fail" || rule.outcome === "could-not-run");
  const skipped = report.rules.filter((rule) => rule.outcome === "not-applicable");
  const count = (outcome: RuleReport["outcome"]): number => report.rules.filter((r) => r.outcome === outcome).length;
  const { timing } = report;
  return [
    ...notable.map((rule) => describeRule(rule, report)),
    ...(skipped.length === 0 ? [] : [`not applicable: ${skipped.map((r) => `${r.id} (${r.reason})`).join(", ")}`]),
    ...(report.warnings.length === 0 ? [] : [`warnings: ${report.warnings.join(", ")}`]),
    timing === undefined
      ? "no calibration"
      : `L ${timing.unitMs} ms, D ${timing.deadlineMs} ms, call p50 ${timing.callMs.p50.toFixed(2)} ms, p99 ${timing.callMs.p99.toFixed(2)} ms`,
    `${count("pass")} passed, ${count("fail")} failed, ${count("could-not-run")} could not run, ` +
      `${count("not-applicable")} not applicable in ${(report.durationMs / 1000).toFixed(1)} s, seed ${report.seed}`,
    `${report.target}${report.version === undefined ? "" : ` ${report.version}`}: ${report.verdict}`,
  ].join("\n");
}
