import type { Totals } from "./vitest-totals.ts";

/**
 * What `pnpm conformance --json` found: each store is one check.
 * @param report undefined: the run ended before it wrote one, which is a failure
 */
export function conformanceTotals(report: unknown, exitCode: number): Totals {
  const stores = Array.isArray(report) ? report.filter(isVerdict) : [];
  const passed = stores.filter(({ verdict }) => verdict === "conformant").length;
  const failed = stores.length - passed;
  // A run that failed, whatever the verdicts are, is no success.
  return { passed, failed: failed === 0 && exitCode !== 0 ? 1 : failed, skipped: 0 };
}

function isVerdict(row: unknown): row is { readonly verdict: unknown } {
  return typeof row === "object" && row !== null && "verdict" in row;
}
