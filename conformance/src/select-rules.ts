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
  if (unknown !== undefined) throw new OptionError(`no rule or theme is called ${unknown}; ${alikeTo(unknown, rules)}`);
  return rules.filter(
    (rule) =>
      (names === undefined || names.some((name) => isNamed(rule, name))) &&
      (generation === undefined || rule.generation === "both" || rule.generation === generation),
  );
}

/** What somebody may have meant who gave a name that is none. */
export function alikeTo(name: string, rules: readonly Pick<RuleData, "id">[]): string {
  const alike = rules.map(({ id }) => id).filter((id) => id.includes(name));
  return alike.length === 0 ? "`list` and `list --server` show all" : `there are ${alike.slice(0, 12).join(", ")}`;
}

function isNamed({ id }: Pick<RuleData, "id">, name: string): boolean {
  return id === name || id.startsWith(`${name}/`);
}
