/** The target of a process of its own: the mutant that {@link MUTANT_VARIABLE} names, else the correct store. */
import { mutants } from "../mutants.ts";
import type { Target } from "../target.ts";
import { MUTANT_VARIABLE } from "./layered-target.ts";
import { referenceTarget } from "./mutant.ts";

const name = process.env[MUTANT_VARIABLE];
const mutant = mutants.find((each) => each.name === name);
if (name !== undefined && mutant === undefined) throw new Error(`no mutant is called ${name}`);

export const target: Target = mutant?.plant().target ?? referenceTarget();
