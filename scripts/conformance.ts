/** `pnpm conformance`: runs the conformance kit on the stores of this repository. */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { join } from "node:path";
import { describeRule, EXIT_CODES, type Report, selectedRules } from "../conformance/src/index.ts";
import { racesOf, skippedOf } from "../conformance/src/report/totals.ts";
import { judgeFile } from "../conformance/src/supervised/judge-file.ts";
import { BACKEND_VARIABLE, BACKENDS, isLeftOut } from "./backends.ts";
import { showProgress } from "./progress.ts";

const USAGE = 2;

const help = `Usage: pnpm conformance [options]

Runs every rule on our stores and prints one table, rule by backend.

Options:
  --backend NAME   ${Object.keys(BACKENDS).join(", ")} or all (default): without those
                   that a variable such as MCP_TASK_STORE_REDIS=off leaves out
  --rule ID        only this rule or theme, such as cancel/signal or cancel; may be repeated
  --seed N         make the same choices again
  --json FILE      also write [{ backend, verdict, rules: [{ id, outcome }] }]
  --help           this text

Exit codes: 0 every rule holds on every backend, 1 a rule fails, 2 wrong usage, 3 something could not run.
`;

interface Options {
  readonly backends: readonly string[];
  readonly rules: readonly string[] | undefined;
  readonly seed: number;
  readonly json: string | undefined;
}

/** @throws Error that says what is wrong with the arguments */
function optionsFrom(args: readonly string[]): Options | "help" {
  const { values } = parseArgs({
    args: [...args],
    options: {
      backend: { type: "string", default: "all" },
      rule: { type: "string", multiple: true },
      seed: { type: "string" },
      json: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help === true) return "help";
  const names = Object.keys(BACKENDS);
  if (values.backend !== "all" && !names.includes(values.backend)) {
    throw new Error(`--backend ${values.backend}: give ${names.join(", ")} or all`);
  }
  const seed = values.seed === undefined ? Math.floor(Math.random() * 0xffff_ffff) : Number(values.seed);
  if (!Number.isSafeInteger(seed) || seed < 0) throw new Error(`--seed ${values.seed}: give an integer of 0 or more`);
  selectedRules(values.rule);
  const backends = values.backend === "all" ? names.filter((name) => !isLeftOut(name)) : [values.backend];
  return { backends, rules: values.rule, seed, json: values.json };
}

/** Where a process of its own opens the backend: it starts its server, too. */
const TARGET_FILE = join(import.meta.dirname, "targets", "backend.ts");

/** A server that has to be downloaded first takes its time. */
const LOAD_MS = 600_000;

async function judge(backend: string, { rules, seed }: Options): Promise<Report> {
  const report = await judgeFile(TARGET_FILE, {
    seed,
    rules,
    env: { [BACKEND_VARIABLE]: backend },
    loadMs: LOAD_MS,
    onProgress: (rule, done, of) => showProgress(`${backend} ${done}/${of} ${rule.id}`),
  });
  showProgress("");
  // A backend that did not open has not said its name.
  return { ...report, target: backend };
}

/** Two at a time, the last first: a slow server must not be what the others wait for at the end. */
async function judgeAll(options: Options): Promise<readonly Report[]> {
  const reports = new Map<string, Report>();
  const waiting = [...options.backends];
  const lane = async (): Promise<void> => {
    for (let backend = waiting.pop(); backend !== undefined; backend = waiting.pop()) {
      reports.set(backend, await judge(backend, options));
    }
  };
  await Promise.all([lane(), lane()]);
  return options.backends.flatMap((backend) => reports.get(backend) ?? []);
}

const CELLS: Readonly<Record<string, string>> = {
  pass: "pass",
  fail: "FAIL",
  "not-applicable": "-",
  "could-not-run": "could not run",
};

function table(reports: readonly Report[]): string {
  const [first] = reports;
  if (first === undefined) return "";
  const width = Math.max(4, ...first.rules.map((rule) => rule.id.length)) + 2;
  const column = (text: string): string => text.padEnd(15);
  const head = "rule".padEnd(width) + reports.map((report) => column(report.target)).join("");
  const lines = first.rules.map((rule, index) => {
    const cells = reports.map((report) => column(CELLS[report.rules[index]?.outcome ?? ""] ?? ""));
    return rule.id.padEnd(width) + cells.join("");
  });
  return [head, ...lines].map((line) => line.trimEnd()).join("\n");
}

/** Everything of a run that is not a pass. */
function remarks(report: Report): string {
  const again = `pnpm conformance --backend ${report.target} --seed ${report.seed} --rule`;
  const outcomes = report.rules
    .filter((rule) => rule.outcome !== "pass" && rule.outcome !== "not-applicable")
    .map((rule) => describeRule(rule, report, `${again} ${rule.id}`));
  const races = racesOf(report);
  return [...outcomes, ...skippedOf(report), ...(races === "" ? [] : [`races: ${races}`]), ...report.notes]
    .map((line) => `${report.target}: ${line}\n`)
    .join("");
}

/** The one line that names the verdict. The word for a good one stands nowhere else in the output. */
function verdict(report: Report): string {
  const count = (outcome: string): number => report.rules.filter((rule) => rule.outcome === outcome).length;
  const counts = `${count("pass")} passed, ${count("fail")} failed, ${count("could-not-run")} could not run, ${count("not-applicable")} not applicable`;
  const word = { conformant: "conformant", nonconformant: "does not conform", incomplete: "incomplete" }[
    report.verdict
  ];
  return `${report.target}: ${word} (${counts}; ${(report.durationMs / 1_000).toFixed(1)} s, seed ${report.seed})`;
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
  for (const name of Object.keys(BACKENDS).filter(isLeftOut)) console.log(`${name}: LEFT OUT`);
  const reports = await judgeAll(options);
  process.stdout.write(`\n${table(reports)}\n\n${reports.map(remarks).join("")}`);
  for (const report of reports) console.log(verdict(report));
  if (options.json !== undefined) {
    const rows = reports.map(({ target, verdict: outcome, rules }) => ({
      backend: target,
      verdict: outcome,
      rules: rules.map((rule) => ({ id: rule.id, outcome: rule.outcome })),
    }));
    writeFileSync(options.json, `${JSON.stringify(rows, null, 2)}\n`);
  }
  const codes = reports.map((report) => EXIT_CODES[report.verdict]);
  return codes.includes(EXIT_CODES.nonconformant) ? EXIT_CODES.nonconformant : Math.max(...codes);
}

process.exitCode = await main(process.argv.slice(2));
