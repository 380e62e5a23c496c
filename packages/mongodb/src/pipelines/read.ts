import type { PageQuery } from "@mcp-task-store/core";
import { COMMAND_NOW, VISIBLE_ROWS } from "./clock.ts";
import { withClock } from "./due.ts";
import type { Expression, Stage } from "./expressions.ts";
import { CLOCK_ROW_ID, readFields } from "../row.ts";

/** The visible rows of these ids, in no order, and the row that carries the clock. */
export function readPipeline(
  taskIds: readonly string[],
  loaded: { readonly request: boolean; readonly outcome: boolean },
): readonly Stage[] {
  return [
    { $match: { _id: { $in: [...new Set<string | number>([CLOCK_ROW_ID, ...taskIds])] } } },
    // A stage of its own: the ids alone decide where to look.
    { $match: VISIBLE_ROWS },
    { $project: readFields(loaded) },
    { $set: { now: COMMAND_NOW } },
  ];
}

/** One page of a listing, newest first, then by id descending, bytewise; and the row that carries the clock. */
export function pagePipeline(collection: string, query: PageQuery): readonly Stage[] {
  const { scope, status, after, limit } = query;
  const behind: Stage =
    after === undefined
      ? {}
      : { $or: [{ createdAt: { $lt: after.createdAt } }, { createdAt: after.createdAt, _id: { $lt: after.taskId } }] };
  const match: { readonly [field: string]: Expression } = {
    ...(scope === undefined ? {} : { scope: { $eq: scope } }),
    // Also leaves out the clock's row, which has none.
    createdAt: { $gte: 0, ...(after === undefined ? {} : { $lte: after.createdAt }) },
    ...(status === undefined ? {} : { status: { $in: status } }),
    ...behind,
  };
  return [
    { $match: match },
    { $match: VISIBLE_ROWS },
    { $sort: { createdAt: -1, _id: -1 } },
    { $limit: limit },
    { $project: readFields({ request: false, outcome: false }) },
    ...withClock(collection),
  ];
}
