/** Counts what vitest really did, so that a run that broke before its tests never reads as green. */
import { relative } from "node:path";
import { rootDirectory } from "./workspace.ts";

export interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

/**
 * @param report vitest's JSON report, undefined when there is none
 * @param exitCode vitest's own verdict: a failure the report does not show (an unhandled rejection, a setup
 *   that threw) still counts as one
 */
export function vitestTotals(report: unknown, exitCode: number): Totals {
  if (!isVitestReport(report)) return { passed: 0, failed: 1, skipped: 0 };
  const filesThatDidNotLoad = report.testResults.filter(
    ({ status, assertionResults }) => status === "failed" && assertionResults.length === 0,
  ).length;
  const failed = report.numFailedTests + filesThatDidNotLoad;
  return {
    passed: report.numPassedTests,
    failed: failed === 0 && exitCode !== 0 ? 1 : failed,
    skipped: report.numPendingTests + report.numTodoTests,
  };
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
  const sum = (key: keyof Totals): number => all.reduce((total, each) => total + each[key], 0);
  return { passed: sum("passed"), failed: sum("failed"), skipped: sum("skipped") };
}

function isVitestReport(report: unknown): report is VitestReport {
  return typeof report === "object" && report !== null && "numPassedTests" in report && "testResults" in report;
}
