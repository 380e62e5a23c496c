import { factsOf, type JudgeOptions, orderOf, type Plan, planOf } from "../plan.ts";
import { inShell } from "../report/in-shell.ts";
import { type Report, reportOf, type RuleReport, ruleReport, type RunFacts } from "../report.ts";
import { mergedRounds } from "../rounds.ts";
import type { Rule } from "../rule.ts";
import { rules } from "../rules/catalogue.ts";
import { checkedRuleset, NEWEST_RULESET } from "../ruleset.ts";
import type { Timing } from "../timing.ts";
import { TargetFileError } from "./load-target.ts";
import type { FromTarget, TargetFacts } from "./messages.ts";
import { type ChildOptions, WatchedChild } from "./watched-child.ts";

export interface JudgeFileOptions extends JudgeOptions, ChildOptions {
  /** Called as each rule ends. `of` counts all plays of a repeated run. */
  readonly onProgress?: ((rule: RuleReport, done: number, of: number) => void) | undefined;
}

/** So many deaths in a row, and nothing of the target is asked any more. */
const DEATHS = 3;

/**
 * Judges the target that a file exports, in processes of its own: whatever it does to them, the report comes. A rule
 * during which the process exits, hangs or dies could not run; the next ones meet a new process.
 * @throws OptionError for an option that cannot be
 * @throws TargetFileError if the file is not there, or exports no target
 */
export async function judgeFile(file: string, options: JudgeFileOptions = {}): Promise<Report> {
  const started = performance.now();
  const judging = new FileJudging(file, planOf(options, rules), options);
  const rounds = await judging.play();
  const { facts, timing, notes, plan } = judging;
  const durationMs = performance.now() - started;
  return reportOf(facts, mergedRounds(rounds), { durationMs, timing, notes, baseline: plan.baseline });
}

/** One life of a process: what was asked of it, what it told, and how it ended. */
interface Life {
  readonly ended: ReadonlyMap<string, RuleReport>;
  /** Rules that were being played at its end. */
  readonly open: readonly Rule[];
  readonly done: boolean;
  /** Undefined: as it should. */
  readonly cause: string | undefined;
  /** Another process would not get further. */
  readonly hopeless: boolean;
}

class FileJudging {
  readonly plan: Plan;
  readonly notes: string[] = [];
  timing: Timing | undefined;
  readonly #file: string;
  readonly #options: JudgeFileOptions;
  #target: TargetFacts | undefined;
  /** Processes in a row that died before a rule ended. */
  #deaths = 0;
  #lastCause: string | undefined;
  readonly #told = new Set<string>();

  constructor(file: string, plan: Plan, options: JudgeFileOptions) {
    this.#file = file;
    this.plan = plan;
    this.#options = options;
  }

  get facts(): RunFacts {
    return factsOf(this.plan, this.#target ?? { name: this.#file }, `run ${inShell(this.#file)}`);
  }

  async play(): Promise<readonly (readonly RuleReport[])[]> {
    const rounds: (readonly RuleReport[])[] = [];
    for (const round of this.plan.rounds) rounds.push(await this.#round(round));
    return rounds;
  }

  async #round(round: number): Promise<readonly RuleReport[]> {
    const reports = new Map<string, RuleReport>();
    const left = (): readonly Rule[] => this.plan.rules.filter((rule) => !reports.has(rule.id));
    for (let waiting = left(); waiting.length > 0; waiting = left()) {
      const life = await this.#live(waiting, round, this.plan.concurrency);
      this.#keep(reports, life);
      if (life.cause === undefined) break;
      if (life.open.length > 1) await this.#findCulprit(reports, life, round);
      else this.#blame(reports, life, round);
      if (life.hopeless) this.#giveUp(reports, left(), `the target file was not loaded: ${life.cause}`, round);
      if (this.#deaths < DEATHS) continue;
      this.#giveUp(
        reports,
        left(),
        `its process died ${DEATHS} times in a row; the last time ${this.#lastCause}`,
        round,
      );
    }
    return this.plan.rules.flatMap((rule) => reports.get(rule.id) ?? []);
  }

  /** The process died while several rules were being played: each of them alone shows which one did it. */
  async #findCulprit(reports: Map<string, RuleReport>, first: Life, round: number): Promise<void> {
    let found = false;
    const alone = new Map<string, RuleReport>();
    const left = (): readonly Rule[] => first.open.filter((rule) => !alone.has(rule.id));
    for (let waiting = left(); waiting.length > 0 && this.#deaths < DEATHS; waiting = left()) {
      const life = await this.#live(waiting, round, 1);
      this.#keep(alone, life);
      if (life.cause === undefined) break;
      found ||= life.open.length > 0;
      this.#blame(alone, life, round);
      if (life.hopeless) break;
    }
    const together = first.open.map((rule) => rule.id).join(", ");
    for (const [id, report] of alone) {
      const vague = !found && (report.outcome === "pass" || report.outcome === "not-applicable");
      const reason = `the process of the target died while ${together} ran side by side: ${first.cause}; alone, it ended as ${report.outcome}`;
      reports.set(id, vague ? { ...report, outcome: "could-not-run", reason } : report);
    }
  }

