/** Waiting for a condition, never for a time. */

export interface PollOptions {
  /** What is waited for, for the message of a failure. */
  readonly what: string;
  /** ms, default 30_000 */
  readonly deadlineMs?: number;
  /** ms between two looks, default 20 */
  readonly everyMs?: number;
}

/**
 * Looks until `probe` answers something other than false, null or undefined, and returns that.
 * @throws Error naming `what` when the deadline passes first
 */
export async function pollUntil<T>(
  probe: () => Promise<T | false | null | undefined> | T | false | null | undefined,
  { what, deadlineMs = 30_000, everyMs = 20 }: PollOptions,
): Promise<T> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const found = await probe();
    if (found !== false && found !== null && found !== undefined) return found;
    if (performance.now() >= deadline) throw new Error(`waited ${deadlineMs} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
