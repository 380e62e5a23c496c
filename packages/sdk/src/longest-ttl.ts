/** The longest lifetime that stores take: one hundred years. */
export const LONGEST_TTL_MS = 3_153_600_000_000;
