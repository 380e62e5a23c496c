import type { TaskStoreErrorCode } from "@mcp-task-store/core";
import { type Attempt, CouldNotRun, type Settled } from "../attempt.ts";
import type { Kit, Wired } from "../kit.ts";
import type { Want } from "../rule.ts";
import type { StoreSettings } from "../target.ts";
import { hasCode } from "../wants.ts";

/** How a call ended, whatever its error says: over a wire an outage is what is judged. */
export type End = Attempt<Settled<unknown>>;

export function endedWith(code: TaskStoreErrorCode): Want<End> {
  return {
    text: `an error with code ${code}`,
    holds: (end) => end.kind === "fulfilled" && end.value.kind === "rejected" && hasCode(end.value.error, [code]),
  };
}

export const couldNotTell: Want<End> = endedWith("WRITE_OUTCOME_UNKNOWN");

export const succeeded: Want<End> = {
  text: "the call to succeed",
  holds: (end) => end.kind === "fulfilled" && end.value.kind === "fulfilled",
};

const WARM_UP_MS = 60_000;

/** A handle on a wire that has connected already. */
export async function warm(kit: Kit, settings: StoreSettings = {}): Promise<Wired> {
  const wired = await kit.wired(settings);
  await wired.store.deleteTask(kit.taskId("warm-up"), { timeoutMs: WARM_UP_MS });
  return wired;
}

/** How often it is counted where a turn is seen, and where none is. */
const [LEAST_COUNTS, COUNTS] = [2, 5];

/**
 * How many turns of a wire a call takes at most.
 * @param prepare arranges what the call is about, and returns the call
 * @throws CouldNotRun if it takes none: then it goes another way
 */
export async function turnsOn(
  { wire }: Wired,
  name: string,
  prepare: () => Promise<() => Promise<unknown>>,
): Promise<number> {
  // Behind a request that is still unanswered, a hint say, a call begins no turn of its own.
  let most = 0;
  for (let count = 0; count < COUNTS && (most === 0 || count < LEAST_COUNTS); count += 1) {
    const call = await prepare();
    const before = wire.turns;
    await call();
    most = Math.max(most, wire.turns - before);
  }
  if (most > 0) return most;
  throw new CouldNotRun(`nothing passes the kit's proxy: ${name}`);
}

/** Long enough for a call that goes well. */
export function patienceMs(kit: Kit): number {
  return Math.ceil(Math.max(500, 20 * kit.timing.callMs.p50));
}

/** What a store may take to find that its connection is gone and to make another, beyond the deadline: that is many turns. */
export const RECONNECT_MS = 5_000;

/** A store knows the backend's clock by its answers. Where these took so long, it may not know enough to tell. */
const QUICK_MS = 200;
const TRIES = 8;

/**
 * Tries again while a store could not tell what became of its write and was slow.
 * @throws CouldNotRun if it always was
 */
export async function told<Seen extends { readonly end: End }>(once: () => Promise<Seen>): Promise<Seen> {
  for (let tries = 1; tries <= TRIES; tries += 1) {
    const started = performance.now();
    const seen = await once();
    if (!couldNotTell.holds(seen.end) || performance.now() - started < QUICK_MS) return seen;
  }
  throw new CouldNotRun(`the calls took longer than ${QUICK_MS} ms, so nothing follows from WRITE_OUTCOME_UNKNOWN`);
}
