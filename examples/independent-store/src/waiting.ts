import type { WaitOptions } from "@mcp-task-store/core";
import { MONTH_MS, optionalInteger, refuse } from "./checks.ts";
import { aborted, type Handle, type Reach } from "./handle.ts";
import type { StoredTask } from "./stored-task.ts";

/** Timers that are told to wait longer fire at once. */
const LONGEST_TIMER_MS = 2_147_483_647;

/**
 * Looks at a task after each of its changes until there is an answer. undefined: the time is over.
 * @throws TaskStoreError TASK_NOT_FOUND as soon as it is not there (any more), ABORTED, CLOSED
 */
export async function waitFor<T>(
  handle: Handle,
  reach: Reach,
  taskId: string,
  { signal, timeoutMs }: WaitOptions,
  answerOf: (task: StoredTask) => T | undefined,
): Promise<T | undefined> {
  const allowedMs = optionalInteger("timeoutMs", timeoutMs, 0, MONTH_MS) ?? Infinity;
  const overAt = performance.now() + allowedMs;
  const bell = new Bell();
  const mute = handle.backend.listen([taskId], () => bell.ring());
  try {
    for (;;) {
      // A change after this look rings, however soon it comes.
      bell.reset();
      const { answer, leftMs } = await handle.onTask(reach, taskId, { signal }, (task, now) => ({
        answer: answerOf(task),
        leftMs: task.expiresAt === null ? Infinity : task.expiresAt - now,
      }));
      if (answer !== undefined) return answer;
      const waitMs = Math.min(leftMs, overAt - performance.now());
      if (waitMs <= 0) return undefined;
      await bell.heard(waitMs, [signal, handle.closing]);
      handle.throwIfClosed();
      if (signal?.aborted === true) throw aborted(signal);
    }
  } finally {
    mute();
  }
}

/** `since` of a wait. */
export function givenRevision(options: { readonly since: number }): number {
  const { since } = options;
  return Number.isSafeInteger(since) ? since : refuse("since", "an integer");
}

/** Rings until it is reset: who listens later hears it too. */
export class Bell {
  #rung = false;
  #hear: (() => void) | undefined;

  ring(): void {
    this.#rung = true;
    this.#hear?.();
  }

  reset(): void {
    this.#rung = false;
  }

  /** Resolves when it rings or has rung, after this long, or when a signal fires or has fired. */
  async heard(waitMs: number, signals: readonly (AbortSignal | undefined)[]): Promise<void> {
    if (this.#rung || signals.some((signal) => signal?.aborted === true)) return;
    await new Promise<void>((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        for (const signal of signals) signal?.removeEventListener("abort", end);
        this.#hear = undefined;
        resolve();
      };
      const timer = setTimeout(end, Math.min(waitMs, LONGEST_TIMER_MS));
      for (const signal of signals) signal?.addEventListener("abort", end, { once: true });
      this.#hear = end;
    });
  }
}
