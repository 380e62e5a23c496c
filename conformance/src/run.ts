import { type Task, taskExecution, type TaskStore } from "@mcp-task-store/core";
import { anyEnd, isDown, type Settled } from "./attempt.ts";
import { Journal } from "./journal.ts";
import { randomFrom, ruleSeed } from "./random.ts";
import { type Failure, type Outcome, type Report, type RuleReport, verdictOf, warningsOf } from "./report.ts";
import type { Need, Play, PromiseId, Rule } from "./rule.ts";
import { rules as catalogue } from "./rules/catalogue.ts";
import { Session } from "./session.ts";
import { shown } from "./shown.ts";
import type { SettingName, StoreSettings, Target, TargetNamespace } from "./target.ts";
import { calibrate, type Timing, type TimingLimits } from "./timing.ts";

export interface RunOptions {
  /** @default random; the report names it */
  readonly seed?: number | undefined;
  /** Ids or themes ("cancel") of the rules to run. @default all */
  readonly rules?: readonly string[] | undefined;
  /** Failures of SHOULD rules count too. @default false */
  readonly strict?: boolean | undefined;
  /** Called as each rule ends. */
  readonly onProgress?: ((rule: RuleReport, done: number, of: number) => void) | undefined;
  /** For tests of the kit itself: shorter deadlines than a slow machine needs. */
  readonly timing?: TimingLimits | undefined;
}

/** Rules never maintain behind each other's backs, and a lost hint costs half a second. */
const BASE_SETTINGS: StoreSettings = { maintenance: false, safetyPollMs: 500 };

const DEFAULT_CONCURRENCY = 8;

/** Longest time for a rule beyond what its own deadlines allow, in deadlines D. */
const MAX_DEADLINES = 6;

/**
 * Judges a store by the rules. Never rejects for what the target does: that is in the report.
 * @throws TypeError for an unknown rule
 */
export async function runConformance(target: Target, options: RunOptions = {}): Promise<Report> {
  const run = new Run(target, options, selectedRules(options.rules));
  return run.report();
}

/** The catalogue, or the part of it that these ids and themes name. @throws TypeError for an unknown one */
export function selectedRules(names: readonly string[] | undefined): readonly Rule[] {
  if (names === undefined) return catalogue;
  const chosen = catalogue.filter((rule) => names.some((name) => rule.id === name || rule.id.startsWith(`${name}/`)));
  const unknown = names.find((name) => !chosen.some((rule) => rule.id === name || rule.id.startsWith(`${name}/`)));
  if (unknown !== undefined) throw new TypeError(`no rule or theme is called ${unknown}`);
  return chosen;
}

/** The target as it is, once a first namespace is open. */
interface Ground {
  readonly namespace: TargetNamespace;
  readonly handles: readonly [TaskStore, TaskStore];
  readonly timing: Timing;
}

class Run {
  readonly #target: Target;
  readonly #options: RunOptions;
  readonly #rules: readonly Rule[];
  readonly #seed: number;
  readonly #reports = new Map<string, RuleReport>();

  constructor(target: Target, options: RunOptions, rules: readonly Rule[]) {
    this.#target = target;
    this.#options = options;
    this.#rules = rules;
    this.#seed = options.seed ?? Math.floor(Math.random() * 0xffff_ffff);
  }

