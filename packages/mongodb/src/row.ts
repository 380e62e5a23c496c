import type { Generation, RingEntry, TaskRecord, TaskStatus } from "@mcp-task-store/core";

/**
 * The id of the one row of a collection that is no task: it says which version of the schema the collection has, and
 * carries the clock in answers without tasks. A number: no task id is one.
 */
export const CLOCK_ROW_ID = 0;

/** A task as it is stored, without what answers do not show. Instants are epoch ms. */
export interface TaskRow {
  readonly _id: string;
  readonly scope: string | null;
  readonly generation: Generation | null;
  readonly createId: string;
  readonly revision: number;
  readonly ringIds: readonly string[];
  readonly ringRevisions: readonly number[];
  readonly inputsId: string | null;
  readonly status: TaskStatus;
  readonly statusMessage: string | null;
  readonly createdAt: number;
  readonly lastUpdatedAt: number;
  readonly ttlMs: number | null;
  readonly pollIntervalMs: number;
  readonly expiresAt: number | null;
  readonly claimBy: number | null;
  readonly runUntil: number | null;
  readonly attempts: number;
  readonly cancelRequestedAt: number | null;
  readonly inputs: string | null;
  readonly metadata: string | null;
  readonly leaseToken: number | null;
  readonly leaseHolder: string | null;
  readonly leaseExpiresAt: number | null;
  readonly dueAt: number | null;
  /** Only in a read that asked for it. */
  readonly request?: string | null;
  readonly outcome?: string | null;
}

/** What the last command that changed the row, or was refused, found: see pipelines/clock.ts and its callers. */
export interface RowAnswer<Kind> {
  readonly answer: { readonly at: number; readonly kind: Kind };
}

/** Projection for the answer of a change: leaves out what only other calls need. */
export const CHANGED_FIELDS: Readonly<Record<string, 0>> = {
  messages: 0,
  messageIds: 0,
  given: 0,
  spentReceipts: 0,
  look: 0,
  request: 0,
  outcome: 0,
};

/** Projection for a read. */
export function readFields(loaded: {
  readonly request: boolean;
  readonly outcome: boolean;
}): Readonly<Record<string, 0>> {
  const { request: _request, outcome: _outcome, ...hidden } = CHANGED_FIELDS;
  return {
    ...hidden,
    answer: 0,
    ...(loaded.request ? {} : { request: 0 }),
    ...(loaded.outcome ? {} : { outcome: 0 }),
  };
}

export function taskRecord(row: TaskRow): TaskRecord {
  return {
    taskId: row._id,
    scope: row.scope,
    generation: row.generation,
    createId: row.createId,
    revision: row.revision,
    ring: row.ringIds.map((writeId, index): RingEntry => ({ writeId, revision: row.ringRevisions[index] ?? 0 })),
    inputsId: row.inputsId,
    status: row.status,
    statusMessage: row.statusMessage,
    createdAt: row.createdAt,
    lastUpdatedAt: row.lastUpdatedAt,
    ttlMs: row.ttlMs,
    pollIntervalMs: row.pollIntervalMs,
    expiresAt: row.expiresAt,
    claimBy: row.claimBy,
    runUntil: row.runUntil,
    attempts: row.attempts,
    cancelRequestedAt: row.cancelRequestedAt,
    inputs: row.inputs,
    metadata: row.metadata,
    lease:
      row.leaseToken === null || row.leaseHolder === null || row.leaseExpiresAt === null
        ? null
        : { token: row.leaseToken, holder: row.leaseHolder, expiresAt: row.leaseExpiresAt },
    dueAt: row.dueAt,
    ...(row.request === undefined ? {} : { request: row.request }),
    ...(row.outcome === undefined ? {} : { outcome: row.outcome }),
  };
}
