import type { RunState } from "./run-state.ts";
import { startTimer } from "./long-timer.ts";
import type { TaskStore } from "./task-store.ts";

/** Beats within the life of a lease: two may fail and it still lives. */
const BEATS_PER_LEASE = 3;
const LONGEST_CALL_MS = 5_000;
const LONGEST_PAUSE_MS = 1_000;

/**
 * Renews a run's lease every third of its life until it is stopped or the run is over. A store that cannot be reached
 * is asked again until the lease's end by the monotonic clock; then the run is fenced, since the backend may hand the
 * task to somebody else. Never throws and leaves no timer behind.
 * @returns stops it
 * @see promises 8 and 9; rules exec/lease, exec/lost-lease
 */
export function startHeartbeat(store: Pick<TaskStore, "renewLease">, run: RunState): () => void {
  const everyMs = run.leaseMs / BEATS_PER_LEASE;
  // A call that hangs must not use up the time of the next try.
  const timeoutMs = Math.ceil(Math.min(everyMs, LONGEST_CALL_MS));
  const retryMs = Math.min(everyMs / 2, LONGEST_PAUSE_MS);
  let stopped = false;
  let stopBeat = (): void => undefined;
  let stopFence = (): void => undefined;

  const stop = (): void => {
    stopped = true;
    stopBeat();
    stopFence();
  };
  const guard = (): void => {
    stopFence();
    stopFence = startTimer(Math.max(0, run.leaseUntilMs - performance.now()), () => {
      stop();
      run.fence();
    });
  };
  const renew = async (): Promise<number> => {
    const sentMs = performance.now();
    try {
      const lease = await store.renewLease(run.taskId, run.token, { leaseMs: run.leaseMs, timeoutMs });
      if (stopped) return 0;
      run.renewed(lease, sentMs);
      guard();
      return sentMs + everyMs - performance.now();
    } catch (error) {
      run.refused(error);
      return retryMs;
    }
  };
  const beat = (afterMs: number): void => {
    stopBeat = startTimer(Math.max(0, afterMs), () => {
      void renew().then((pauseMs) => {
        if (!stopped && run.over === undefined) beat(pauseMs);
      });
    });
  };

  guard();
  beat(everyMs);
  return stop;
}
