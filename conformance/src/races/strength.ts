/**
 * What the order of two calls was left to. forced: the kit held one of them at each of its steps while the other ran.
 * swept: the second started after every number of turns of the event loop. sampled: it started at many random
 * distances. weak: and hardly any of them overlapped, or the same side always won.
 */
export type Strength = "forced" | "swept" | "sampled" | "weak";

const WEAKEST_FIRST: readonly Strength[] = ["weak", "sampled", "swept", "forced"];

/** The weakest of them; undefined: there were none. */
export function weakestOf(strengths: readonly Strength[]): Strength | undefined {
  return WEAKEST_FIRST.find((strength) => strengths.includes(strength));
}

/** One sampled race, as far as it tells how hard it was. */
export interface Sample {
  readonly overlapped: boolean;
  /** The only one of the two that was fulfilled. */
  readonly winner: "left" | "right" | undefined;
}

const MIN_OVERLAP = 0.2;

/** What races that ran by chance prove. */
export function strengthOf(samples: readonly Sample[], inProcess: boolean): Strength {
  if (inProcess) return "swept";
  const overlapping = samples.filter(({ overlapped }) => overlapped).length;
  const won = new Set(samples.flatMap(({ winner }) => winner ?? []));
  return overlapping < MIN_OVERLAP * samples.length || won.size === 1 ? "weak" : "sampled";
}