  async report(): Promise<Report> {
    const started = performance.now();
    const timing = await this.#all();
    const strict = this.#options.strict ?? false;
    const reports = this.#rules.flatMap((rule) => this.#reports.get(rule.id) ?? []);
    return {
      target: this.#target.name,
      ...(this.#target.version === undefined ? {} : { version: this.#target.version }),
      verdict: verdictOf(reports, strict),
      seed: this.#seed,
      strict,
      durationMs: performance.now() - started,
      ...(timing === undefined ? {} : { timing }),
      rules: reports,
      warnings: warningsOf(reports, strict),
    };
  }

  async #all(): Promise<Timing | undefined> {
    const opened = await anyEnd(() => this.#target.namespace());
    if (opened.kind === "rejected") return this.#nothingRuns("opening a namespace failed", opened.error);
    try {
      const ground = await anyEnd(() => this.#ground(opened.value));
      if (ground.kind === "rejected") return this.#nothingRuns("calibration failed", ground.error);
      const lane = async (waiting: Rule[]): Promise<void> => {
        for (let rule = waiting.shift(); rule !== undefined; rule = waiting.shift()) {
          this.#note(await this.#one(rule, ground.value));
        }
      };
      const together = this.#rules.filter((rule) => !rule.needs.includes("restart"));
      const lanes = Array.from({ length: this.#target.concurrency ?? DEFAULT_CONCURRENCY }, () => lane(together));
      await Promise.all(lanes);
      // A restart hits whoever uses the backend: such rules come last, one by one.
      await lane(this.#rules.filter((rule) => rule.needs.includes("restart")));
      return ground.value.timing;
    } finally {
      await anyEnd(() => opened.value[Symbol.asyncDispose]());
    }
  }

  async #ground(namespace: TargetNamespace): Promise<Ground> {
    const handles = await this.#handles(namespace, BASE_SETTINGS);
    return { namespace, handles, timing: await calibrate(handles[0], this.#options.timing) };
  }

  async #handles(namespace: TargetNamespace, settings: StoreSettings): Promise<readonly [TaskStore, TaskStore]> {
    const able = this.#able(settings);
    const a = await namespace.open({ settings: able });
    return [a, (this.#target.opensTwice ?? a.capabilities.multiProcess) ? await namespace.open({ settings: able }) : a];
  }

  /** Those settings that the target can set. */
  #able(settings: StoreSettings): StoreSettings {
    const able: ReadonlySet<string> | undefined = this.#target.settings && new Set<string>(this.#target.settings);
    if (able === undefined) return settings;
    return Object.fromEntries(Object.entries(settings).filter(([name]) => able.has(name)));
  }

  #nothingRuns(what: string, error: unknown): undefined {
    const reason = `${what}: ${shown(error)}`;
    for (const rule of this.#rules) this.#note(this.#ruleReport(rule, 0, { outcome: "could-not-run", reason }));
  }

  #note(report: RuleReport): void {
    this.#reports.set(report.id, report);
    this.#options.onProgress?.(report, this.#reports.size, this.#rules.length);
  }

  async #one(rule: Rule, ground: Ground): Promise<RuleReport> {
    const started = performance.now();
    const settings: StoreSettings | undefined = rule.settings?.({ timing: ground.timing, announce: () => undefined });
    const reason = this.#notApplicable(rule, ground, settings);
    if (reason !== undefined) return this.#ruleReport(rule, 0, { outcome: "not-applicable", reason });
    const journal = new Journal();
    const timer = new AbortController();
    const limit = MAX_DEADLINES * ground.timing.deadlineMs + 200 * ground.timing.unitMs;
    const ended = await Promise.race([anyEnd(() => this.#played(rule, ground, journal)), over(limit, timer.signal)]);
    timer.abort();
    const result = ended === undefined ? tooLong(limit) : judged(ended, journal);
    return this.#ruleReport(rule, performance.now() - started, result);
  }

  #notApplicable(rule: Rule, ground: Ground, settings: StoreSettings | undefined): string | undefined {
    const missingNeed = rule.needs.find((need) => !this.#has(need, ground));
    if (missingNeed !== undefined) return `needs ${missingNeed}`;
    const able: readonly SettingName[] | undefined = this.#target.settings;
    if (able === undefined || settings === undefined) return undefined;
    const names: ReadonlySet<string> = new Set(able);
    const missing = Object.keys(settings).find((name) => !names.has(name));
    return missing === undefined ? undefined : `needs the setting ${missing}`;
  }

  #has(need: Need, { handles, namespace }: Ground): boolean {
    switch (need) {
      case "restart":
        return namespace.restart !== undefined;
      case "clock":
        return this.#target.clock === true;
      case "file":
        return this.#target.file !== undefined;
      case "quota":
        return this.#target.settings?.includes("quota") === true;
      default:
        return handles[0].capabilities[need];
    }
  }

  async #played(rule: Rule, ground: Ground, journal: Journal): Promise<Play> {
    const must = rule.isolated || rule.needs.includes("restart") || ground.namespace.advance !== undefined;
    const own = must || this.#target.isolated === true;
    if (!own) return this.#playedIn(rule, ground, journal, BASE_SETTINGS, []);
    const orphans: Task[] = [];
    const announce = (task: Task): void => void orphans.push(task);
    const settings = { ...BASE_SETTINGS, ...rule.settings?.({ timing: ground.timing, announce }) };
    const namespace = await this.#target.namespace();
    try {
      const handles = await this.#handles(namespace, settings);
      return await this.#playedIn(rule, { namespace, handles, timing: ground.timing }, journal, settings, orphans);
    } finally {
      await anyEnd(() => namespace[Symbol.asyncDispose]());
    }
  }

  async #playedIn(
    rule: Rule,
    ground: Ground,
    journal: Journal,
    settings: StoreSettings,
    orphans: readonly Task[],
  ): Promise<Play> {
    const random = randomFrom(ruleSeed(this.#seed, rule.id, 0));
    const execute = this.#target.taskExecution ?? taskExecution;
    const able = this.#able(settings);
    const parts = { ...ground, target: this.#target, settings: able, random, journal, execute, orphans };
    const session = new Session({ ...parts, ruleId: rule.id });
    try {
      return await rule.play(session);
    } finally {
      await session.end();
    }
  }

  #ruleReport(rule: Rule, durationMs: number, result: Judged): RuleReport {
    const claims: ReadonlySet<PromiseId> | undefined = this.#target.claims && new Set(this.#target.claims);
    const counts =
      rule.level !== "promise" ||
      claims === undefined ||
      rule.promises.length === 0 ||
      rule.promises.some((promise) => claims.has(promise));
    const seed = ruleSeed(this.#seed, rule.id, 0);
    return {
      id: rule.id,
      title: rule.title,
      level: rule.level,
      source: rule.source,
      counts,
      seed,
      durationMs,
      ...result,
    };
  }
}

interface Judged {
  readonly outcome: Outcome;
  readonly failure?: Failure;
  readonly reason?: string;
}

async function over(ms: number, signal: AbortSignal): Promise<undefined> {
  const { setTimeout } = await import("node:timers/promises");
  await anyEnd(() => setTimeout(ms, undefined, { signal }));
}

function tooLong(ms: number): Judged {
  return { outcome: "could-not-run", reason: `the rule did not end within ${ms} ms` };
}

function judged(ended: Settled<Play>, journal: Journal): Judged {
  if (ended.kind === "rejected") return couldNotRun("opening its namespace", ended.error);
  const play = ended.value;
  if (play.kind === "passed") return { outcome: "pass" };
  if (play.kind === "failed") {
    const { did, seen, wants } = play.witness;
    return { outcome: "fail", failure: { did, seen: shown(seen), wanted: wants, calls: journal.calls, by: "judge" } };
  }
  if (play.stage !== "act" || !journal.threw(play.error) || isDown(play.error))
    return couldNotRun(play.stage, play.error);
  const failure = {
    did: "the calls of this rule that every store must carry out",
    seen: shown(play.error),
    wanted: "no error",
    calls: journal.calls,
    by: "call",
  } as const;
  return { outcome: "fail", failure };
}

function couldNotRun(stage: string, error: unknown): Judged {
  const cause = error instanceof Error && error.cause !== undefined ? `; cause: ${shown(error.cause)}` : "";
  return { outcome: "could-not-run", reason: `${stage}: ${shown(error)}${cause}` };
}
