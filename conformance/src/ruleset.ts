import { readFileSync } from "node:fs";
import { OptionError } from "./option-error.ts";

/** The kit's version, as published. The manifest stands beside the sources and beside the build. */
export const KIT_VERSION: string = versionIn(readFileSync(new URL("../package.json", import.meta.url), "utf8"));

/** The first set of rules: it has those that the first release brought. */
const FIRST_RULESET = "0.1";
const FIRST_RELEASE = "0.1.0";

/** A set of rules, `MAJOR.MINOR`: all that have a say in the verdict from that release of the kit on. */
export type Ruleset = `${number}.${number}`;

/** The newest set of rules that this kit knows. A run that pins none is judged by it. */
export const NEWEST_RULESET: Ruleset = newestRulesetOf(KIT_VERSION);

/** What a kit of this version judges by: its own minor, and before the first release what that will bring. */
export function newestRulesetOf(version: string): Ruleset {
  const own = minorOf(version);
  return compare(own, FIRST_RULESET) < 0 ? FIRST_RULESET : own;
}

/**
 * The first set of rules in which a rule counts: the minor after the release that brought it. Until then the rule is a
 * preview, so that a new release of the kit turns no green run red. What the first release brings counts at once.
 */
export function countsFrom(since: string): Ruleset {
  if (since === FIRST_RELEASE) return FIRST_RULESET;
  const { major, minor } = parts(since);
  return `${major}.${minor + 1}`;
}

/** Whether a rule is reported only, and has no say in a verdict by this set of rules. */
export function isPreview(rule: { readonly since: string }, ruleset: Ruleset): boolean {
  return compare(countsFrom(rule.since), ruleset) > 0;
}

/** @throws OptionError if it is not written `0.1`, or newer than this kit */
export function checkedRuleset(text: string): Ruleset {
  if (!isRuleset(text)) throw new OptionError(`a ruleset is written MAJOR.MINOR, such as "0.1"; got "${text}"`);
  if (compare(text, NEWEST_RULESET) > 0) {
    throw new OptionError(`this kit knows rulesets up to ${NEWEST_RULESET}; ${text} needs a newer one`);
  }
  return text;
}

function isRuleset(text: string): text is Ruleset {
  return /^\d+\.\d+$/.test(text);
}

function minorOf(version: string): Ruleset {
  const { major, minor } = parts(version);
  return `${major}.${minor}`;
}

function compare(a: Ruleset, b: Ruleset): number {
  const [one, other] = [parts(a), parts(b)];
  return one.major - other.major || one.minor - other.minor;
}

function parts(version: string): { readonly major: number; readonly minor: number } {
  const [major = 0, minor = 0] = version.split(".").map((part) => Number.parseInt(part, 10));
  return { major, minor };
}

function versionIn(manifest: string): string {
  const { version }: { readonly version: string } = JSON.parse(manifest);
  return version;
}
