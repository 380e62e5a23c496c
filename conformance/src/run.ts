import { type Task, taskExecution, type TaskStore } from "@mcp-task-store/core";
import { anyEnd, CouldNotRun } from "./attempt.ts";
import { CAPABILITY_PROBES } from "./capability-probes.ts";
import { inTime } from "./in-time.ts";
import { isError } from "./is-error.ts";
import { Journal } from "./journal.ts";
import { couldNotRun, judged, type Played, tooLong } from "./judgement.ts";
import { checkOpened } from "./opened.ts";
import { randomFrom, ruleSeed } from "./random.ts";
import { type Judged, ruleReport, type RuleReport, type Tally } from "./report.ts";
import type { Need, Rule } from "./rule.ts";
import type { Ruleset } from "./ruleset.ts";
import { Session } from "./session.ts";
import { shown } from "./shown.ts";
import type { SettingName, StoreSettings, Target, TargetNamespace } from "./target.ts";
import { troubleEnding } from "./trouble-ending.ts";
import { calibrate, DEFAULT_DEADLINE_MS, type Timing, type TimingLimits } from "./timing.ts";

/** What to play, and who listens. */
export interface PlayOrder {
  readonly seed: number;
  /** Which choices a repeated run makes; counts from 0. */
  readonly round: number;
  readonly ruleset: Ruleset;
  /** How many rules may run at a time. @default the target's own number */
  readonly concurrency?: number | undefined;
  /** How often a failed rule is played again. */
  readonly replays: number;
  /** Where the target comes from; for a target that does not say so itself. */
  readonly file?: string | undefined;
  readonly timing?: TimingLimits | undefined;
}

/** Told of everything as it happens: the process of a target may not live to the end of a round. */
export interface Listener {
  readonly calibrated?: (timing: Timing) => void;
  readonly started?: (id: string) => void;
  readonly ended?: (report: RuleReport) => void;
  readonly replayed?: (id: string, replays: Tally) => void;
  /** Of what no rule judges. */
  readonly noted?: (note: string) => void;
}

/** Rules never maintain behind each other's backs, and a lost hint costs half a second. */
const BASE_SETTINGS: StoreSettings = { maintenance: false, safetyPollMs: 500 };

const DEFAULT_CONCURRENCY = 8;

/** Longest time for a rule beyond what its own deadlines allow, in deadlines D. */
const MAX_DEADLINES = 6;

/** Longest time for the target to open a namespace, for handles on it, and for calibration. */
export const GROUND_MS = 120_000;

/** The same to close the namespace that rules share, in deadlines D: nothing waits for it but the report. */
const CLOSING_DEADLINES = 3;

/** For how long replays of one rule are begun. */
const REPLAY_MS = 30_000;

/** The target as it is, once a first namespace is open. */
interface Ground {
  readonly namespace: TargetNamespace;
  readonly handles: readonly [TaskStore, TaskStore];
  readonly timing: Timing;
  /** Capabilities that are declared and did not stand one call: caps/claims says so, other rules cannot rely on them. */
  readonly broken: ReadonlyMap<Need, unknown>;
}

/** Plays rules on a target, side by side. Never rejects for what the target does: that is in the reports. */
export class Run {
  readonly #target: Target;
  readonly #rules: readonly Rule[];
  readonly #order: PlayOrder;
  readonly #listener: Listener;
  readonly #reports = new Map<string, RuleReport>();
  #timing: Timing | undefined;

  constructor(target: Target, rules: readonly Rule[], order: PlayOrder, listener: Listener = {}) {
    this.#target = target;
    this.#rules = rules;
    this.#order = order;
    this.#listener = listener;
  }

  /** Undefined when not even calibration worked. */
  get timing(): Timing | undefined {
    return this.#timing;
  }

