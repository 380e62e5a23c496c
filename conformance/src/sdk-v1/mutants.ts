import type { Mutant } from "../mutants/mutant.ts";
import { taskMutants } from "./task-mutants.ts";
import { valueMutants } from "./value-mutants.ts";

/** Stores of the SDK 1.x interfaces that are wrong on purpose, one fault each. */
export const sdkV1Mutants: readonly Mutant[] = [...taskMutants, ...valueMutants];
