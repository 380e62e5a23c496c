/** Nothing in the demo waits for ever. */

/**
 * Waits for something for a limited time.
 * @param signal the demo is being stopped
 * @throws Error naming `what` when the time is over; what the signal fired with
 */
export async function within<T>(
  deadlineMs: number,
  what: string,
  signal: AbortSignal,
  something: Promise<T>,
): Promise<T> {
  let endWait = (): void => undefined;
  const givenUp = new Promise<never>((_, reject) => {
    const timer = setTimeout(() => reject(inVain(deadlineMs, what)), deadlineMs);
    const onAbort = (): void => reject(asError(signal.reason));
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    endWait = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    };
  });
  try {
    return await Promise.race([something, givenUp]);
  } finally {
    endWait();
  }
}

export function inVain(deadlineMs: number, what: string): Error {
  return new Error(`waited ${(deadlineMs / 1000).toFixed(0)} s in vain for ${what}`);
}

export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
