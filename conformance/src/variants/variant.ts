import { type Layers, targetWith } from "../mutants/layered-target.ts";
import type { Target } from "../target.ts";

/** A store that is correct, and other than the reference in what a store may do as it likes. */
export interface Variant {
  readonly name: string;
  /** What it does, in a sentence. */
  readonly freedom: string;
  /** A fresh target; what it does at random comes from the seed. */
  target(seed: number): Target;
}

export function defineVariant(name: string, freedom: string, layers: (seed: number) => Layers): Variant {
  return { name, freedom, target: (seed) => targetWith(name, layers(seed), () => undefined) };
}
