import type { TaskDriver } from "@mcp-task-store/core";
import { anyEnd, CouldNotRun, isDown } from "../attempt.ts";
import type { Kit } from "../kit.ts";
import type { DriverComparison, DriverComparisonOptions } from "./compare-with-apply.ts";

/** What random calls may take of a rule's time, ms. */
const COMPARISON_MS = 3_000;
/** Round trips for a random write, with the readings around it. */
const CALLS_PER_WRITE = 4;
const MIN_WRITES = 100;
const MAX_WRITES = 500;

/**
 * Compares a driver with the reference by as many random calls as the backend is fast.
 * @returns the first difference in words; undefined: none
 * @throws CouldNotRun if the backend was away meanwhile
 */
export async function comparedBy(
  kit: Kit,
  compare: (driver: TaskDriver, options: DriverComparisonOptions) => Promise<DriverComparison>,
  driver: TaskDriver,
): Promise<string | undefined> {
  const fitting = COMPARISON_MS / CALLS_PER_WRITE / Math.max(0.1, kit.timing.callMs.p50);
  const writes = Math.round(Math.min(MAX_WRITES, Math.max(MIN_WRITES, fitting)));
  const ended = await anyEnd(compare(driver, { seed: kit.random.seed, writes, advance: kit.advance }));
  if (ended.kind === "fulfilled") return ended.value.difference;
  const { error } = ended;
  const cause: unknown = error instanceof Error ? (error.cause ?? error) : error;
  if (isDown(cause)) throw new CouldNotRun("the backend was away during the comparison", { cause });
  return [error, cause].map((one) => (one instanceof Error ? `${one.name}: ${one.message}` : String(one))).join("; ");
}