  get #file(): string | undefined {
    return this.#target.file ?? this.#order.file;
  }

  /** The reports, in the order of the rules. */
  async play(): Promise<readonly RuleReport[]> {
    await this.#all();
    return this.#rules.flatMap((rule) => this.#reports.get(rule.id) ?? []);
  }

  async #all(): Promise<void> {
    const opened = await anyEnd(() => bounded(this.#target.namespace(), "opening a namespace"));
    if (opened.kind === "rejected") return this.#nothingRuns("opening a namespace failed", opened.error);
    try {
      const handles = await anyEnd(() => bounded(this.#handles(opened.value, BASE_SETTINGS), "opening a handle"));
      if (handles.kind === "rejected") return this.#nothingRuns("opening a handle failed", handles.error);
      const ground = await anyEnd(() => bounded(this.#ground(opened.value, handles.value), "calibration"));
      if (ground.kind === "rejected") return this.#nothingRuns("calibration failed", ground.error);
      this.#timing = ground.value.timing;
      this.#listener.calibrated?.(ground.value.timing);
      await this.#inLanes(this.#rules, (rule) => this.#judge(rule, ground.value));
      const failed = this.#rules.filter((rule) => this.#reports.get(rule.id)?.outcome === "fail");
      if (this.#order.replays > 0) await this.#inLanes(failed, (rule) => this.#replay(rule, ground.value));
    } finally {
      const deadlineMs = Math.max(DEFAULT_DEADLINE_MS, this.#timing?.deadlineMs ?? 0);
      await this.#dispose(opened.value, CLOSING_DEADLINES * deadlineMs);
    }
  }

  async #inLanes(rules: readonly Rule[], play: (rule: Rule) => Promise<void>): Promise<void> {
    const lane = async (waiting: Rule[]): Promise<void> => {
      for (let rule = waiting.shift(); rule !== undefined; rule = waiting.shift()) await play(rule);
    };
    const together = rules.filter((rule) => !rule.needs.includes("restart"));
    const lanes = this.#order.concurrency ?? this.#target.concurrency ?? DEFAULT_CONCURRENCY;
    await Promise.all(Array.from({ length: lanes }, () => lane(together)));
    // A restart hits whoever uses the backend: such rules come last, one by one.
    await lane(rules.filter((rule) => rule.needs.includes("restart")));
  }

  async #ground(namespace: TargetNamespace, handles: Ground["handles"]): Promise<Ground> {
    const [store] = handles;
    const timing = await calibrate(store, this.#order.timing);
    const broken = new Map<Need, unknown>();
    for (const name of ["messages", "listing"] as const) {
      if (!store.capabilities[name]) continue;
      const probed = await anyEnd(() => CAPABILITY_PROBES[name](store, "smoke"));
      if (probed.kind === "rejected") broken.set(name, probed.error);
    }
    return { namespace, handles, timing, broken };
  }

  async #handles(namespace: TargetNamespace, settings: StoreSettings): Promise<readonly [TaskStore, TaskStore]> {
    const able = this.#able(settings);
    const a = await namespace.open({ settings: able });
    checkOpened(a, "TaskStore");
    return [a, this.#opensTwice(a) ? await namespace.open({ settings: able }) : a];
  }

  /** Whether opening a namespace again gives another handle on the same tasks. */
  #opensTwice({ capabilities }: TaskStore): boolean {
    return this.#target.opensTwice ?? capabilities.multiProcess;
  }

  /** Those settings that the target can set. */
  #able(settings: StoreSettings): StoreSettings {
    const able: ReadonlySet<string> | undefined = this.#target.settings && new Set<string>(this.#target.settings);
    if (able === undefined) return settings;
    return Object.fromEntries(Object.entries(settings).filter(([name]) => able.has(name)));
  }

  #nothingRuns(what: string, error: unknown): void {
    // The kit's own words say enough.
    const reason = isError(error) && error instanceof CouldNotRun ? error.message : `${what}: ${shown(error)}`;
    for (const rule of this.#rules) this.#note(this.#report(rule, 0, { outcome: "could-not-run", reason }));
  }

  #note(report: RuleReport): void {
    this.#reports.set(report.id, report);
    this.#listener.ended?.(report);
  }

  #report(rule: Rule, durationMs: number, judged: Judged): RuleReport {
    const { seed, round, ruleset } = this.#order;
    return ruleReport(rule, judged, { seed, round, durationMs }, { claims: this.#target.claims, ruleset });
  }

  async #judge(rule: Rule, ground: Ground): Promise<void> {
    this.#listener.started?.(rule.id);
    const started = performance.now();
    const judged = await this.#judged(rule, ground, false);
    this.#note(this.#report(rule, performance.now() - started, judged));
  }

  /** Plays a failed rule again: how often it fails says how much luck a reader needs to see it. */
  async #replay(rule: Rule, ground: Ground): Promise<void> {
    const report = this.#reports.get(rule.id);
    if (report === undefined) return;
    const until = performance.now() + REPLAY_MS;
    const tally = { failed: 0, of: 0 };
    while (tally.of < this.#order.replays && (tally.of === 0 || performance.now() < until)) {
      const { outcome } = await this.#judged(rule, ground, true);
      tally.of += 1;
      if (outcome === "fail") tally.failed += 1;
    }
    this.#reports.set(rule.id, { ...report, replays: tally });
    this.#listener.replayed?.(rule.id, tally);
  }

  /** @param again the rule has been played: it may not meet what it left behind under the same names */
  async #judged(rule: Rule, ground: Ground, again: boolean): Promise<Judged> {
    const settings: StoreSettings | undefined = rule.settings?.({ timing: ground.timing, announce: () => undefined });
    const reason = this.#notApplicable(rule, ground, settings);
    if (reason !== undefined) return { outcome: "not-applicable", reason };
    const broken = rule.needs.find((need) => ground.broken.has(need));
    if (broken !== undefined) return couldNotRun(`${broken} is declared and does not work`, ground.broken.get(broken));
    const journal = new Journal();
    const limit = longestPlayMs(ground.timing);
    const ended = await inTime(
      limit,
      anyEnd(() => this.#played(rule, ground, journal, again)),
    );
    return ended === undefined ? tooLong(limit) : judged(ended, journal);
  }

  #notApplicable(rule: Rule, ground: Ground, settings: StoreSettings | undefined): string | undefined {
    if (this.#target.rules?.includes(rule.id) === false) return "beyond the target's interface";
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
        return this.#target.clock === true && this.#opensTwice(handles[0]);
      case "driver":
        return namespace.openDriver !== undefined;
      case "file":
        return this.#file !== undefined;
      case "quota":
        return this.#target.settings?.includes("quota") === true;
      case "sdkV1":
        return namespace.openSdkV1 !== undefined;
      case "via":
        return this.#target.via === true;
      default:
        return handles[0].capabilities[need];
    }
  }

  async #played(rule: Rule, ground: Ground, journal: Journal, again: boolean): Promise<Played> {
    const must = rule.isolated || rule.needs.includes("restart") || ground.namespace.advance !== undefined;
    const own = again || must || this.#target.isolated === true;
    if (!own) return this.#playedIn(rule, ground, journal, BASE_SETTINGS, []);
    const orphans: Task[] = [];
    const announce = (task: Task): void => void orphans.push(task);
    const settings = { ...BASE_SETTINGS, ...rule.settings?.({ timing: ground.timing, announce }) };
    const namespace = await this.#target.namespace();
    try {
      const handles = await this.#handles(namespace, settings);
      return await this.#playedIn(rule, { ...ground, namespace, handles }, journal, settings, orphans);
    } finally {
      await this.#dispose(namespace, ground.timing.deadlineMs);
    }
  }

  async #dispose(namespace: TargetNamespace, ms: number): Promise<void> {
    const trouble = await troubleEnding("closing a namespace", ms, () => namespace[Symbol.asyncDispose]());
    if (trouble !== undefined) this.#listener.noted?.(trouble);
  }

  async #playedIn(
    rule: Rule,
    ground: Ground,
    journal: Journal,
    settings: StoreSettings,
    orphans: readonly Task[],
  ): Promise<Played> {
    const random = randomFrom(ruleSeed(this.#order.seed, rule.id, this.#order.round));
    const execute = this.#target.taskExecution ?? taskExecution;
    const { fileEnv } = this.#target;
    const session = new Session({
      ...ground,
      ruleId: rule.id,
      target: { ...(this.#file && { file: this.#file }), ...(fileEnv && { fileEnv }) },
      settings: this.#able(settings),
      able: (wanted) => this.#able(wanted),
      random,
      journal,
      execute,
      orphans,
      opensTwice: this.#opensTwice(ground.handles[0]),
      via: this.#target.via === true,
      histories: rule.histories,
    });
    try {
      const play = await rule.play(session);
      return { play, strength: session.strength };
    } finally {
      await session.end();
    }
  }
}

/** When a rule is given up. */
export function longestPlayMs({ deadlineMs, unitMs }: Timing): number {
  return MAX_DEADLINES * Math.max(DEFAULT_DEADLINE_MS, deadlineMs) + 200 * unitMs;
}

/** @throws CouldNotRun when it does not settle: a target that hangs has to leave a report all the same */
async function bounded<T>(call: PromiseLike<T>, what: string): Promise<T> {
  const ended = await inTime(GROUND_MS, anyEnd(call));
  if (ended === undefined) throw new CouldNotRun(`${what} did not end within ${GROUND_MS} ms`);
  if (ended.kind === "rejected") throw ended.error;
  return ended.value;
}
