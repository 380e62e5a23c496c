import type { Report } from "../report.ts";

/** The report for programs: {@link Report} as it is; its `format` says which shape that is. */
export function jsonReport(report: Report): string {
  return `${JSON.stringify(report, null, 2)}\n`;
}
