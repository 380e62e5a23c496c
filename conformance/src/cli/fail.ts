import { CommanderError } from "commander";
import { OptionError } from "../option-error.ts";
import { printable } from "../report/printable.ts";

/** What the command line is ended with. Verdicts have 0, 1 and 3. */
export const USAGE = 2;

/** No verdict: what went wrong is neither the store's fault nor the caller's. */
const NO_VERDICT = 3;

/** Says what is wrong, in a line. @returns the exit code */
export function fail(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE;
  if (error instanceof OptionError) {
    process.stderr.write(`error: ${printable(error.message)}\n`);
    return USAGE;
  }
  process.stderr.write(`error: ${printable(textOf(error))}\n`);
  return NO_VERDICT;
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
