import { defineMutant, type Mutant } from "./mutant.ts";

export const quota: readonly Mutant[] = [
  defineMutant({
    name: "quota-global",
    fault: "The tasks of all principals count towards everybody's quota.",
    killedBy: ["bad/quota"],
    quota: { countsToo: ({ scope }) => scope !== null },
  }),
  defineMutant({
    name: "quota-look-insert",
    fault: "The quota is looked at first, the task written then.",
    killedBy: ["bad/quota"],
    quota: { unlocked: true },
  }),
];
