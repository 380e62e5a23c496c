/** Rounds that are enough for every kind, unless one of them cannot come at all. */
const MAX_ROUNDS = 50;

/**
 * Compares on until each kind of answer was met often enough to mean something: how many rounds that takes is up to the
 * seed, and to how far the backend's clock moves between two calls.
 * @param round makes one, of a seed of its own, and says how often it met each kind
 * @returns how often all rounds met each; one that is still rare will never come
 */
export async function untilOften<Kind extends string>(
  least: number,
  round: (nth: number) => Promise<Readonly<Record<Kind, number>>>,
): Promise<Readonly<Record<string, number>>> {
  const seen = new Map<string, number>();
  for (let nth = 0; nth < MAX_ROUNDS; nth += 1) {
    for (const [kind, count] of Object.entries<number>(await round(nth))) seen.set(kind, (seen.get(kind) ?? 0) + count);
    if (Math.min(...seen.values()) > least) break;
  }
  return Object.fromEntries(seen);
}
