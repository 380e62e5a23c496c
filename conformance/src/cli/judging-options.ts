import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { type Command, Option } from "commander";
import { type Baseline, parseBaseline } from "../baseline.ts";
import { OptionError } from "../option-error.ts";
import type { JudgeOptions } from "../plan.ts";
import { jsonReport } from "../report/json.ts";
import { junitReport } from "../report/junit.ts";
import { markdownReport } from "../report/markdown.ts";
import { describeReport } from "../report/pretty.ts";
import { exitCodeOf, type Report, type RuleReport } from "../report.ts";
import { makeDirectory } from "./make-directory.ts";
import { Progress } from "./progress.ts";
import { integer, type SelectionOptions, withSelection } from "./selection-options.ts";

const REPORTERS: Readonly<Record<string, (report: Report) => string>> = {
  pretty: (report) => `${describeReport(report)}\n`,
  json: jsonReport,
  junit: junitReport,
  markdown: markdownReport,
};

/** What `run` and `server` have in common. */
export interface JudgingOptions extends SelectionOptions {
  readonly ruleset?: string;
  readonly seed?: number;
  readonly repeat?: number;
  readonly round?: number;
  readonly replays?: number;
  readonly concurrency?: number;
  readonly strict?: true;
  readonly baseline?: string;
  readonly reporter: string;
  readonly output?: string;
}

export function withJudging(command: Command): Command {
  return withSelection(command)
    .option("--ruleset <version>", "the rules that have a say, such as 0.1; newer ones are reported only")
    .option("--seed <n>", "make the same choices again", integer(0))
    .option("--repeat <n>", "play each rule n times, each time with other choices; all have to pass", integer(1))
    .option("--round <n>", "start with this round of a repeated run, to repeat what it found", integer(0))
    .option(
      "--replays <n>",
      "how often a failed rule is played again to tell how often it fails (default: 10)",
      integer(0),
    )
    .option("--concurrency <n>", "how many rules run at a time", integer(1))
    .option("--baseline <file>", "known failures, as JSON: they do not fail the run, and one that passes does")
    .option("--strict", "failures of SHOULD rules count too")
    .addOption(new Option("--reporter <name>", "form of the report").choices(Object.keys(REPORTERS)).default("pretty"))
    .option("--output <file>", "write the report there; the terminal gets the pretty one")
    .addHelpText("after", EXIT_CODES_TEXT);
}

const EXIT_CODES_TEXT = `
Exit codes: 0 conformant, 1 a rule that counts failed or a baseline is stale, 2 wrong usage, 3 something could not run.`;

/** What a judge is told, and whom it tells. */
export interface JudgeCall extends JudgeOptions {
  readonly onProgress: (rule: RuleReport, done: number, of: number) => void;
  readonly onSlowLoad: (ms: number) => void;
}

/**
 * Judges, shows the progress and prints the report.
 * @returns the exit code
 */
export async function judging(
  { rule, generation, ruleset, seed, repeat, round, replays, concurrency, strict, ...rest }: JudgingOptions,
  judge: (call: JudgeCall) => Promise<Report>,
): Promise<number> {
  const { baseline: file, reporter, output } = rest;
  const baseline = file === undefined ? undefined : readBaseline(file);
  if (output !== undefined) makeWritable(output);
  const progress = new Progress();
  const choices = { rules: rule, generation, ruleset, seed, repeat, round, replays, concurrency, strict, baseline };
  const report = await judge({
    ...choices,
    onProgress: progress.show.bind(progress),
    onSlowLoad: (ms) => progress.waiting(`the target file is still loading after ${Math.round(ms / 1_000)} s`),
  });
  progress.end();
  const text = (REPORTERS[reporter] ?? jsonReport)(report);
  if (output !== undefined) writeFileSync(output, text);
  process.stdout.write(output === undefined ? text : `${describeReport(report)}\n`);
  return exitCodeOf(report);
}

function readBaseline(file: string): Baseline {
  try {
    return parseBaseline(readFileSync(file, "utf8"));
  } catch (error) {
    throw new OptionError(`--baseline ${file}: ${messageOf(error)}`, { cause: error });
  }
}

/** Before the run, not after it: a report that cannot be written is a run for nothing. */
function makeWritable(file: string): void {
  try {
    makeDirectory(dirname(file));
    closeSync(openSync(file, "a"));
  } catch (error) {
    throw new OptionError(`--output ${file}: ${messageOf(error)}`, { cause: error });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
