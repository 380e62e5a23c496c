/** Numbers that a seed decides, so that a run can be made again. */
export interface SeededRandom {
  /** At least `low`, below `high`. */
  between(low: number, high: number): number;
  coin(): boolean;
}

/** mulberry32: 32 bits of state are plenty for a few dozen choices. */
export function seededRandom(seed: number): SeededRandom {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    between: (low, high) => low + next() * (high - low),
    coin: () => next() < 0.5,
  };
}
