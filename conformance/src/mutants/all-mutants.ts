import { mutants } from "../mutants.ts";
import { sdkV1Mutants } from "../sdk-v1/mutants.ts";
import type { Mutant } from "./mutant.ts";

/** Those of the entry `/mutants`, and those that take the SDK 1.x, which a user may not have. */
export const allMutants: readonly Mutant[] = [...mutants, ...sdkV1Mutants];
