/**
 * The clock of a memory backend: epoch µs, each reading at least one more than the reading before, so that a revision
 * never repeats. It never falls back, whatever its source does.
 */
export class BackendClock {
  readonly #epochMs: () => number;
  #advancedMs = 0;
  #lastUs = 0;

  /** @param epochMs the source; by default the process's monotonic clock, which a change of the system time does not move */
  constructor(epochMs: () => number = monotonicEpochMs) {
    this.#epochMs = epochMs;
  }

  /** The next reading, epoch µs. */
  read(): number {
    this.#lastUs = Math.max(this.#lastUs + 1, Math.floor((this.#epochMs() + this.#advancedMs) * 1000));
    return this.#lastUs;
  }

  /** Moves all later readings ahead: the next one comes more than this after the last. @param ms 0 or more */
  advance(ms: number): void {
    this.#advancedMs += ms;
    // The readings may have run ahead of the source by a few µs.
    this.#lastUs += Math.ceil(ms * 1000);
  }
}

function monotonicEpochMs(): number {
  return performance.timeOrigin + performance.now();
}
