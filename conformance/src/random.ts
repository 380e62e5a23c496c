/** Random choices of one rule: all come from its seed, so that a run can be repeated. */
export interface Random {
  /** The seed this stream started from. */
  readonly seed: number;
  /** From 0 inclusive to 1 exclusive. */
  next(): number;
  /** An integer from 0 to `below` - 1. */
  integer(below: number): number;
}

/**
 * Seed of one rule: a new rule moves no other's.
 * FNV-1a over the parts with a final mix; 32 bits.
 */
export function ruleSeed(runSeed: number, ruleId: string, round: number): number {
  let hash = 0x811c9dc5;
  for (const char of `${runSeed}/${ruleId}/${round}`) {
    hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** mulberry32: small, even enough for schedules, the same on every platform. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
  return { seed, next, integer: (below) => Math.floor(next() * below) };
}

/** A seed for a run that was given none. */
export function randomSeed(): number {
  return Math.floor(Math.random() * 0x1_0000_0000);
}
