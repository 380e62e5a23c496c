/** Calls of a bare driver, with everything filled in that their caller does not care about. */
import { setTimeout } from "node:timers/promises";
import type { Alternative, Insert, TaskDriver, TaskRecord, Write } from "@mcp-task-store/core";

/** An id in the form that engines use. */
export function freshId(): string {
  return crypto.randomUUID();
}

/** After every deadline of a rule, epoch µs. */
const NEVER_LATE_US = Number.MAX_SAFE_INTEGER;

const HOUR_MS = 3_600_000;

/** A task that lives an hour and is unclaimed for as long. */
export function insertOf(taskId: string, fields: Partial<Insert> = {}): Insert {
  return {
    taskId,
    createId: freshId(),
    scope: null,
    generation: null,
    statusMessage: null,
    ttlMs: HOUR_MS,
    pollIntervalMs: 500,
    claimInMs: HOUR_MS,
    metadata: null,
    request: null,
    notAfterUs: NEVER_LATE_US,
    ...fields,
  };
}

/** A write of one alternative. */
export function writeOf(taskId: string, one: Alternative, fields: Partial<Write> = {}): Write {
  return { taskId, writeId: freshId(), notAfterUs: NEVER_LATE_US, alternatives: [one], ...fields };
}

/** Only the message, whatever the row is like. */
export function reportOf(taskId: string, statusMessage: string): Write {
  return writeOf(taskId, { when: {}, then: { set: { statusMessage } } });
}

export async function clockOf(driver: TaskDriver): Promise<number> {
  return (await driver.read([])).nowUs;
}

/** The row with all of its parts, and the clock it was read at. */
export async function rowOf(
  driver: TaskDriver,
  taskId: string,
): Promise<{ readonly row: TaskRecord | undefined; readonly nowUs: number }> {
  const { rows, nowUs } = await driver.read([taskId], { request: true, outcome: true });
  return { row: rows[0], nowUs };
}

/**
 * Returns once the backend's clock has moved on by `ms`.
 * @param advance moves it, where it can be moved
 */
export async function pass(
  driver: TaskDriver,
  ms: number,
  advance?: (ms: number) => void | Promise<void>,
): Promise<void> {
  const untilUs = (await clockOf(driver)) + ms * 1_000;
  if (advance !== undefined) await advance(ms);
  else await setTimeout(ms);
  while ((await clockOf(driver)) < untilUs) await setTimeout(1);
}
