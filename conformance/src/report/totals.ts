import { exitCodeOf, type Outcome, type Report, type RuleReport } from "../report.ts";

export function countOf({ rules }: Pick<Report, "rules">, outcome: Outcome): number {
  return rules.filter((rule) => rule.outcome === outcome).length;
}

/** `2 passed, 1 failed …`. */
export function totalsOf(report: Pick<Report, "rules">): string {
  const count = (outcome: Outcome): number => countOf(report, outcome);
  const missing = `${count("could-not-run")} could not run, ${count("not-applicable")} not applicable`;
  return `${count("pass")} passed, ${count("fail")} failed, ${missing}`;
}

/** What the run measured, and what follows: how short the lives are that rules give, and how long they wait. */
export function calibrationOf({ timing }: Pick<Report, "timing">): string {
  if (timing === undefined) return "no calibration";
  const { unitMs, deadlineMs, callMs } = timing;
  const calls = `calls take ${callMs.p50.toFixed(2)} ms (p50) to ${callMs.p99.toFixed(2)} ms (p99)`;
  return `${calls}: ttls and leases from ${unitMs} ms on, deadlines of ${deadlineMs} ms`;
}

export function targetOf({ target, version }: Pick<Report, "target" | "version">): string {
  return version === undefined ? target : `${target} ${version}`;
}

/** The verdict's word, and what a baseline makes of it. */
export function verdictOf(report: Report): string {
  const { verdict, baseline } = report;
  if (baseline === undefined) return verdict;
  const fixed = baseline.fixed.length === 0 ? "" : `; take ${baseline.fixed.join(", ")} out of the baseline`;
  const expected = exitCodeOf(report) === 0 && verdict !== "conformant" ? ", as its baseline says" : "";
  return `${verdict}${expected}${fixed}`;
}

/** The rules that are not applicable: a line for each reason. */
export function skippedOf(report: Pick<Report, "rules">): readonly string[] {
  const skipped = report.rules.filter((rule) => rule.outcome === "not-applicable");
  const reasons = new Set(skipped.map(({ reason }) => reason));
  return [...reasons].map((reason) => {
    const because = skipped.filter((rule) => rule.reason === reason).map(({ id }) => id);
    return `not applicable, ${reason ?? "for no reason"}: ${namesOf(because, report)}`;
  });
}

/** Some of the rules by name. A theme all of whose rules are among them stands as one. */
export function namesOf(ids: readonly string[], { rules }: Pick<Report, "rules">): string {
  const some = new Set(ids);
  const isWhole = (theme: string): boolean => {
    const all = rules.filter((rule) => themeOf(rule) === theme);
    return all.length > 1 && all.every(({ id }) => some.has(id));
  };
  const names = ids.map((id) => (isWhole(themeOf({ id })) ? `${themeOf({ id })}/*` : id));
  return [...new Set(names)].join(", ");
}

/** Of the rules whose calls raced: how many were played in which way. */
export function racesOf({ rules }: Pick<Report, "rules">): string {
  const counts = (["forced", "swept", "sampled", "weak"] as const).map((strength) => {
    return { strength, count: rules.filter((rule) => rule.strength === strength).length };
  });
  return counts
    .filter(({ count }) => count > 0)
    .map(({ strength, count }) => `${count} ${strength}`)
    .join(", ");
}

export function themeOf({ id }: Pick<RuleReport, "id">): string {
  return id.slice(0, id.indexOf("/"));
}
