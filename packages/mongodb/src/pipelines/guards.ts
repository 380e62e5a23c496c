import type { Guards, TaskRecord, Write } from "@mcp-task-store/core";
import { RING_SIZE } from "@mcp-task-store/core/transitions";
import { AT } from "./clock.ts";
import { allOf, anyOf, literal } from "./expressions.ts";
import type { Expression } from "./expressions.ts";

/** Equals `holds` of core's transitions.ts. */
export function holds(when: Guards): Expression {
  const all: Expression[] = [];
  if (when.open !== undefined) all.push(IS_OPEN);
  if (when.status !== undefined) all.push({ $eq: ["$status", literal(when.status)] });
  if (when.lease !== undefined) all.push(leaseHolds(when.lease));
  if (when.expectedInputs !== undefined) all.push({ $eq: ["$inputsId", literal(when.expectedInputs)] });
  if (when.generation !== undefined) all.push({ $eq: ["$generation", literal(when.generation)] });
  if (when.cancelRequested !== undefined) {
    all.push({ [when.cancelRequested ? "$ne" : "$eq"]: ["$cancelRequestedAt", null] });
  }
  if (when.attemptsBelow !== undefined) all.push({ $lt: ["$attempts", when.attemptsBelow] });
  if (when.claimOver !== undefined) all.push(isOver("$claimBy"));
  if (when.runOver !== undefined) all.push(isOver("$runUntil"));
  return allOf(...all);
}

export const IS_OPEN: Expression = { $in: ["$status", ["working", "input_required"]] };

/** Null and missing compare as less than every number. */
const IS_LIVE: Expression = { $gt: ["$leaseExpiresAt", AT] };

function leaseHolds(guard: NonNullable<Guards["lease"]>): Expression {
  if (guard === "none") return { $not: [IS_LIVE] };
  if (guard === "live") return IS_LIVE;
  if ("token" in guard) return allOf(IS_LIVE, { $eq: ["$leaseToken", guard.token] });
  return allOf(isOver("$leaseExpiresAt"), { $eq: ["$leaseToken", guard.lapsed] });
}

function isOver(instant: string): Expression {
  return allOf({ $ne: [instant, null] }, { $lte: [instant, AT] });
}

/** Equals `ringProves` of core's transitions.ts, as far as the write asks for it; undefined: always. */
export function ringProves({
  sinceRevision,
  createId,
  bornByUs,
}: Pick<Write, "sinceRevision" | "createId" | "bornByUs">): Expression | undefined {
  const all: Expression[] = [];
  if (createId !== undefined) all.push({ $eq: ["$createId", literal(createId)] });
  if (bornByUs !== undefined) all.push(bornBy(bornByUs));
  if (sinceRevision !== undefined) {
    const oldest = { $arrayElemAt: ["$ringRevisions", 0] };
    all.push(anyOf({ $lt: [{ $size: "$ringRevisions" }, RING_SIZE] }, { $lte: [oldest, sinceRevision] }));
  }
  return all.length === 0 ? undefined : allOf(...all);
}

/** Whether the row is none that was created after an instant, epoch µs. */
export function bornBy(us: number): Expression {
  return { $lte: ["$createdAt", Math.floor(us / 1000)] };
}

/** The filter that finds a row by its id, in a scope if one is given. Only strings get here, and `$eq` keeps them so. */
export function rowOf(taskId: string, scope?: TaskRecord["scope"]): { readonly [field: string]: Expression } {
  return { _id: { $eq: taskId }, ...(scope === undefined ? {} : { scope: { $eq: scope } }) };
}
