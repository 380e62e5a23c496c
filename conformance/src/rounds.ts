import type { Outcome, RuleReport, Tally } from "./report.ts";

/** The worse one is what a repeated run shows: all its rounds have to be green. */
const SEVERITY: Readonly<Record<Outcome, number>> = { pass: 0, "not-applicable": 1, "could-not-run": 2, fail: 3 };

/** One report for each rule out of those of all rounds: the first of the worst. */
export function mergedRounds(rounds: readonly (readonly RuleReport[])[]): readonly RuleReport[] {
  const [first = []] = rounds;
  if (rounds.length === 1) return first;
  const all = rounds.flat();
  return first.map((rule) => {
    const plays = all.filter((report) => report.id === rule.id);
    const worst = plays.reduce(
      (worst, play) => (SEVERITY[play.outcome] > SEVERITY[worst.outcome] ? play : worst),
      rule,
    );
    const failed = plays.filter((play) => play.outcome === "fail").length;
    const rounds: Tally = { failed, of: plays.length };
    return { ...worst, durationMs: plays.reduce((sum, play) => sum + play.durationMs, 0), rounds };
  });
}
