import type { Insert } from "@mcp-task-store/core";
import { AT, FAIL_LATE, IS_VISIBLE, laterThan, READ_CLOCK } from "./clock.ts";
import { allOf, cond, earliest, firstOf, literal, plus, replaceRow } from "./expressions.ts";
import type { Expression, Stage } from "./expressions.ts";

/** What became of an insert, in the row's `answer.kind`. "inserted" also where the row was inserted before under its createId. */
export type InsertKind = "inserted" | "exists" | "new";

/**
 * A new task, as the upsert of one findAndModify, unless a visible one has its id. An expired one gives way, whole, its
 * messages included. Equals `born` of core's transitions.ts at the clock reading that it leaves in `answer.at`.
 *
 * Errors: an insert that comes too late fails (`FAIL_LATE`). It must not store anything, and an upsert that finds no row
 * stores one whatever its pipeline says.
 */
export function insertPipeline(insert: Insert): readonly Stage[] {
  const kind = firstOf(
    [
      {
        // A row that the upsert is about to make has no createId yet.
        case: allOf({ $ne: [{ $type: "$createId" }, "missing"] }, IS_VISIBLE),
        then: cond({ $eq: ["$createId", literal(insert.createId)] }, "inserted", "exists"),
      },
      { case: laterThan(insert.notAfterUs), then: FAIL_LATE },
    ],
    "new",
  );
  return [
    READ_CLOCK,
    { $set: { "answer.kind": kind } },
    replaceRow(cond({ $eq: ["$answer.kind", "new"] }, bornRow(insert), "$$ROOT")),
  ];
}

function bornRow(insert: Insert): Expression {
  const expiresAt = insert.ttlMs === null ? null : plus(AT, insert.ttlMs);
  const claimBy = plus(AT, insert.claimInMs);
  return {
    _id: "$_id",
    answer: "$answer",
    scope: literal(insert.scope),
    generation: literal(insert.generation),
    createId: literal(insert.createId),
    revision: { $multiply: [AT, 1000] },
    ringIds: [],
    ringRevisions: [],
    inputsId: null,
    status: "working",
    statusMessage: literal(insert.statusMessage),
    createdAt: AT,
    lastUpdatedAt: AT,
    ttlMs: insert.ttlMs,
    pollIntervalMs: insert.pollIntervalMs,
    expiresAt,
    claimBy,
    runUntil: null,
    attempts: 0,
    cancelRequestedAt: null,
    inputs: null,
    metadata: literal(insert.metadata),
    leaseToken: null,
    leaseHolder: null,
    leaseExpiresAt: null,
    dueAt: expiresAt === null ? claimBy : earliest(expiresAt, claimBy),
    request: literal(insert.request),
    outcome: null,
    messages: [],
    messageIds: [],
    given: [],
    spentReceipts: [],
  };
}
