/** `pnpm kill-matrix`: plays every rule on every mutant, and writes docs/kill-matrix.md. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { describeRule } from "../conformance/src/index.ts";
import type { Mutant } from "../conformance/src/mutants.ts";
import { allMutants as mutants } from "../conformance/src/mutants/all-mutants.ts";
import { judgeMutant, type MutantVerdict } from "../conformance/src/mutants/judge-mutant.ts";
import { killMatrixPage, PAGE_PATH } from "./kill-matrix-page.ts";
import { showProgress } from "./progress.ts";
import { rootDirectory } from "./workspace.ts";

const USAGE = 2;

const help = `Usage: pnpm kill-matrix [options]

Plays every rule of the conformance kit on every mutant: the rules that a mutant names must fail, each by its own
expectation, and no other may. Then writes ${PAGE_PATH}.

Options:
  --check         write nothing; fail if the page is not current
  --page-only     play nothing: take rules and mutants at their word
  --mutant NAME   only this one, and no page; may be repeated
  --seed N        make the same choices again (default 1)
  --jobs N        how many mutants are judged at a time (default 4)
  --help          this text

Exit codes: 0 all is as the page says, 1 a mutant survived, a rule failed that may not, or the page is not current,
2 wrong usage.
`;

/** Shorter than a run on a strange machine needs: here only the mutants' own waiters hang. */
const timing = { minDeadlineMs: 2_500, rounds: 10 };

interface Options {
  readonly check: boolean;
  readonly pageOnly: boolean;
  readonly chosen: readonly Mutant[];
  readonly seed: number;
  readonly jobs: number;
}

/** @throws Error that says what is wrong with the arguments */
function optionsFrom(args: readonly string[]): Options | "help" {
  const { values } = parseArgs({
    args: [...args],
    options: {
      check: { type: "boolean", default: false },
      "page-only": { type: "boolean", default: false },
      mutant: { type: "string", multiple: true },
      seed: { type: "string", default: "1" },
      jobs: { type: "string", default: "4" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help === true) return "help";
  const unknown = values.mutant?.find((name) => !mutants.some((mutant) => mutant.name === name));
  if (unknown !== undefined) throw new Error(`--mutant ${unknown}: no mutant is called so`);
  const chosen = mutants.filter(({ name }) => values.mutant?.includes(name) ?? true);
  return {
    check: values.check,
    pageOnly: values["page-only"],
    chosen,
    seed: count("seed", values.seed, 0),
    jobs: count("jobs", values.jobs, 1),
  };
}

function count(option: string, text: string, least: number): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least) {
    throw new Error(`--${option} ${text}: give an integer of ${least} or more`);
  }
  return value;
}

function isGood({ survived, stray, fired }: MutantVerdict): boolean {
  return survived.length === 0 && stray.length === 0 && fired > 0;
}

function complaint({ mutant, report, survived, stray, fired }: MutantVerdict): string {
  return [
    `${mutant.name}: ${mutant.fault}`,
    ...(fired === 0 ? ["  its fault never did any harm"] : []),
    ...survived.map((rule) => `  it survived ${rule.id}\n${describeRule(rule, report)}`),
    ...stray.map((rule) => `  nobody says that this may be\n${describeRule(rule, report)}`),
  ].join("\n");
}

/** Judges some at a time, and those by themselves that reach others. */
async function judgeAll({ chosen, seed, jobs }: Options): Promise<readonly MutantVerdict[]> {
  const verdicts: MutantVerdict[] = [];
  const lane = async (waiting: Mutant[]): Promise<void> => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const verdict = await judgeMutant(mutant, { seed, timing });
      verdicts.push(verdict);
      if (!isGood(verdict)) console.error(`\n${complaint(verdict)}`);
      showProgress(`${verdicts.length}/${chosen.length} ${mutant.name}`);
    }
  };
  const together = chosen.filter(({ alone }) => !alone);
  await Promise.all(Array.from({ length: jobs }, () => lane(together)));
  await lane(chosen.filter(({ alone }) => alone));
  showProgress("");
  return verdicts;
}

/** @returns whether the page is as it has to be */
function pageIsGood(check: boolean): boolean {
  const path = join(rootDirectory, PAGE_PATH);
  const page = killMatrixPage();
  if (!check) {
    writeFileSync(path, page);
    console.log(`${PAGE_PATH} is written`);
    return true;
  }
  if (readFileSync(path, "utf8") === page) return true;
  console.error(`${PAGE_PATH} is not current: run pnpm kill-matrix`);
  return false;
}

/** @returns the exit code */
async function main(args: readonly string[]): Promise<number> {
  let options: Options | "help";
  try {
    options = optionsFrom(args);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${help}`);
    return USAGE;
  }
  if (options === "help") {
    process.stdout.write(help);
    return 0;
  }
  if (options.pageOnly) return pageIsGood(options.check) ? 0 : 1;
  const started = performance.now();
  const verdicts = await judgeAll(options);
  const wrong = verdicts.filter((verdict) => !isGood(verdict)).length;
  const seconds = ((performance.now() - started) / 1_000).toFixed(0);
  console.log(`${verdicts.length - wrong} mutants are found as they say, ${wrong} are not, in ${seconds} s`);
  if (wrong > 0) return 1;
  return options.chosen.length < mutants.length || pageIsGood(options.check) ? 0 : 1;
}

// Mutants leave calls behind that never end.
process.exit(await main(process.argv.slice(2)));
