import { requirementOf } from "../requirements/requirements.ts";

/**
 * What a source of a rule asks, and where that stands: `S-55 (2025-11-25, Task Cancellation): Cancelling …`. The id alone
 * for what is no requirement.
 */
export function authorityOf(id: string): string {
  const requirement = requirementOf(id);
  if (requirement === undefined) return id;
  const { specification, section, text } = requirement;
  return `${id} (${specification ?? (id.startsWith("P") ? "promise" : "target")}, ${section}): ${text}`;
}
