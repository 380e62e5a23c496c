/** Time that passes only while everybody waits for it: no busy machine changes what happens, nor when. */
import { setImmediate } from "node:timers/promises";
import { VirtualTime } from "../../../conformance/src/scheduler/virtual-time.ts";

/** More than any of these plays takes. One that hangs would go on polling for ever. */
const LONGEST_MS = 600_000;
/** Turns of the event loop that a play may take before time passes. */
const QUIET_TURNS = 10;
/** How often nothing may happen at all, no timer either. */
const PATIENCE = 100;

/**
 * Plays with the process's timers and its monotonic clock, and with them the clock of memory backends, replaced: when
 * nothing else is left to do the next timer fires, at its exact instant. Stores are to be opened by the play.
 * @throws Error if the play waits for what no timer brings
 */
export async function inVirtualTime(play: (time: VirtualTime) => Promise<void>): Promise<void> {
  const time = VirtualTime.install();
  try {
    const untilMs = time.nowMs + LONGEST_MS;
    let isOver = false;
    const playing = Promise.allSettled([play(time)]).then(([result]) => {
      isOver = true;
      return result;
    });
    for (let idle = 0; ; idle += 1) {
      for (let turn = 0; turn < QUIET_TURNS; turn += 1) await setImmediate();
      if (isOver) break;
      if (idle > PATIENCE || time.nowMs > untilMs) throw new Error("The play waits for something that never comes.");
      if (time.pending === 0) continue;
      idle = 0;
      time.next();
    }
    const result = await playing;
    if (result.status === "rejected") throw result.reason;
  } finally {
    time[Symbol.dispose]();
  }
}
