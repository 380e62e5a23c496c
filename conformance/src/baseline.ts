import { OptionError } from "./option-error.ts";

/** Failures that are known: rule id → why, in a sentence. They do not fail a run; one that passes now does. */
export type Baseline = Readonly<Record<string, string>>;

/**
 * Reads a baseline file: `{ "knownFailures": { "cancel/coop": "issue 12: cancels at once" } }`.
 * @throws OptionError that says what is wrong with it
 */
export function parseBaseline(text: string): Baseline {
  const content = parsed(text);
  const known = isRecord(content) ? content["knownFailures"] : undefined;
  if (!isRecord(known)) throw new OptionError(`a baseline is { "knownFailures": { "RULE": "why it fails" } }`);
  const entries = Object.entries(known).map(([rule, why]): [string, string] => {
    if (typeof why !== "string" || why.trim() === "")
      throw new OptionError(`the baseline has to say why ${rule} fails`);
    return [rule, why];
  });
  return Object.fromEntries(entries);
}

/** @throws OptionError for an entry that names no rule: a misspelt one would never be missed */
export function checkBaseline(baseline: Baseline, rules: readonly { readonly id: string }[]): void {
  const unknown = Object.keys(baseline).find((id) => !rules.some((rule) => rule.id === id));
  if (unknown !== undefined) throw new OptionError(`the baseline names ${unknown}, and no rule is called so`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new OptionError("a baseline has to be JSON", { cause: error });
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
