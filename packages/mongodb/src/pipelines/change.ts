import type { Change, Write } from "@mcp-task-store/core";
import { RING_SIZE } from "@mcp-task-store/core/transitions";
import { AT, NEXT_REVISION } from "./clock.ts";
import { cond, earliest, isNull, latest, letIn, literal, plus, rowWith } from "./expressions.ts";
import type { Expression } from "./expressions.ts";
import type { Texts } from "./texts.ts";

type Fields = Readonly<Record<string, Expression>>;

/** The row as a change of a write leaves it. Equals `changed` of core's transitions.ts. */
export function changedRow(change: Change, write: Write, texts: Texts): Expression {
  const leaseEnd = newLeaseEnd(change.lease);
  const claimBy = deadline(change.claimInMs);
  const runUntil = deadline(change.runInMs);
  const expiry = newExpiry(change);
  const moved = [
    ...(expiry === undefined ? [] : [ifMoved("$$expiresAt", "$expiresAt")]),
    ...(leaseEnd === undefined ? [] : [ifMoved("$$leaseEnd", "$leaseExpiresAt")]),
    ...(claimBy === undefined ? [] : [ifMoved("$$claimBy", "$claimBy")]),
    ...(runUntil === undefined ? [] : [ifMoved("$$runUntil", "$runUntil")]),
  ];
  const row = rowWith({
    ...(write.quiet === true ? {} : loud(write.writeId)),
    ...setFields(change, write.writeId, texts),
    ...(leaseEnd === undefined ? {} : { ...newHolder(change.lease, texts), leaseExpiresAt: "$$leaseEnd" }),
    ...(expiry === undefined ? {} : { expiresAt: "$$expiresAt" }),
    ...(claimBy === undefined ? {} : { claimBy: "$$claimBy" }),
    ...(runUntil === undefined ? {} : { runUntil: "$$runUntil" }),
    ...(moved.length === 0 ? {} : { dueAt: earliest("$dueAt", ...moved) }),
  });
  // A row whose lease does not change keeps its end, which its expiry may have to heed.
  return letIn(
    {
      revision: write.quiet === true ? "$revision" : NEXT_REVISION,
      leaseEnd: leaseEnd === undefined ? "$leaseExpiresAt" : leaseEnd,
      claimBy: claimBy ?? null,
      runUntil: runUntil ?? null,
    },
    expiry === undefined ? row : letIn({ expiresAt: expiry }, row),
  );
}

/** What a write that is not quiet leaves in every row. */
function loud(writeId: string): Fields {
  const push = (ring: string, entry: Expression): Expression => ({
    $slice: [{ $concatArrays: [ring, [entry]] }, -RING_SIZE],
  });
  return {
    revision: "$$revision",
    ringIds: push("$ringIds", literal(writeId)),
    ringRevisions: push("$ringRevisions", "$$revision"),
    lastUpdatedAt: latest("$lastUpdatedAt", AT),
  };
}

function setFields({ set = {}, attempts, cancelRequested }: Change, writeId: string, texts: Texts): Fields {
  return {
    ...(set.status === undefined ? {} : { status: literal(set.status) }),
    ...(set.statusMessage === undefined ? {} : { statusMessage: texts.place(set.statusMessage) }),
    ...(set.pollIntervalMs === undefined ? {} : { pollIntervalMs: set.pollIntervalMs }),
    ...(set.ttlMs === undefined ? {} : { ttlMs: ttlFromNow(set.ttlMs) }),
    ...(set.inputs === undefined ? {} : { inputs: texts.place(set.inputs), inputsId: literal(writeId) }),
    ...(set.metadata === undefined ? {} : { metadata: texts.place(set.metadata) }),
    ...(set.outcome === undefined ? {} : { outcome: texts.place(set.outcome) }),
    ...(attempts === undefined ? {} : { attempts: latest(0, plus("$attempts", attempts)) }),
    ...(cancelRequested === undefined ? {} : { cancelRequestedAt: { $ifNull: ["$cancelRequestedAt", AT] } }),
  };
}

/** A ttl counts from creation: the row's age so far plus what it is to live from now. */
function ttlFromNow(ttlMs: number | null): Expression {
  return ttlMs === null ? null : plus(latest(0, { $subtract: [AT, "$createdAt"] }), ttlMs);
}

/** When the lease ends, null without one; undefined: the change leaves the lease alone. */
function newLeaseEnd(lease: Change["lease"]): Expression | undefined {
  if (lease === undefined || lease === null) return lease;
  if ("take" in lease) return plus(AT, lease.forMs);
  return cond(isNull("$leaseExpiresAt"), null, latest("$leaseExpiresAt", plus(AT, lease.extendMs)));
}

function newHolder(lease: Change["lease"], texts: Texts): Fields {
  if (lease === undefined) return {};
  if (lease === null) return { leaseToken: null, leaseHolder: null };
  return "take" in lease ? { leaseToken: "$$revision", leaseHolder: texts.place(lease.take) } : {};
}

/** Equals `changedExpiry` of core's transitions.ts; undefined: the expiry stays. Needs `$$leaseEnd`. */
function newExpiry(change: Change): Expression | undefined {
  const restarted = change.ttl === "restart" ? restartedExpiry(change.set?.ttlMs) : undefined;
  if (change.lease === undefined || change.lease === null) return restarted;
  const expiry = restarted ?? "$expiresAt";
  return letIn(
    { expiry },
    cond(
      { $or: [isNull("$$expiry"), isNull("$$leaseEnd")] },
      "$$expiry",
      latest("$$expiry", plus("$$leaseEnd", change.lease.graceMs)),
    ),
  );
}

/** A task that never expires does not begin to while it is leased, and a leased one only lives longer. */
function restartedExpiry(ttlMs: number | null | undefined): Expression {
  const ownLife = cond(isNull("$ttlMs"), null, plus(AT, "$ttlMs"));
  const fromNow = ttlMs === undefined ? ownLife : ttlMs === null ? null : plus(AT, ttlMs);
  return letIn(
    { fromNow },
    cond(
      { $or: [isNull("$$fromNow"), isNull("$$leaseEnd")] },
      "$$fromNow",
      cond(isNull("$expiresAt"), null, latest("$$fromNow", "$expiresAt", "$$leaseEnd")),
    ),
  );
}

/** An instant this far ahead; undefined: it stays. */
function deadline(inMs: number | null | undefined): Expression | undefined {
  return inMs === undefined || inMs === null ? inMs : plus(AT, inMs);
}

/** The new instant, or null where it is the old one: nobody need look earlier for that. */
function ifMoved(instant: Expression, before: Expression): Expression {
  return cond({ $eq: [instant, before] }, null, instant);
}
