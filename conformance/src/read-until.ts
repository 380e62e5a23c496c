import { setTimeout } from "node:timers/promises";
import { DEFAULT_DEADLINE_MS } from "./timing.ts";

/** Longest pause between two reads, ms. */
const MAX_PAUSE_MS = 50;

/** How often is read at least: a machine that stood still until the deadline has shown nothing. */
const LEAST_READS = 50;

/** When it ends after fewer reads too, in deadlines D. */
const MAX_DEADLINES = 3;

/** Reads again until the condition holds or the deadline is over; returns what was read last. */
export async function readUntil<T>(
  read: () => Promise<T>,
  condition: (value: T) => boolean,
  deadlineMs: number,
): Promise<T> {
  const started = performance.now();
  const longestMs = MAX_DEADLINES * Math.max(DEFAULT_DEADLINE_MS, deadlineMs);
  for (let reads = 1; ; reads += 1) {
    const value = await read();
    const tookMs = performance.now() - started;
    if (condition(value) || (tookMs > deadlineMs && (reads >= LEAST_READS || tookMs > longestMs))) return value;
    await setTimeout(Math.min(MAX_PAUSE_MS, 2 ** Math.min(reads, 6)));
  }
}
