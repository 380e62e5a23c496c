import { allOf, anyOf, cond, isNull, plus } from "./expressions.ts";
import type { Expression, Stage } from "./expressions.ts";

/**
 * The server's clock as it read when the command began, epoch ms. The server evaluates it once a command, and not again
 * where the command had to wait for another write to the same row.
 */
export const COMMAND_NOW: Expression = { $toLong: "$$NOW" };

/** How long the server may take over one command, ms; it gives up those that take longer. */
export const COMMAND_LIMIT_MS = 30_000;

/** What a write may take beyond its deadline, which the server itself looks at when it gets to the row, ms. */
const BEYOND_DEADLINE_MS = 2_000;

/**
 * How long the server may take over a write of that deadline, ms: what is left, and a bit more. A write that waits in it
 * for longer has nobody who waits for it, and its reading of the clock is as old.
 * @param atLeastUs what the server's clock has certainly reached, epoch µs
 */
export function writeLimitMs(notAfterUs: number, atLeastUs: number): number {
  const leftMs = Math.max(0, Math.ceil((notAfterUs - atLeastUs) / 1000));
  return Math.min(COMMAND_LIMIT_MS, leftMs + BEYOND_DEADLINE_MS);
}

/** How far apart the readings of two commands that meet at a row may be: one waited, or another host read its clock. */
const READINGS_APART_MS = 2 * COMMAND_LIMIT_MS;

/** The reading that decides about a row, epoch ms, behind {@link READ_CLOCK}. */
export const AT = "$answer.at";

/**
 * First stage of everything that changes a row: keeps the clock reading in it. A command that began early and waited
 * must not decide by a time before that of a command that was there already, or it would land after its own deadline, or
 * on a row that has expired meanwhile: so the reading never falls, unless by more than any command may last, which is a
 * clock that was set back.
 */
export const READ_CLOCK: Stage = {
  $set: {
    "answer.at": cond(
      allOf({ $gt: [AT, COMMAND_NOW] }, { $lte: [AT, plus(COMMAND_NOW, READINGS_APART_MS)] }),
      AT,
      COMMAND_NOW,
    ),
  },
};

/** Whether the row is there for anybody, behind {@link READ_CLOCK}. */
export const IS_VISIBLE: Expression = anyOf(isNull("$expiresAt"), { $gt: ["$expiresAt", AT] });

/** The same as a filter on rows, by the command's own reading. */
export const VISIBLE_ROWS: Stage = { $or: [{ expiresAt: null }, { $expr: { $gt: ["$expiresAt", COMMAND_NOW] } }] };

/** Whether it is later than an instant, epoch µs. The clock has ms: so has the comparison. */
export function laterThan(us: number): Expression {
  return { $gt: [AT, Math.floor(us / 1000)] };
}

/** The next revision of the row. */
export const NEXT_REVISION: Expression = { $max: [plus("$revision", 1), { $multiply: [AT, 1000] }] };

/** A reading in epoch ms as the µs that answers carry. */
export function toUs(ms: number): number {
  return ms * 1000;
}

/**
 * Fails the command, which comes too late: by dividing by zero, on purpose. For commands that would do something
 * whatever their expressions say. The field keeps the server from finding the mistake before it looks at a row.
 */
export const FAIL_LATE: Expression = { $divide: [1, { $multiply: [AT, 0] }] };
