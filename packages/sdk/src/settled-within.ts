import { pause } from "./pause.ts";

/**
 * Waits for work to settle, but no longer than this, ms. What becomes of it later is not its business.
 * @throws what the work fails with in time
 */
export async function settledWithin(work: Promise<unknown>, timeoutMs: number): Promise<void> {
  const stop = new AbortController();
  try {
    await Promise.race([work, pause(timeoutMs, stop.signal)]);
  } finally {
    stop.abort();
  }
}
