import { OptionError } from "./option-error.ts";
import { PROMISES } from "./rule.ts";
import type { Target } from "./target.ts";

const isText = (value: unknown): boolean => typeof value === "string" && value !== "";
const isListOf = (value: unknown, holds: (item: unknown) => boolean): boolean =>
  Array.isArray(value) && value.every(holds);
const isFunction = (value: unknown): boolean => typeof value === "function";
const isFlag = (value: unknown): boolean => typeof value === "boolean";

interface Wanted {
  readonly holds: (value: unknown) => boolean;
  readonly text: string;
}

/** What code without types may have got wrong. */
const WANTED: Readonly<Partial<Record<keyof Target, Wanted>>> = {
  version: { holds: isText, text: "a string" },
  ruleset: { holds: isText, text: 'a string such as "0.1"' },
  claims: {
    holds: (value) => isListOf(value, (item) => PROMISES.some((promise) => promise === item)),
    text: "a list of promises, P1 to P10",
  },
  settings: { holds: (value) => isListOf(value, isText), text: "a list of names of settings" },
  rules: { holds: (value) => isListOf(value, isText), text: "a list of ids of rules" },
  concurrency: { holds: (value) => Number.isSafeInteger(value) && Number(value) >= 1, text: "an integer of 1 or more" },
  opensTwice: { holds: isFlag, text: "a boolean" },
  isolated: { holds: isFlag, text: "a boolean" },
  clock: { holds: isFlag, text: "a boolean" },
  via: { holds: isFlag, text: "a boolean" },
  taskExecution: { holds: isFunction, text: "a function" },
  close: { holds: isFunction, text: "a function" },
};

/**
 * What is wrong with what a target says of itself; undefined: nothing. What it does is for the rules to see.
 */
export function problemWithTarget(target: Target): string | undefined {
  if (!isText(target.name)) return "its name has to be a string";
  const wrong = Object.entries(WANTED).find(([key, { holds }]) => {
    const value: unknown = Reflect.get(target, key);
    return value !== undefined && !holds(value);
  });
  return wrong && `its ${wrong[0]} has to be ${wrong[1].text}`;
}

/** @throws OptionError that says what is wrong with a target */
export function checkTarget(target: Target): void {
  const problem = problemWithTarget(target);
  if (problem !== undefined) throw new OptionError(`the target cannot be judged: ${problem}`);
}
