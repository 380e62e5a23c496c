import { setImmediate, setTimeout } from "node:timers/promises";
import { attempt, type Attempt } from "./attempt.ts";
import type { Random } from "./random.ts";
import type { Timing } from "./timing.ts";

/** Two calls that race for the same thing. */
export interface Duel<T, L, R, F> {
  /** Makes what they race for, afresh for each bout. */
  readonly over: () => Promise<T>;
  readonly left: (subject: T) => Promise<L>;
  readonly right: (subject: T) => Promise<R>;
  /** Reads what came of it, once both have ended. */
  readonly after: (subject: T) => Promise<F>;
}

/** One race: who started first, what passed until the other did, and how both ended. */
export interface Bout<T, L, R, F> {
  readonly first: "left" | "right";
  readonly pause: string;
  readonly subject: T;
  readonly left: Attempt<L>;
  readonly right: Attempt<R>;
  readonly after: F;
}

/** What passes between the two starts. */
interface Pause {
  readonly kind: "microtasks" | "immediates" | "ms";
  readonly amount: number;
}

/** Distances of the turn sweep, which meets every await between two steps: each of the first 64, then wider steps. */
const TURNS: readonly Pause[] = [
  ...Array.from({ length: 64 }, (_, amount): Pause => ({ kind: "microtasks", amount })),
  ...Array.from({ length: 16 }, (_, step): Pause => ({ kind: "microtasks", amount: 64 + 4 * step })),
  ...Array.from({ length: 8 }, (_, step): Pause => ({ kind: "immediates", amount: step + 1 })),
];

const SAMPLES = 24;

/** The distances to try: all turns in process, else up to one slow call, in even steps with jitter. */
function pauses(timing: Timing, random: Random): readonly Pause[] {
  if (timing.inProcess) return TURNS;
  const longest = Math.min(25, 2 * timing.callMs.p50);
  const sampled = Array.from({ length: SAMPLES }, (_, step): Pause => {
    return { kind: "ms", amount: ((step + random.next()) / SAMPLES) * longest };
  });
  return [{ kind: "microtasks", amount: 0 }, ...TURNS.filter((turn) => turn.kind === "immediates"), ...sampled];
}

async function pass(pause: Pause): Promise<void> {
  if (pause.kind === "ms") {
    const until = performance.now() + pause.amount;
    // A timer has whole milliseconds; turns fill up the rest.
    if (pause.amount >= 2) await setTimeout(Math.floor(pause.amount) - 1);
    while (performance.now() < until) await setImmediate();
    return;
  }
  for (let turn = 0; turn < pause.amount; turn += 1) {
    await (pause.kind === "microtasks" ? Promise.resolve() : setImmediate());
  }
}

/** Runs the bouts one after the other, both orders at each distance. */
export async function runDuel<T, L, R, F>(
  duel: Duel<T, L, R, F>,
  timing: Timing,
  random: Random,
): Promise<readonly Bout<T, L, R, F>[]> {
  const bouts: Bout<T, L, R, F>[] = [];
  for (const pause of pauses(timing, random)) {
    for (const first of ["left", "right"] as const) {
      const subject = await duel.over();
      const [left, right] = await runBout(duel, subject, first, pause);
      const after = await duel.after(subject);
      // Calls that end within a turn would keep timers, and other rules, from theirs.
      await setImmediate();
      bouts.push({ first, pause: `${pause.kind} ${pause.amount.toFixed(1)}`, subject, left, right, after });
    }
  }
  return bouts;
}

async function runBout<T, L, R, F>(
  duel: Duel<T, L, R, F>,
  subject: T,
  first: "left" | "right",
  pause: Pause,
): Promise<readonly [Attempt<L>, Attempt<R>]> {
  if (first === "left") {
    const left = attempt(() => duel.left(subject));
    await pass(pause);
    return Promise.all([left, attempt(() => duel.right(subject))]);
  }
  const right = attempt(() => duel.right(subject));
  await pass(pause);
  return Promise.all([attempt(() => duel.left(subject)), right]);
}

/** Starts the calls in random order with random distances of a few turns. */
export async function runScramble<T>(
  calls: readonly (() => Promise<T>)[],
  random: Random,
): Promise<readonly Attempt<T>[]> {
  const answers: (Promise<Attempt<T>> | undefined)[] = calls.map(() => undefined);
  const order = calls.map((_, index) => ({ index, key: random.next() })).sort((a, b) => a.key - b.key);
  for (const { index } of order) {
    const call = calls[index];
    if (call === undefined) continue;
    answers[index] = attempt(call);
    await pass({ kind: "microtasks", amount: random.integer(8) });
  }
  return Promise.all(answers.flatMap((answer) => (answer === undefined ? [] : [answer])));
}
