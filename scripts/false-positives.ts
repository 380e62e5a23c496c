/** `pnpm false-positives`: correct stores, judged again and again; a rule that fails one of them is wrong. */
import { parseArgs } from "node:util";
import { describeRule, type Report, runConformance, selectedRules } from "../conformance/src/index.ts";
import { referenceTarget, variants } from "../conformance/src/mutants.ts";
import type { Target } from "../conformance/src/targets.ts";
import { target as independent } from "../examples/independent-store/src/conformance.target.ts";
import { BACKENDS } from "./backends.ts";
import { showProgress } from "./progress.ts";

const USAGE = 2;

/** Where a target for a run comes from, and what has to be let go of at the end. */
interface Source extends AsyncDisposable {
  readonly target: (seed: number) => Target;
}

const nothing = async (): Promise<void> => undefined;

/** Correct stores of the kit and one that shares nothing with them, then those of this repository. */
const SOURCES: Readonly<Record<string, () => Promise<Source>>> = {
  reference: async () => ({ target: referenceTarget, [Symbol.asyncDispose]: nothing }),
  independent: async () => ({ target: () => independent, [Symbol.asyncDispose]: nothing }),
  ...Object.fromEntries(
    variants.map((variant) => [
      variant.name,
      async (): Promise<Source> => ({ target: (seed) => variant.target(seed), [Symbol.asyncDispose]: nothing }),
    ]),
  ),
  ...Object.fromEntries(
    Object.entries(BACKENDS).map(([name, open]) => [
      name,
      async (): Promise<Source> => {
        const opened = await open((line) => console.log(line));
        return { target: () => opened.target, [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose]() };
      },
    ]),
  ),
};

const KIT: readonly string[] = ["reference", "independent", ...variants.map(({ name }) => name)];

const help = `Usage: pnpm false-positives [options]

Judges correct stores again and again, each time with another seed. Every rule has to pass, or to be not applicable.

Options:
  --runs N         how often each store is judged (default 10)
  --backend NAME   this store; may be repeated (default: those of the kit). Of the kit:
                   ${KIT.join(", ")};
                   of this repository: ${Object.keys(BACKENDS).join(", ")}
  --rule ID        only this rule or theme; may be repeated
  --seed N         the first seed; each run takes the next (default random)
  --help           this text

Exit codes: 0 every run passed, 1 a rule failed, 2 wrong usage, 3 something could not run.
`;

interface Options {
  readonly runs: number;
  readonly names: readonly string[];
  readonly rules: readonly string[] | undefined;
  readonly seed: number;
}

/** @throws Error that says what is wrong with the arguments */
function optionsFrom(args: readonly string[]): Options | "help" {
  const { values } = parseArgs({
    args: [...args],
    options: {
      runs: { type: "string", default: "10" },
      backend: { type: "string", multiple: true },
      rule: { type: "string", multiple: true },
      seed: { type: "string", default: String(Math.floor(Math.random() * 0x7fff_ffff)) },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help === true) return "help";
  const known = Object.keys(SOURCES);
  const unknown = values.backend?.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Error(`--backend ${unknown}: give ${known.join(", ")}`);
  const [runs, seed] = [Number(values.runs), Number(values.seed)];
  if (!Number.isSafeInteger(runs) || runs < 1) throw new Error(`--runs ${values.runs}: give an integer of 1 or more`);
  if (!Number.isSafeInteger(seed) || seed < 0) throw new Error(`--seed ${values.seed}: give an integer of 0 or more`);
  selectedRules(values.rule);
  return { runs, names: values.backend ?? KIT, rules: values.rule, seed };
}

/** The rules of a run that neither passed nor were not applicable. */
function notGreen({ rules }: Report): Report["rules"] {
  return rules.filter(({ outcome }) => outcome === "fail" || outcome === "could-not-run");
}

/** One after the other, and says of each what went wrong, with its seed. */
async function judge(name: string, { runs, rules, seed }: Options): Promise<readonly Report[]> {
  const open = SOURCES[name];
  if (open === undefined) throw new Error(`no store is called ${name}`);
  await using source = await open();
  const reports: Report[] = [];
  for (let run = 0; run < runs; run += 1) {
    showProgress(`${name} ${run + 1}/${runs}, seed ${seed + run}`);
    const report = await runConformance(source.target(seed + run), { seed: seed + run, rules });
    reports.push(report);
    for (const rule of notGreen(report)) console.error(`\n${name}, seed ${seed + run}\n${describeRule(rule, report)}`);
  }
  showProgress("");
  return reports;
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
  let failed = 0;
  let open = 0;
  for (const name of options.names) {
    const wrong = (await judge(name, options)).flatMap(notGreen);
    const failures = wrong.filter(({ outcome }) => outcome === "fail").length;
    failed += failures;
    open += wrong.length - failures;
    const seeds = `seeds ${options.seed} to ${options.seed + options.runs - 1}`;
    console.log(
      `${name}: ${options.runs} runs, ${failures} failures, ${wrong.length - failures} could not run; ${seeds}`,
    );
  }
  if (failed > 0) return 1;
  return open > 0 ? 3 : 0;
}

// Rules that stopped early may have left calls behind.
process.exit(await main(process.argv.slice(2)));