  /** Counts a death, and puts it down to the one rule that was being played. */
  #blame(reports: Map<string, RuleReport>, life: Life, round: number): void {
    this.#deaths += 1;
    this.#lastCause = life.cause;
    const reason = `the process of the target died: ${life.cause}`;
    const [culprit] = life.open;
    if (culprit !== undefined) this.#giveUp(reports, [culprit], reason, round);
    else if (life.done) this.notes.push(`after its last rule ${reason}`);
  }

  #giveUp(reports: Map<string, RuleReport>, rules: readonly Rule[], reason: string, round: number): void {
    for (const rule of rules) {
      const report = this.#notRun(rule, reason, round);
      reports.set(rule.id, report);
      this.#tell(report);
    }
  }

  #notRun(rule: Rule, reason: string, round: number): RuleReport {
    const ruleset = checkedRuleset(this.plan.ruleset ?? this.#target?.ruleset ?? NEWEST_RULESET);
    const play = { seed: this.plan.seed, round, durationMs: 0 };
    return ruleReport(rule, { outcome: "could-not-run", reason }, play, { claims: this.#target?.claims, ruleset });
  }

  #keep(reports: Map<string, RuleReport>, { ended }: Life): void {
    // A rule ended in a process that lived until then: a row of deaths is over.
    if (ended.size > 0) this.#deaths = 0;
    for (const [id, report] of ended) reports.set(id, report);
  }

  #tell(report: RuleReport): void {
    this.#told.add(`${report.round} ${report.id}`);
    this.#options.onProgress?.(report, this.#told.size, this.plan.rules.length * this.plan.rounds.length);
  }

  async #live(rules: readonly Rule[], round: number, concurrency: number | undefined): Promise<Life> {
    const ended = new Map<string, RuleReport>();
    const open = new Set<string>();
    let done = false;
    let problem: Error | undefined;
    const listener = (message: FromTarget): void => {
      switch (message.type) {
        case "loaded":
          this.#target = message.facts;
          try {
            const order = { ...orderOf(this.plan, this.facts, round), concurrency };
            child.play({ type: "play", rules: rules.map((rule) => rule.id), order });
          } catch (error) {
            // The target pins a ruleset that there is not.
            problem = new TargetFileError(error instanceof Error ? error.message : String(error));
            child.kill();
          }
          break;
        case "no-target":
          problem = new TargetFileError(message.problem);
          child.kill();
          break;
        case "not-loaded":
          child.kill();
          break;
        case "calibrated":
          this.timing ??= message.timing;
          break;
        case "started":
          open.add(message.id);
          break;
        case "ended":
          open.delete(message.report.id);
          ended.set(message.report.id, message.report);
          this.#tell(message.report);
          break;
        case "replayed": {
          const report = ended.get(message.id);
          if (report !== undefined) ended.set(message.id, { ...report, replays: message.replays });
          break;
        }
        case "noted":
          if (!this.notes.includes(message.note)) this.notes.push(message.note);
          break;
        case "done":
          done = true;
          break;
        case "alive":
        case "dying":
      }
    };
    const child: WatchedChild = new WatchedChild(this.#file, this.#options, listener);
    const cause = await child.ended();
    if (problem !== undefined) throw problem;
    return { ended, open: rules.filter((rule) => open.has(rule.id)), done, cause, hopeless: child.neverLoads };
  }
}
