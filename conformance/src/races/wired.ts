import { setTimeout } from "node:timers/promises";
import { anyEnd } from "../attempt.ts";
import { inTime } from "../in-time.ts";
import type { Wire } from "../wire/wire.ts";
import type { Timing } from "../timing.ts";
import type { Bout, Duel, Ring } from "./duel.ts";

/** As long the other call may wait for the one that is held, ms: that is legal, it may hold a lock. */
const PATIENCE_MS = 2_000;
/** More turns than a call of any store is expected to take. */
const MAX_TURNS = 8;

/**
 * Runs the duel with each of its calls held at each turn of its handle's wire while the other runs whole: before the
 * server gets the request, and before the caller gets the answer.
 * @returns `complete`: the calls took the same turns each time, so these are all
 */
export async function wiredBouts<T, L, R, F>(
  duel: Duel<T, L, R, F>,
  wires: readonly [Wire, Wire],
  { timing, settles }: Ring,
): Promise<{ readonly bouts: readonly Bout<T, L, R, F>[]; readonly complete: boolean }> {
  const bouts: Bout<T, L, R, F>[] = [];
  let complete = true;
  for (const first of ["left", "right"] as const) {
    const wire = wires[first === "left" ? 0 : 1];
    const counts: number[] = [];
    for (let solo = 0; solo < 3; solo += 1) {
      const subject = await duel.over();
      const before = wire.turns;
      const alone = first === "left" ? anyEnd(duel.left(subject)) : anyEnd(duel.right(subject));
      // One that waits for the other's call has done by then what it does before.
      await Promise.race([alone, setTimeout(quietMs(timing))]);
      counts.push(wire.turns - before);
      await (first === "left" ? anyEnd(duel.right(subject)) : anyEnd(duel.left(subject)));
      await alone;
    }
    const [, turns = 0, again = 0] = counts;
    complete &&= turns > 0 && turns === again && turns <= MAX_TURNS;
    for (let turn = 1; turn <= Math.min(MAX_TURNS, Math.max(turns, again)); turn += 1) {
      for (const what of ["request", "answer"] as const) {
        const subject = await duel.over();
        const held = wire.holdTurn(turn, what);
        const calls: { left?: Promise<L>; right?: Promise<R> } = {};
        const left = (): Promise<L> => (calls.left ??= duel.left(subject));
        const right = (): Promise<R> => (calls.right ??= duel.right(subject));
        const [one, other] = first === "left" ? [left, right] : [right, left];
        await oneOf(held.arrived, one());
        await oneOf(other());
        held.release();
        const ends = { left: await settles(left()), right: await settles(right()) };
        const pause = `held before the ${what} of turn ${turn} passed`;
        bouts.push({ first, pause, subject, ...ends, after: await duel.after(subject) });
        if (ends.left.kind === "pending" || ends.right.kind === "pending") return { bouts, complete };
      }
    }
  }
  return { bouts, complete };
}

function quietMs({ callMs: { p50 } }: Timing): number {
  return Math.min(PATIENCE_MS, Math.max(100, 10 * p50));
}

/** Waits for the first of them to settle, but not for long. */
async function oneOf(...ends: readonly Promise<unknown>[]): Promise<void> {
  await inTime(PATIENCE_MS, Promise.race(ends.map((end) => anyEnd(end))));
}
