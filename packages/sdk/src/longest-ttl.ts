/** The longest lifetime that stores take: one hundred years. */
export const LONGEST_TTL_MS = 3_153_600_000_000;

/** What a client wishes, as stores take it: the receiver may shorten it (S-33). */
export function wishedTtlMs(ttl: number): number {
  return Math.min(Math.ceil(ttl), LONGEST_TTL_MS);
}
