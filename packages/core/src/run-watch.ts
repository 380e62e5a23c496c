import { startTimer } from "./long-timer.ts";
import type { RunState } from "./run-state.ts";
import { sleep } from "./sleep.ts";
import { isTerminal } from "./task.ts";
import type { Lease, TaskStore } from "./task-store.ts";

/** Pause after a wait that failed. The heartbeat fences a worker that stays cut off. */
const RETRY_MS = 500;

/**
 * Tells a run of every change of its task, from the revision on that its lease was taken at, so that nothing between
 * that and the first wait is missed. Ends when the task is terminal, the run is over or the signal fires; never
 * rejects.
 * @see promise 9; rules cancel/signal, cancel/signal-early
 */
export async function watchRun(
  store: Pick<TaskStore, "waitForUpdate">,
  run: RunState,
  signal: AbortSignal,
): Promise<void> {
  let since = run.task.revision;
  while (!signal.aborted && run.over === undefined) {
    try {
      const task = await store.waitForUpdate(run.taskId, { since, signal });
      if (task === undefined) continue;
      since = task.revision;
      run.observe(task);
      if (isTerminal(task.status)) return;
    } catch (error) {
      run.refused(error);
      await sleep(RETRY_MS, signal);
    }
  }
}

/**
 * Tells a run when it has taken as long as it may. The time is the backend's: what was left of the run when the lease
 * was given.
 * @param sentMs when the acquire was sent, by the monotonic clock
 * @returns stops it
 */
export function startRunLimit(lease: Lease, run: RunState, sentMs: number): () => void {
  const { runUntil } = lease.task;
  if (runUntil === undefined) return () => undefined;
  const answeredAt = Date.parse(lease.expiresAt) - lease.remainingMs;
  const leftMs = Date.parse(runUntil) - answeredAt - (performance.now() - sentMs);
  return startTimer(Math.max(0, leftMs), () => run.exceedLimit());
}
