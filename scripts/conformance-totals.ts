import type { Totals } from "./vitest-totals.ts";

/**
 * What `pnpm conformance --json` found: each store is one check.
 * @param report undefined: the run ended before it wrote one, which is a failure
 */
export function conformanceTotals(report: unknown, exitCode: number): Totals {
  const stores = Array.isArray(report) ? report.filter(isVerdict) : [];
  const wrong = stores.filter(({ verdict }) => verdict !== "conformant");
  const failures = wrong.map(({ backend, verdict }) => `pnpm conformance --backend ${backend}: ${verdict}`);
  // A run that failed, whatever the verdicts are, is no success.
  if (failures.length === 0 && exitCode !== 0) failures.push(`pnpm conformance: exit code ${exitCode}`);
  return { passed: stores.length - wrong.length, failed: failures.length, skipped: 0, failures };
}

function isVerdict(row: unknown): row is { readonly backend: string; readonly verdict: string } {
  if (typeof row !== "object" || row === null || !("backend" in row) || !("verdict" in row)) return false;
  return typeof row.backend === "string" && typeof row.verdict === "string";
}
