/**
 * What a process knows of the backend's clock: the last reading that came with an answer, carried on by the local
 * monotonic clock. The wall clock of the process is never used (promise 6).
 */
export class BackendClock {
  #seenUs: number | undefined;
  #seenAtMs = 0;

  get isKnown(): boolean {
    return this.#seenUs !== undefined;
  }

  observe(nowUs: number): void {
    this.#seenUs = nowUs;
    this.#seenAtMs = performance.now();
  }

  /** Epoch µs; behind the true reading by the time the last answer took to arrive, never ahead of it. */
  estimateUs(): number {
    return (this.#seenUs ?? 0) + Math.floor((performance.now() - this.#seenAtMs) * 1000);
  }

  /** How long until an epoch ms of the backend, ms; never negative. */
  untilMs(atMs: number): number {
    return Math.max(0, Math.ceil(atMs - this.estimateUs() / 1000));
  }
}
