import { setImmediate } from "node:timers/promises";
import { type Attempt, attempt } from "../attempt.ts";
import type { Random } from "../random.ts";
import type { Scheduler } from "../scheduler/scheduler.ts";
import type { Timing } from "../timing.ts";
import type { Wire } from "../wire/wire.ts";
import { forcedBouts, forcedScramble } from "./forced.ts";
import { pass, type Pause, pauses } from "./pauses.ts";
import { type Sample, type Strength, strengthOf } from "./strength.ts";
import { wiredBouts } from "./wired.ts";

/** Two calls that race for the same thing: `left` by handle A alone, `right` by handle B. */
export interface Duel<T, L, R, F> {
  /** Makes what they race for, afresh for each bout. */
  readonly over: () => Promise<T>;
  readonly left: (subject: T) => Promise<L>;
  readonly right: (subject: T) => Promise<R>;
  /** Reads what came of it, once both have ended. */
  readonly after: (subject: T) => Promise<F>;
  /** What they race for takes time to make: fewer distances are tried by chance. @default false */
  readonly isCostly?: boolean;
}

/** One race: who started first, what passed until the other did or who was held where, and how both ended. */
export interface Bout<T, L, R, F> {
  readonly first: "left" | "right";
  readonly pause: string;
  readonly subject: T;
  readonly left: Attempt<L>;
  readonly right: Attempt<R>;
  readonly after: F;
}

/** What the kit can hold the handles A and B by. */
export interface Stage {
  /** Their drivers' calls wait for it. */
  readonly scheduler: Scheduler | undefined;
  /** Their ways to the backend. */
  readonly wires: readonly [Wire, Wire] | undefined;
}

/** What races are run with. */
export interface Ring {
  readonly timing: Timing;
  readonly random: Random;
  readonly stage: Stage | undefined;
  /** How a call ended that must end: see {@link Kit.settles}. */
  readonly settles: <T>(call: Promise<T>) => Promise<Attempt<T>>;
}

export interface Raced<Round> {
  readonly rounds: readonly Round[];
  readonly strength: Strength;
}

/** After so long no more distances are tried: a sweep that is cut short is a sample. */
const BUDGET_MS = 10_000;

/** Of a costly duel's distances one in so many is tried, and of one whose orders were forced. */
const COSTLY_SHARE = 6;
const FORCED_SHARE = 3;

/** Runs the bouts one after the other: the forced ones first, then both orders at each distance. */
export async function runDuel<T, L, R, F>(duel: Duel<T, L, R, F>, ring: Ring): Promise<Raced<Bout<T, L, R, F>>> {
  const { scheduler, wires } = ring.stage ?? {};
  const scheduled = scheduler === undefined ? [] : await forcedBouts(duel, scheduler, ring);
  const held = wires === undefined ? undefined : await wiredBouts(duel, wires, ring);
  const forced = [...scheduled, ...(held?.bouts ?? [])];
  // One that hangs is proof enough; more of them would take a deadline each.
  if (forced.some(isPending)) return { rounds: forced, strength: "forced" };
  const chance = await chanceBouts(duel, ring, forced.length > 0);
  const isForced = scheduler !== undefined || held?.complete === true;
  return { rounds: [...forced, ...chance.rounds], strength: isForced ? "forced" : chance.strength };
}

function isPending({ left, right }: Pick<Bout<unknown, unknown, unknown, unknown>, "left" | "right">): boolean {
  return left.kind === "pending" || right.kind === "pending";
}

/** @param once each distance in one order only: where the kit has forced the orders already */
async function chanceBouts<T, L, R, F>(
  duel: Duel<T, L, R, F>,
  { timing, random, settles }: Ring,
  once: boolean,
): Promise<Raced<Bout<T, L, R, F>>> {
  const bouts: Bout<T, L, R, F>[] = [];
  const samples: Sample[] = [];
  const all = pauses(timing, random);
  const until = performance.now() + BUDGET_MS;
  const share = duel.isCostly === true ? COSTLY_SHARE : once ? FORCED_SHARE : 1;
  for (const pause of all.filter((_, index) => index % share === 0)) {
    if (performance.now() > until) return { rounds: bouts, strength: strengthOf(samples, false) };
    const sides = ["left", "right"] as const;
    for (const first of once ? [sides[random.integer(2)] ?? "left"] : sides) {
      const subject = await duel.over();
      const { left, right, overlapped } = await runBout(duel, subject, first, pause, settles);
      const after = await duel.after(subject);
      // Calls that end within a turn would keep timers, and other rules, from theirs.
      await setImmediate();
      const bout = { first, pause: `${pause.kind} ${pause.amount.toFixed(1)}`, subject, left, right, after };
      bouts.push(bout);
      samples.push({ overlapped, winner: winnerOf(bout) });
      if (isPending(bout)) return { rounds: bouts, strength: strengthOf(samples, timing.inProcess) };
    }
  }
  return { rounds: bouts, strength: strengthOf(samples, timing.inProcess) };
}

function winnerOf({ left, right }: Pick<Bout<unknown, unknown, unknown, unknown>, "left" | "right">): Sample["winner"] {
  if (left.kind === right.kind) return undefined;
  return left.kind === "fulfilled" ? "left" : "right";
}

async function runBout<T, L, R, F>(
  duel: Duel<T, L, R, F>,
  subject: T,
  first: "left" | "right",
  pause: Pause,
  settles: Ring["settles"],
): Promise<{ readonly left: Attempt<L>; readonly right: Attempt<R>; readonly overlapped: boolean }> {
  let ended = 0;
  const noted = <E>(end: Promise<Attempt<E>>): Promise<Attempt<E>> => end.finally(() => (ended += 1));
  const start = {
    left: () => noted(settles(duel.left(subject))),
    right: () => noted(settles(duel.right(subject))),
  };
  if (first === "left") {
    const left = start.left();
    await pass(pause);
    const overlapped = ended === 0;
    const [l, r] = await Promise.all([left, start.right()]);
    return { left: l, right: r, overlapped };
  }
  const right = start.right();
  await pass(pause);
  const overlapped = ended === 0;
  const [l, r] = await Promise.all([start.left(), right]);
  return { left: l, right: r, overlapped };
}

/**
 * Starts the calls in random order with random distances of a few turns, or at random steps of the scheduler's.
 * @param nth how many scrambles of the same rule there were before
 */
export async function runScramble<T>(
  calls: readonly (() => Promise<T>)[],
  { random, stage }: Ring,
  nth: number,
): Promise<Raced<Attempt<T>>> {
  const scheduler = stage?.scheduler;
  // The first one, and every second: the calls' own pace shows other orders.
  if (scheduler !== undefined && nth % 2 === 0) {
    return { rounds: await forcedScramble(calls, scheduler, random), strength: "forced" };
  }
  const answers: (Promise<Attempt<T>> | undefined)[] = calls.map(() => undefined);
  const order = calls.map((_, index) => ({ index, key: random.next() })).sort((a, b) => a.key - b.key);
  for (const { index } of order) {
    const call = calls[index];
    if (call === undefined) continue;
    answers[index] = attempt(call);
    await pass({ kind: "microtasks", amount: random.integer(8) });
  }
  const rounds = await Promise.all(answers.flatMap((answer) => (answer === undefined ? [] : [answer])));
  return { rounds, strength: scheduler === undefined ? "sampled" : "forced" };
}
