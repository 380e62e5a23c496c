import { onAbort } from "./on-abort.ts";

export class WaitAborted extends Error {
  override readonly name = "WaitAborted";
}

/** Settles as `work` does, or rejects with WaitAborted as soon as one of the signals fires. */
export function unlessAborted<T>(work: Promise<T>, ...signals: readonly (AbortSignal | undefined)[]): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      stopListening();
      reject(new WaitAborted("the call was given up"));
    };
    const stops = signals.map((signal) => signal && onAbort(signal, abort));
    const stopListening = (): void => stops.forEach((stop) => stop?.());
    if (signals.some((signal) => signal?.aborted === true)) abort();
    work.then(resolve, reject).finally(stopListening);
  });
}
