/**
 * `pnpm test`: everything a change must pass, in one command, from a fresh clone.
 *
 * Ends with one line of totals. They are real: each test counts once, and each check (lint, types …) once.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import "./compile-cache.ts";
import { lintSteps } from "./check-steps.ts";
import { runShown, runStep, runStepsInPairs, type Step } from "./run-step.ts";
import { conformanceTotals } from "./conformance-totals.ts";
import { addTotals, skippedTests, type Totals, vitestTotals } from "./vitest-totals.ts";
import { workspacePackages } from "./workspace.ts";

const help = `Usage: pnpm test [options] [filter …]

Runs, in this order: format, lint, types, knip; unit, integration and conformance
tests, and those of the packed packages; the conformance kit on each of our stores;
examples. Goes on after a failure.

Options:
  --skip-checks   only the tests, the kit and the examples
  --help          this text

A filter is a part of a test file's path; it leaves out the kit and the examples.

Variables:
  POSTGRES_URL                     use this server; it must allow CREATE DATABASE
  MCP_TASK_STORE_POSTGRES=…        path, docker or embedded: start only this one
  REDIS_URL                        use this server; a cluster is started all the same
  MCP_TASK_STORE_REDIS=…           path, docker or apt: start only this one
  MONGODB_URL                      use this server; it must be a replica set
  MCP_TASK_STORE_MONGODB=…         path, docker, download or stand-in: start only this one
  MCP_TASK_STORE_SECANTUSD         the stand-in's program: a secantusd-rs
  MCP_TASK_STORE_…=off             leave out what needs the server
`;

const { values, positionals } = parseArgs({
  // pnpm hands its own separator on.
  args: process.argv.slice(2).filter((argument) => argument !== "--"),
  allowPositionals: true,
  options: { help: { type: "boolean" }, "skip-checks": { type: "boolean" } },
});

if (values.help) {
  process.stdout.write(help);
} else {
  const checks = values["skip-checks"] ? [] : lintSteps;
  const totals = addTotals([
    await runSteps("Checks", checks),
    await runTests(positionals),
    ...(positionals.length > 0 ? [] : await runConformanceAndExamples()),
  ]);
  if (totals.failures.length > 0) console.log(["\nFailed:", ...totals.failures].join("\n"));
  console.log(`\n${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
  process.exitCode = totals.failed === 0 ? 0 : 1;
}

/** Side by side: judging stores is mostly waiting for servers. */
async function runConformanceAndExamples(): Promise<readonly Totals[]> {
  console.log("\nConformance and examples");
  return await Promise.all([runConformance(), runExamples()]);
}

/** The kit on every store of ours; its table is part of the output. Each store counts as one check. */
async function runConformance(): Promise<Totals> {
  return await inScratch(async (directory) => {
    const path = join(directory, "conformance.json");
    const exitCode = await runShown("node", ["scripts/conformance.ts", "--json", path]);
    return conformanceTotals(readReport(path), exitCode);
  });
}

async function inScratch<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), "mcp-task-store-test-"));
  try {
    return await use(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function runSteps(title: string, steps: readonly Step[]): Promise<Totals> {
  if (steps.length > 0) console.log(`\n${title}`);
  const answers: (string | undefined)[] = [];
  for (const step of steps) answers.push(await runStep(step));
  return stepTotals(answers);
}

/** @param answers of each step its failure, undefined when it passed */
function stepTotals(answers: readonly (string | undefined)[]): Totals {
  const failures = answers.filter((answer) => answer !== undefined);
  return { passed: answers.length - failures.length, failed: failures.length, skipped: 0, failures };
}

/** They wait much for their own servers: two at a time take half as long. */
async function runExamples(): Promise<Totals> {
  return stepTotals(await runStepsInPairs(exampleSteps()));
}

async function runTests(filters: readonly string[]): Promise<Totals> {
  console.log("\nTests");
  return await inScratch(async (directory) => {
    const reportPath = join(directory, "vitest.json");
    const exitCode = await runShown("vitest", [
      "run",
      ...filters,
      "--reporter=default",
      "--reporter=json",
      `--outputFile.json=${reportPath}`,
    ]);
    const report = readReport(reportPath);
    const skipped = skippedTests(report);
    if (skipped.length > 0) console.log(["Skipped:", ...skipped].join("\n  "));
    return vitestTotals(report, exitCode);
  });
}

/** The report, or undefined when vitest ended before it wrote one. */
function readReport(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}

/** Each example runs as its reader would run it: its own `start`, which must end by itself. */
function exampleSteps(): readonly Step[] {
  return workspacePackages()
    .filter(({ directory, scripts }) => directory.includes("examples") && scripts["start"] !== undefined)
    .map(({ name }) => ({ name, command: ["pnpm", "--filter", name, "start"] }));
}
