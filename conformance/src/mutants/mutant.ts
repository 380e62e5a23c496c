import type { Target } from "../target.ts";
import { type Layers, REFERENCE, targetWith } from "./layered-target.ts";

export type { Layers, Plot } from "./layered-target.ts";

/** One fault in an otherwise correct store. */
export interface MutantDefinition extends Layers {
  readonly name: string;
  /** What is wrong, in a sentence. */
  readonly fault: string;
  /** Rules that must fail. */
  readonly killedBy: readonly string[];
  /** Rules, or themes, that may fail too, or be unable to run: reviewed, since the fault does touch them. */
  readonly mayAlso?: readonly string[];
  /**
   * No other store may be judged in its process at the same time: the fault reaches that, or shows only to a rule that
   * begins again whenever the process stands still.
   */
  readonly alone?: true;
}

/** A store that is wrong on purpose, and the rules that find it. */
export interface Mutant {
  readonly name: string;
  /** What is wrong, in a sentence. */
  readonly fault: string;
  /** Rules that must fail. */
  readonly killedBy: readonly string[];
  /** Rules, or themes, that may fail too, or be unable to run. */
  readonly mayAlso: readonly string[];
  /** Not to be judged at the same time as other stores of its process. */
  readonly alone: boolean;
  /** The theme of rules that can meet the fault at all; undefined: every rule can. */
  readonly onlyIn: string | undefined;
  /** A fresh target with the fault in it, and how often the fault did its harm. */
  plant(): { readonly target: Target; readonly fired: () => number };
}

export function defineMutant(definition: MutantDefinition): Mutant {
  const { name, fault, killedBy, mayAlso = [], alone = false } = definition;
  return {
    name,
    fault,
    killedBy,
    mayAlso,
    alone,
    onlyIn: definition.bare === undefined ? undefined : "driver",
    plant() {
      let count = 0;
      const target = targetWith(name, definition, () => {
        count += 1;
      });
      return { target, fired: () => count };
    },
  };
}

/** The correct store that mutants are made from. */
export function referenceTarget(): Target {
  return targetWith(REFERENCE, {}, () => undefined);
}
