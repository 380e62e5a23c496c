import { setImmediate } from "node:timers/promises";
import { choicesOf } from "./parked-event.ts";
import type { Choice, Fault, ParkedEvent } from "./parked-event.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** Picks one of the tokens, which are never none: the events that may happen next, oldest first, then faults, then time. */
export type Chooser = (tokens: readonly string[]) => string;

export interface SchedulerOptions {
  /** Faults to choose from. @default none */
  readonly faults?: readonly Fault[] | undefined;
  /** How many faults one run may have. @default 1 if there are any */
  readonly maxFaults?: number | undefined;
  /** Handles whose calls may fail. @default all */
  readonly faultyHandles?: readonly string[] | undefined;
  /** Hints become events, are delivered at once, or are all lost without a word. @default "events" */
  readonly hints?: "events" | "pass" | "drop" | undefined;
  /** The process's timers. They fire when nothing is parked; without it real time is waited for. */
  readonly time?: VirtualTime | undefined;
  /** How long real time is waited for when nothing is parked, ms. @default 3,000 */
  readonly patienceMs?: number | undefined;
  /** How often a timer may fire although events are parked: a run in which something is slow. @default 0 */
  readonly maxEarlyTime?: number | undefined;
}

export type ActorResult = PromiseSettledResult<unknown> | { readonly status: "pending" };

/** One run of the actors. */
export interface ScheduledRun {
  /** What was chosen, so that it can be replayed: "A.go B.go B.back A.back". */
  readonly schedule: string;
  readonly results: Readonly<Record<string, ActorResult>>;
  /** Actors that waited when nothing more could happen. */
  readonly stuck: readonly string[];
}

/** The name under which a schedule writes that the next timer fires. */
const TIME = "time";
/** Timers that fire one after another without anything else happening: then only polls are left. */
const MAX_IDLE_TIMERS = 40;
/** A run that goes on and on, by polls and heartbeats say, is stopped; who still waits is stuck. */
const MAX_DECISIONS = 2_000;
const PATIENCE_MS = 3_000;

/**
 * Decides what happens next. Calls of scheduled drivers park as events; the scheduler releases one at a time, lets it
 * run to its end, and chooses again when all is quiet. Outside {@link Scheduler.run} calls pass straight through.
 * @see rules.md 2.1
 */
export class Scheduler {
  readonly hints: "events" | "pass" | "drop";
  readonly #options: SchedulerOptions;
  readonly #parked = new Set<ParkedEvent>();
  #active = false;
  #events = 0;
  #faultsLeft = 0;
  #earlyTimeLeft = 0;
  #handles = 0;

  constructor(options: SchedulerOptions = {}) {
    this.#options = options;
    this.hints = options.hints ?? "events";
  }

  /** Whether calls park now. */
  get active(): boolean {
    return this.#active;
  }

  /** The next handle's name: A, B, C, … */
  nextHandleName(): string {
    this.#handles += 1;
    return String.fromCodePoint(64 + this.#handles);
  }

  /** Makes an event wait for its turn. @returns takes it back; harmless when it has had its turn */
  park(event: ParkedEvent): () => void {
    this.#events += 1;
    this.#parked.add(event);
    return () => {
      this.#parked.delete(event);
    };
  }

  /**
   * Starts the actors in the given order and lets their calls happen as the chooser says, until all have settled or
   * nothing more can happen. Calls that their callers gave up arrive at last; other events left over happen unscheduled.
   * @throws whatever the chooser throws
   */
  async run(actors: Readonly<Record<string, () => Promise<unknown>>>, choose: Chooser): Promise<ScheduledRun> {
    const { faults = [], maxFaults = faults.length > 0 ? 1 : 0, maxEarlyTime = 0 } = this.#options;
    this.#faultsLeft = maxFaults;
    this.#earlyTimeLeft = maxEarlyTime;
    this.#active = true;
    const results = new Map<string, ActorResult>();
    for (const [name, act] of Object.entries(actors)) {
      results.set(name, { status: "pending" });
      void Promise.allSettled([act()]).then(([result]) => results.set(name, result));
    }
    const pending = (): readonly string[] =>
      [...results].flatMap(([name, { status }]) => (status === "pending" ? [name] : []));
    const schedule: string[] = [];
    try {
      await this.#explore(choose, schedule, () => pending().length === 0);
      return { schedule: schedule.join(" "), stuck: pending(), results: Object.fromEntries(results) };
    } finally {
      this.#active = false;
      for (const event of this.#parked) await event.release();
      this.#parked.clear();
    }
  }

  async #explore(choose: Chooser, schedule: string[], isDone: () => boolean): Promise<void> {
    for (let idle = 0; ;) {
      await this.#quiet();
      if (isDone() || schedule.length >= MAX_DECISIONS) return;
      if (this.#parked.size === 0) {
        if (idle >= MAX_IDLE_TIMERS || !(await this.#somethingElse(isDone))) return;
        if (isDone()) return;
      }
      idle = this.#parked.size === 0 ? idle + 1 : 0;
      const choices = choicesOf(this.#parked, this.#allowedFaults());
      const tokens = choices.map(({ token }) => token).filter((token) => this.#mayFail(token));
      if (this.#timeMayPass()) tokens.push(TIME);
      if (tokens.length === 0) continue;
      const token = choose(tokens);
      if (!tokens.includes(token)) throw new Error(`"${token}" was chosen out of: ${tokens.join(" ")}`);
      schedule.push(token);
      await this.#happen(token, choices);
    }
  }

  async #happen(token: string, choices: readonly Choice[]): Promise<void> {
    if (token === TIME) {
      if (this.#parked.size > 0) this.#earlyTimeLeft -= 1;
      this.#options.time?.next();
      return;
    }
    const choice = choices.find((candidate) => candidate.token === token);
    if (choice === undefined) return;
    this.#parked.delete(choice.event);
    if (choice.fault === undefined) {
      await choice.event.release();
    } else {
      this.#faultsLeft -= 1;
      choice.event.faults?.[choice.fault]?.();
    }
  }

  #allowedFaults(): ReadonlySet<Fault> {
    return new Set(this.#faultsLeft > 0 ? this.#options.faults : []);
  }

  #mayFail(token: string): boolean {
    const { faultyHandles } = this.#options;
    if (faultyHandles === undefined || !token.includes("!")) return true;
    return faultyHandles.includes(handleOf(token));
  }

  #timeMayPass(): boolean {
    const { time } = this.#options;
    return time !== undefined && time.pending > 0 && (this.#parked.size === 0 || this.#earlyTimeLeft > 0);
  }

  /** Two turns of the event loop without a new event: everybody is waiting for the scheduler or for a timer. */
  async #quiet(): Promise<void> {
    for (let seen = -1; seen !== this.#events;) {
      seen = this.#events;
      await setImmediate();
      await setImmediate();
    }
  }

  /** Nothing is parked: whether a timer can fire, or real time brings something. */
  async #somethingElse(isDone: () => boolean): Promise<boolean> {
    const { time, patienceMs = PATIENCE_MS } = this.#options;
    if (time !== undefined) return time.pending > 0;
    const untilMs = Date.now() + patienceMs;
    const seen = this.#events;
    while (Date.now() < untilMs) {
      if (this.#events !== seen || isDone()) return true;
      await setImmediate();
    }
    return false;
  }
}

/** The handle that an event belongs to: "A" of "A.go~2!lost". */
export function handleOf(token: string): string {
  return token.split(".", 1)[0] ?? token;
}
