import type { Generation } from "@mcp-task-store/core";
import { OptionError } from "./option-error.ts";
import type { Rule } from "./rule.ts";
import { rules as catalogue } from "./rules/catalogue.ts";

/**
 * The catalogue, or the part of it that these ids and themes name and that concerns this generation.
 * @throws OptionError for a name that names nothing
 */
export function selectedRules(names: readonly string[] | undefined, generation?: Generation): readonly Rule[] {
  const unknown = names?.find((name) => !catalogue.some((rule) => isNamed(rule, name)));
  if (unknown !== undefined) throw new OptionError(`no rule or theme is called ${unknown}`);
  return catalogue.filter(
    (rule) =>
      (names === undefined || names.some((name) => isNamed(rule, name))) &&
      (generation === undefined || rule.generation === "both" || rule.generation === generation),
  );
}

function isNamed({ id }: Rule, name: string): boolean {
  return id === name || id.startsWith(`${name}/`);
}
