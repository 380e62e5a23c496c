import type { ToolProgress } from "./tool-context.ts";

/**
 * Progress as the specification wants it: each value larger than the one before. A status says no amount, so statuses
 * count themselves until the tool says amounts.
 */
export class GrowingProgress {
  #amount = Number.NEGATIVE_INFINITY;
  #statuses = 0;

  /** undefined: amounts are told, and this is none. */
  status(message: string): ToolProgress | undefined {
    if (this.#amount !== Number.NEGATIVE_INFINITY) return undefined;
    this.#statuses += 1;
    return { progress: this.#statuses, message };
  }

  /** undefined: it did not grow. */
  amount(progress: ToolProgress): ToolProgress | undefined {
    if (progress.progress <= Math.max(this.#amount, this.#statuses)) return undefined;
    this.#amount = progress.progress;
    return progress;
  }
}
