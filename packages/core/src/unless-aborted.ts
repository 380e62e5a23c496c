export class WaitAborted extends Error {
  override readonly name = "WaitAborted";
}

/** Settles as `work` does, or rejects with WaitAborted as soon as one of the signals fires. */
export function unlessAborted<T>(work: Promise<T>, ...signals: readonly (AbortSignal | undefined)[]): Promise<T> {
  return new Promise((resolve, reject) => {
    const stopListening = (): void => {
      for (const signal of signals) signal?.removeEventListener("abort", onAbort);
    };
    const onAbort = (): void => {
      stopListening();
      reject(new WaitAborted("the call was given up"));
    };
    for (const signal of signals) signal?.addEventListener("abort", onAbort);
    if (signals.some((signal) => signal?.aborted === true)) onAbort();
    work.then(resolve, reject).finally(stopListening);
  });
}
