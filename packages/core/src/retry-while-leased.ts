import { isTaskStoreError } from "./errors.ts";
import type { RunState } from "./run-state.ts";
import { sleep } from "./sleep.ts";

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;

/** Errors after which the same write may be tried again: it was not applied, or nobody can say whether it was. */
export function isTransient(error: unknown): boolean {
  return isTaskStoreError(error, "STORE_UNAVAILABLE") || isTaskStoreError(error, "WRITE_OUTCOME_UNKNOWN");
}

/**
 * Repeats a run's last write while the store cannot be reached, at most until the end that its lease had at the start:
 * after that somebody else may own the task.
 * @throws the last error; what `run.over` is as soon as the run is over
 */
export async function retryWhileLeased<T>(run: RunState, attempt: () => Promise<T>): Promise<T> {
  const untilMs = run.leaseUntilMs;
  let pauseMs = FIRST_PAUSE_MS;
  for (;;) {
    run.throwIfOver();
    try {
      return await attempt();
    } catch (error) {
      if (!isTransient(error) || performance.now() + pauseMs >= untilMs) throw error;
    }
    await sleep(pauseMs * (0.5 + Math.random() / 2));
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
  }
}
