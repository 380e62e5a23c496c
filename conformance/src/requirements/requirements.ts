import { requirements as extension } from "./generated-2026-07-28.ts";
import { requirements as promises } from "./generated-promises.ts";
import { requirements as specification } from "./generated-2025-11-25.ts";
import type { Requirement } from "./requirement.ts";

/** All that rules may name as their source, as `requirements/*.yaml` have it. */
export const requirements: readonly Requirement[] = [specification, extension, promises].flat();

const byId: ReadonlyMap<string, Requirement> = new Map(
  requirements.map((requirement) => [requirement.id, requirement]),
);

/** The requirement of an id; undefined: there is none. */
export function requirementOf(id: string): Requirement | undefined {
  return byId.get(id);
}
