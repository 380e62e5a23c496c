/** One way of doing the thing in question. */
export interface Contender {
  readonly name: string;
  /** @returns how much of it counts, ms. @default all */
  readonly run: () => Promise<number | void>;
}

export interface Measured {
  readonly name: string;
  /** Median time of one run, µs. */
  readonly medianUs: number;
  /** What 95 of 100 runs did not exceed, µs. */
  readonly p95Us: number;
  /** Median of the first contender divided by this one's: above 1 is faster than the first. */
  readonly ratio: number;
}

/**
 * Runs the contenders by turns, so that whatever else the machine does meets all of them, and compares medians.
 * @param rounds runs of each after a tenth as many to warm up
 */
export async function alternate(contenders: readonly Contender[], rounds: number): Promise<readonly Measured[]> {
  const times = contenders.map((): number[] => []);
  const warmUp = Math.ceil(rounds / 10);
  for (let round = -warmUp; round < rounds; round += 1) {
    for (const [at, contender] of contenders.entries()) {
      const startedMs = performance.now();
      const countedMs = (await contender.run()) ?? performance.now() - startedMs;
      if (round >= 0) times[at]?.push(countedMs * 1000);
    }
  }
  const medians = times.map((values) => quantile(values, 0.5));
  const [first = 0] = medians;
  return contenders.map(({ name }, at) => {
    const medianUs = medians[at] ?? 0;
    return { name, medianUs, p95Us: quantile(times[at] ?? [], 0.95), ratio: first / medianUs };
  });
}

/** @param share from 0 to 1 */
function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)] ?? 0;
}
