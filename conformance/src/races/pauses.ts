import { setImmediate, setTimeout } from "node:timers/promises";
import type { Random } from "../random.ts";
import type { Timing } from "../timing.ts";

/** What passes between the starts of two calls. */
export interface Pause {
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
export function pauses(timing: Timing, random: Random): readonly Pause[] {
  if (timing.inProcess) return TURNS;
  const longest = Math.min(25, 2 * timing.callMs.p50);
  const sampled = Array.from({ length: SAMPLES }, (_, step): Pause => {
    return { kind: "ms", amount: ((step + random.next()) / SAMPLES) * longest };
  });
  return [{ kind: "microtasks", amount: 0 }, ...TURNS.filter((turn) => turn.kind === "immediates"), ...sampled];
}

export async function pass(pause: Pause): Promise<void> {
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
