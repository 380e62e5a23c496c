import type { ToolProgress } from "./tool-context.ts";

/** What a tool last said: an amount, or only a text. */
export type ProgressReport = ToolProgress | { readonly message: string };

/**
 * Progress as the specification wants it: each value larger than the one before. A status says no amount, so statuses
 * count themselves until the tool says amounts.
 */
export class GrowingProgress {
  #amount = Number.NEGATIVE_INFINITY;
  #statuses = 0;

  /** Whether it can be told: a status until amounts are reported, an amount if it grew. */
  takes(report: ProgressReport): boolean {
    if (!("progress" in report)) return this.#amount === Number.NEGATIVE_INFINITY;
    if (report.progress <= Math.max(this.#amount, this.#statuses)) return false;
    this.#amount = report.progress;
    return true;
  }

  /** What it took, on its way to the client. Statuses that were skipped do not count. */
  numbered(report: ProgressReport): ToolProgress {
    if ("progress" in report) return report;
    this.#statuses += 1;
    return { ...report, progress: this.#statuses };
  }
}
