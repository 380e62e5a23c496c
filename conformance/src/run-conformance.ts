import { checkTarget } from "./checked-target.ts";
import { factsOf, type JudgeOptions, orderOf, planOf } from "./plan.ts";
import { type Report, reportOf, type RuleReport } from "./report.ts";
import { mergedRounds } from "./rounds.ts";
import { rules } from "./rules/catalogue.ts";
import { Run } from "./run.ts";
import type { Target } from "./target.ts";
import { CLOSE_MS, troubleClosing } from "./trouble-ending.ts";

export interface RunOptions extends JudgeOptions {
  /** Called as each rule ends. `of` counts all plays of a repeated run. */
  readonly onProgress?: ((rule: RuleReport, done: number, of: number) => void) | undefined;
}

/**
 * Judges a store by the rules, in this process. Never rejects for what the target does: that is in the report. Closes
 * the target at the end.
 * @throws OptionError for an option that cannot be, such as a rule that is not there, or a target that says of itself
 *   what cannot be, such as no number of rules at a time
 */
export async function runConformance(target: Target, options: RunOptions = {}): Promise<Report> {
  const started = performance.now();
  const plan = planOf(options, rules);
  checkTarget(target);
  const facts = factsOf(plan, target);
  const rounds: (readonly RuleReport[])[] = [];
  const of = plan.rules.length * plan.rounds.length;
  const notes = new Set<string>();
  let timing: Run["timing"];
  let done = 0;
  for (const round of plan.rounds) {
    const run = new Run(target, plan.rules, orderOf(plan, facts, round), {
      ended: (report) => options.onProgress?.(report, (done += 1), of),
      noted: (note) => notes.add(note),
    });
    rounds.push(await run.play());
    timing ??= run.timing;
  }
  const trouble = await troubleClosing(target, CLOSE_MS);
  if (trouble !== undefined) notes.add(trouble);
  const durationMs = performance.now() - started;
  return reportOf(facts, mergedRounds(rounds), { durationMs, timing, notes: [...notes], baseline: plan.baseline });
}
