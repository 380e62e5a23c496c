import type { TaskDriver } from "@mcp-task-store/core";
import { DriverComparer } from "./driver-comparer.ts";
import type { ComparisonCounts } from "./driver-comparer.ts";

export interface DriverComparisonOptions {
  /** Repeats the same calls with the same values, as far as the clock lets the driver answer the same. */
  readonly seed: number;
  /** How many writes to make; inserts, reads, pages, removals and looks come on top. */
  readonly writes: number;
  /**
   * Moves the backend's clock ahead, ms. @default real time passes: the driver's clock is read until it has moved, by
   * 25 ms at most
   */
  readonly advance?: ((ms: number) => void | Promise<void>) | undefined;
}

export interface DriverComparison {
  readonly seed: number;
  /** What happened how often; a kind that never came was not tested. */
  readonly counts: ComparisonCounts;
  /** The first answer or stored row that is not what the reference says, in words; undefined: none. */
  readonly difference: string | undefined;
}

/**
 * Compares a driver with the reference in transitions.ts: random inserts, writes of the whole language, reads, pages,
 * removals and looks over a handful of rows; each answer must be what the reference says at the clock reading that came
 * with it, and the row must be read again as it says. Some writes are sent several at once; then some order must explain
 * the answers. Nobody else may use the driver's namespace meanwhile.
 *
 * Uses no test runner: throw or assert on `difference`. Errors of the driver are thrown with the call as context.
 */
export async function compareWithApply(
  driver: TaskDriver,
  options: DriverComparisonOptions,
): Promise<DriverComparison> {
  const comparer = new DriverComparer(driver, options.seed, options.advance);
  const complaint = await comparer.run(options.writes);
  const difference =
    complaint === undefined
      ? undefined
      : `${driver.name} differs from the reference (seed ${options.seed}, ${complaint}`;
  return { seed: options.seed, counts: comparer.counts, difference };
}
