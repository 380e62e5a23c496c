import { startTimer } from "./long-timer.ts";
import { onAbort } from "./on-abort.ts";

/**
 * Resolves after a delay, or as soon as the signal fires: ask the signal which it was. Leaves no timer and no listener.
 * @param delayMs any delay, also one of years; 0 and less: the next turn
 */
export async function sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      stop();
      stopListening?.();
      resolve();
    };
    const stop = startTimer(Math.max(0, delayMs), done);
    const stopListening = signal && onAbort(signal, done);
  });
}
