import type { Generation } from "@mcp-task-store/core";
import type { RuleData } from "./rule.ts";
import { rules as catalogue } from "./rules/catalogue.ts";
import { selectedRules as selected } from "./select-rules.ts";

/** Every rule about stores, in the order in which reports show them. `runConformance` plays them. */
export const rules: readonly RuleData[] = catalogue;

/**
 * The rules that these names choose, in the order of the catalogue: for a runner that announces its tests first.
 * @param names rule ids, or themes such as "cancel". @default all
 * @param generation only rules that concern it. @default both
 * @throws OptionError for a name that names nothing
 */
export function selectedRules(names?: readonly string[], generation?: Generation): readonly RuleData[] {
  return selected(names, generation);
}
