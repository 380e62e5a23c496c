import type { Generation } from "@mcp-task-store/core";
import { OptionError } from "./option-error.ts";
import type { Rule, RuleData } from "./rule.ts";
import { rules as catalogue } from "./rules/catalogue.ts";

/**
 * The catalogue, or the part of it that these ids and themes name and that concerns this generation.
 * @throws OptionError for a name that names nothing
 */
export function selectedRules(names: readonly string[] | undefined, generation?: Generation): readonly Rule[] {
  return selectedFrom(catalogue, names, generation);
}

/** The same of any catalogue. */
export function selectedFrom<R extends Pick<RuleData, "id" | "generation">>(
  rules: readonly R[],
  names: readonly string[] | undefined,
  generation: Generation | undefined,
): readonly R[] {
  const unknown = names?.find((name) => !rules.some((rule) => isNamed(rule, name)));
  if (unknown !== undefined) throw new OptionError(`no rule or theme is called ${unknown}`);
  return rules.filter(
    (rule) =>
      (names === undefined || names.some((name) => isNamed(rule, name))) &&
      (generation === undefined || rule.generation === "both" || rule.generation === generation),
  );
}

function isNamed({ id }: Pick<RuleData, "id">, name: string): boolean {
  return id === name || id.startsWith(`${name}/`);
}
