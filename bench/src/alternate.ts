/** One way of doing the thing in question. */
export interface Contender {
  readonly name: string;
  readonly run: () => Promise<void>;
}

export interface Measured {
  readonly name: string;
  /** Median time of one run, µs. */
  readonly medianUs: number;
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
      await contender.run();
      if (round >= 0) times[at]?.push((performance.now() - startedMs) * 1000);
    }
  }
  const medians = times.map(median);
  const [first = 0] = medians;
  return contenders.map(({ name }, at) => {
    const medianUs = medians[at] ?? 0;
    return { name, medianUs, ratio: first / medianUs };
  });
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
