import { COMMAND_NOW } from "./clock.ts";
import { anyOf, cond, earliest } from "./expressions.ts";
import type { Expression, Stage } from "./expressions.ts";
import { CLOCK_ROW_ID, readFields } from "../row.ts";

const DEADLINES = ["$leaseExpiresAt", "$claimBy", "$runUntil"] as const;

/**
 * The ids of the rows that maintenance has to look at, earliest first, one more than the limit, and the row that carries
 * the clock.
 *
 * The clock is compared behind the limit: whether a server of its version finds an index for such a comparison is not
 * said. So at most that many entries of the index are read, and no row. Rows that are never due have a null there.
 */
export function duePipeline(collection: string, limit: number): readonly Stage[] {
  return [
    { $match: { dueAt: { $gte: 0 } } },
    { $sort: { dueAt: 1, _id: 1 } },
    { $limit: limit + 1 },
    { $project: { dueAt: 1 } },
    { $match: { $expr: { $lte: ["$dueAt", COMMAND_NOW] } } },
    ...withClock(collection),
  ];
}

/** Adds the clock's row to the rows, of which there may be none, and the reading to all. */
export function withClock(collection: string): readonly Stage[] {
  return [
    { $unionWith: { coll: collection, pipeline: [{ $match: { _id: CLOCK_ROW_ID } }] } },
    { $set: { now: COMMAND_NOW } },
  ];
}

/** Those of the rows that are still due at `now`, epoch ms, and have not expired. */
export function lookedAt(taskIds: readonly string[], now: number): Stage {
  return {
    _id: { $in: taskIds },
    dueAt: { $gte: 0, $lte: now },
    $or: [{ expiresAt: null }, { expiresAt: { $gt: now } }],
  };
}

/**
 * A look at such a row. Equals `afterLook` of core's transitions.ts at `now`. Leaves in the row whose look it was, and
 * whether there is work.
 */
export function lookPipeline(id: string, now: number, holdMs: number): readonly Stage[] {
  const ahead = (instant: string): Expression => cond({ $gt: [instant, now] }, instant, null);
  const next = earliest(...["$expiresAt", ...DEADLINES].map(ahead));
  const isOver = (instant: string): Expression => ({ $and: [{ $ne: [instant, null] }, { $lte: [instant, now] }] });
  return [
    { $set: { look: { id, work: anyOf(...DEADLINES.map(isOver)) } } },
    { $set: { dueAt: cond("$look.work", earliest(now + holdMs, next), next) } },
  ];
}

/** The rows in which a look found work, those that had expired at `now`, and the row that carries the clock. */
export function foundPipeline(id: string, taskIds: readonly string[], now: number): readonly Stage[] {
  const work = { "look.id": id, "look.work": true };
  return [
    { $match: { _id: { $in: [CLOCK_ROW_ID, ...taskIds] } } },
    { $match: { $or: [{ _id: CLOCK_ROW_ID }, work, { expiresAt: { $lte: now } }] } },
    { $project: readFields({ request: false, outcome: false }) },
    { $set: { now: COMMAND_NOW } },
  ];
}
