import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { type Command, Option } from "commander";
import { type Baseline, parseBaseline } from "../baseline.ts";
import { OptionError } from "../option-error.ts";
import { jsonReport } from "../report/json.ts";
import { junitReport } from "../report/junit.ts";
import { markdownReport } from "../report/markdown.ts";
import { describeReport } from "../report/pretty.ts";
import { exitCodeOf, type Report } from "../report.ts";
import { judgeFile } from "../supervised/judge-file.ts";
import { Progress } from "./progress.ts";
import { integer, type SelectionOptions, withSelection } from "./selection-options.ts";

const REPORTERS: Readonly<Record<string, (report: Report) => string>> = {
  pretty: (report) => `${describeReport(report)}\n`,
  json: jsonReport,
  junit: junitReport,
  markdown: markdownReport,
};

interface RunCommandOptions extends SelectionOptions {
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

/** Adds `run`. @param ended is told the exit code */
export function addRunCommand(program: Command, ended: (code: number) => void): void {
  const command = program
    .command("run")
    .summary("judge the store that a target file opens")
    .description(
      "Judges the store that TARGET_FILE exports, as `target` or as its default, in a process of its own. JavaScript or TypeScript.",
    )
    .argument("<target-file>", "the module that exports the target");
  withSelection(command)
    .option("--ruleset <version>", "the rules that have a say, such as 0.1; newer ones are reported only")
    .option("--seed <n>", "make the same choices again", integer(0))
    .option("--repeat <n>", "play each rule n times, each time with other choices; all have to pass", integer(1))
    .option("--round <n>", "start with this round of a repeated run, to repeat what it found", integer(0))
    .option(
      "--replays <n>",
      "how often a failed rule is played again to tell how often it fails (default: 10)",
      integer(0),
    )
    .option("--concurrency <n>", "how many rules run at a time (default: what the target says, else 8)", integer(1))
    .option("--baseline <file>", "known failures, as JSON: they do not fail the run, and one that passes does")
    .option("--strict", "failures of SHOULD rules count too")
    .addOption(new Option("--reporter <name>", "form of the report").choices(Object.keys(REPORTERS)).default("pretty"))
    .option("--output <file>", "write the report there; the terminal gets the pretty one")
    .addHelpText("after", EXIT_CODES_TEXT)
    .action(async (file: string, options: RunCommandOptions) => {
      ended(await run(file, options));
    });
}

const EXIT_CODES_TEXT = `
Exit codes: 0 conformant, 1 a rule that counts failed or a baseline is stale, 2 wrong usage, 3 something could not run.`;

async function run(file: string, options: RunCommandOptions): Promise<number> {
  const { rule, reporter, output, baseline, ...rest } = options;
  const known = baseline === undefined ? undefined : readBaseline(baseline);
  if (output !== undefined) makeWritable(output);
  const progress = new Progress();
  const onProgress = progress.show.bind(progress);
  const report = await judgeFile(file, { ...rest, rules: rule, baseline: known, onProgress });
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
    mkdirSync(dirname(file), { recursive: true });
    closeSync(openSync(file, "a"));
  } catch (error) {
    throw new OptionError(`--output ${file}: ${messageOf(error)}`, { cause: error });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
