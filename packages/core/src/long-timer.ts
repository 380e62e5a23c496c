/** A longer delay makes setTimeout fire at once. */
const MAX_TIMEOUT_MS = 2_147_483_647;

/**
 * Calls back once after any delay, also one of years.
 * @returns ends the timer; harmless after it fired
 */
export function startTimer(delayMs: number, callback: () => void): () => void {
  let remainingMs = delayMs;
  let timer: ReturnType<typeof setTimeout>;
  const step = (): void => {
    const stepMs = Math.min(remainingMs, MAX_TIMEOUT_MS);
    remainingMs -= stepMs;
    timer = setTimeout(remainingMs > 0 ? step : callback, stepMs);
  };
  step();
  return () => clearTimeout(timer);
}
