import { types } from "pg";
import type { Generation, RingEntry, TaskRecord, TaskStatus } from "@mcp-task-store/core";

const INT8 = 20;
const INT8_ARRAY = 1016;

/** How one query's columns are read; the shape of pg's own `types`. */
export interface RowTypes {
  getTypeParser(oid: number, format?: "text" | "binary"): (value: string) => unknown;
}

/**
 * bigint as a number, for our own queries only: pg hands it out as a string, and changing that in pg's global table
 * would change it for the whole process. Epoch µs stay below 2^53 until the year 2255.
 */
export const rowTypes: RowTypes = {
  getTypeParser(oid) {
    if (oid === INT8) return safeInteger;
    if (oid === INT8_ARRAY) return safeIntegers;
    return types.getTypeParser(oid, "text");
  },
};

function safeInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value))
    throw new RangeError(`a bigint column holds ${text}, beyond what a number keeps exactly`);
  return value;
}

/** `{1,2,3}` */
function safeIntegers(text: string): readonly number[] {
  return text === "{}" ? [] : text.slice(1, -1).split(",").map(safeInteger);
}

/** A row as pg gives it, with {@link rowTypes}. */
export type TaskRow = {
  readonly task_id: string;
  readonly scope: string | null;
  readonly generation: Generation | null;
  readonly create_id: string;
  readonly revision: number;
  readonly ring_ids: readonly string[];
  readonly ring_revisions: readonly number[];
  readonly inputs_id: string | null;
  readonly status: TaskStatus;
  readonly status_message: string | null;
  readonly created_at: number;
  readonly last_updated_at: number;
  readonly ttl_ms: number | null;
  readonly poll_interval_ms: number;
  readonly expires_at: number | null;
  readonly claim_by: number | null;
  readonly run_until: number | null;
  readonly attempts: number;
  readonly cancel_requested_at: number | null;
  readonly inputs: string | null;
  readonly metadata: string | null;
  readonly lease_token: number | null;
  readonly lease_holder: string | null;
  readonly lease_expires_at: number | null;
  readonly due_at: number | null;
  /** Only in a read that asked for it. */
  readonly request?: string | null;
  readonly outcome?: string | null;
};

/** A row of an answer that carries the clock even where there is no task. */
export type MaybeTaskRow = { readonly now_us: number } & (TaskRow | { readonly task_id: null });

export function taskRecord(row: TaskRow): TaskRecord {
  return {
    taskId: row.task_id,
    scope: row.scope,
    generation: row.generation,
    createId: row.create_id,
    revision: row.revision,
    ring: row.ring_ids.map((writeId, index): RingEntry => ({ writeId, revision: row.ring_revisions[index] ?? 0 })),
    inputsId: row.inputs_id,
    status: row.status,
    statusMessage: row.status_message,
    createdAt: row.created_at,
    lastUpdatedAt: row.last_updated_at,
    ttlMs: row.ttl_ms,
    pollIntervalMs: row.poll_interval_ms,
    expiresAt: row.expires_at,
    claimBy: row.claim_by,
    runUntil: row.run_until,
    attempts: row.attempts,
    cancelRequestedAt: row.cancel_requested_at,
    inputs: row.inputs,
    metadata: row.metadata,
    lease:
      row.lease_token === null || row.lease_holder === null || row.lease_expires_at === null
        ? null
        : { token: row.lease_token, holder: row.lease_holder, expiresAt: row.lease_expires_at },
    dueAt: row.due_at,
    ...(row.request === undefined ? {} : { request: row.request }),
    ...(row.outcome === undefined ? {} : { outcome: row.outcome }),
  };
}
