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

  /** Moves all later readings ahead. @param ms 0 or more */
  advance(ms: number): void {
    this.#advancedMs += ms;
  }
}

function monotonicEpochMs(): number {
  return performance.timeOrigin + performance.now();
}
