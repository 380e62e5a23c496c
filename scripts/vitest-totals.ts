/** Counts what vitest really did, so that a run that broke before its tests never reads as green. */
import { relative } from "node:path";
import { rootDirectory } from "./workspace.ts";

export interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** What failed, in words: said once more at the end, where a long output is looked at first. */
  readonly failures: readonly string[];
}

interface VitestReport {
  readonly numPassedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    /** Why the file could not be loaded, or empty: what a hook threw stands nowhere in the report. */
    readonly message: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

const SHOWN_LINES = 25;
const HOOK_FAILED = "a hook failed (beforeAll …), and its tests did not run: see the output above";

/**
 * @param report vitest's JSON report, undefined when there is none
 * @param exitCode vitest's own verdict: a failure the report does not show (an unhandled rejection, a setup
 *   that threw) still counts as one
 */
export function vitestTotals(report: unknown, exitCode: number): Totals {
  if (!isVitestReport(report)) return { passed: 0, failed: 1, skipped: 0, failures: ["vitest: left no report"] };
  const failures = failedTests(report);
  if (failures.length === 0 && exitCode !== 0) {
    failures.push(`vitest: exit code ${exitCode}, though no test failed: see its output above`);
  }
  return {
    passed: report.numPassedTests,
    failed: failures.length,
    skipped: report.numPendingTests + report.numTodoTests,
    failures,
  };
}

function failedTests(report: VitestReport): string[] {
  return report.testResults.flatMap(({ name, status, message, assertionResults }) => {
    const file = relative(rootDirectory, name);
    const failed = assertionResults.filter((result) => result.status === "failed");
    if (status === "failed" && failed.length === 0) return [`${file}\n${indented(message || HOOK_FAILED)}`];
    return failed.map(
      ({ fullName, failureMessages }) => `${file}: ${fullName}\n${indented(failureMessages.join("\n"))}`,
    );
  });
}

/** The beginning of what may be very long. */
function indented(message: string): string {
  const lines = message.split("\n");
  const shown = lines.slice(0, SHOWN_LINES).map((line) => `  ${line}`);
  return [...shown, ...(lines.length > SHOWN_LINES ? ["  …"] : [])].join("\n");
}

/** One line for each test that did not run: its file and its name. */
export function skippedTests(report: unknown): readonly string[] {
  if (!isVitestReport(report)) return [];
  return report.testResults.flatMap(({ name, assertionResults }) =>
    assertionResults
      .filter(({ status }) => status !== "passed" && status !== "failed")
      .map(({ fullName }) => `${relative(rootDirectory, name)}: ${fullName}`),
  );
}

export function addTotals(all: readonly Totals[]): Totals {
  const sum = (key: "passed" | "failed" | "skipped"): number => all.reduce((total, each) => total + each[key], 0);
  return {
    passed: sum("passed"),
    failed: sum("failed"),
    skipped: sum("skipped"),
    failures: all.flatMap(({ failures }) => failures),
  };
}

function isVitestReport(report: unknown): report is VitestReport {
  return typeof report === "object" && report !== null && "numPassedTests" in report && "testResults" in report;
}
