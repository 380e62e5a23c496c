/** Rounds that are enough for every kind, unless one of them cannot come at all. */
const MAX_ROUNDS = 20;

/**
 * Compares on until each kind of answer was met often enough to mean something: how many rounds that takes is up to the
 * seed, and to how far the backend's clock moves between two calls.
 * @param least each kind is to be met more often than that
 * @param round makes one, of a seed of its own, and says how often it met each kind
 * @returns the kinds that stayed rare, with how often they were met; there should be none
 */
export async function untilOften(
  least: number,
  round: (nth: number) => Promise<Readonly<Record<string, number>>>,
): Promise<readonly string[]> {
  const seen = new Map<string, number>();
  for (let nth = 0; nth < MAX_ROUNDS; nth += 1) {
    for (const [kind, count] of Object.entries(await round(nth))) seen.set(kind, (seen.get(kind) ?? 0) + count);
    if (Math.min(...seen.values()) > least) return [];
  }
  return [...seen].filter(([, count]) => count <= least).map(([kind, count]) => `${kind}: ${count}`);
}
