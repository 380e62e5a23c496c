/** Two clocks that are being slewed towards each other differ by 0.1 % at most. */
const MAX_DRIFT = 0.001;

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

  /** Epoch µs that the backend's clock has certainly reached, even if it runs slower than ours by what clocks may. */
  get atLeastUs(): number {
    return (this.#seenUs ?? 0) + Math.floor(this.#sinceSeenUs() * (1 - MAX_DRIFT));
  }

  /**
   * Epoch µs; behind the true reading by the time the last answer took to arrive, and off by
   * what the two clocks drifted apart since. For deadlines, never for proofs.
   */
  estimateUs(): number {
    return (this.#seenUs ?? 0) + Math.floor(this.#sinceSeenUs());
  }

  /** How long until an epoch ms of the backend, ms; never negative. */
  untilMs(atMs: number): number {
    return Math.max(0, Math.ceil(atMs - this.estimateUs() / 1000));
  }

  #sinceSeenUs(): number {
    return (performance.now() - this.#seenAtMs) * 1000;
  }
}
