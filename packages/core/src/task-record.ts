import type { JsonText } from "./json.ts";
import type { Generation, TaskStatus } from "./task.ts";

/** One accepted write, remembered so that a lost answer can be looked up. */
export interface RingEntry {
  readonly writeId: string;
  /** The revision that the write produced. */
  readonly revision: number;
}

/** A lease as stored. The token is the revision at which it was taken. */
export interface LeaseRecord {
  readonly token: number;
  readonly holder: string;
  /** Epoch ms, the backend's clock. Live while now < expiresAt. */
  readonly expiresAt: number;
}

/**
 * What a driver stores for a task. Instants are integers, epoch ms of the backend's clock; payloads are JSON text that
 * the driver keeps byte for byte and never parses.
 */
export interface TaskRecord {
  readonly taskId: string;
  /** Owner, or null for an unowned task. */
  readonly scope: string | null;
  readonly generation: Generation | null;
  /** The insert's own id: tells a task from a later one under the same task id. */
  readonly createId: string;
  /** `max(previous + 1, backend epoch µs)`: moves at each write that is not quiet and with each message, never reused for a recreated id. */
  readonly revision: number;
  /** The last 8 accepted writes that were not quiet, oldest first. */
  readonly ring: readonly RingEntry[];
  /** `writeId` of the last write that changed `inputs`; null while there are none. */
  readonly inputsId: string | null;
  readonly status: TaskStatus;
  readonly statusMessage: string | null;
  readonly createdAt: number;
  readonly lastUpdatedAt: number;
  readonly ttlMs: number | null;
  readonly pollIntervalMs: number;
  /** Visible while now < expiresAt; null: for ever. */
  readonly expiresAt: number | null;
  readonly claimBy: number | null;
  readonly runUntil: number | null;
  readonly attempts: number;
  readonly cancelRequestedAt: number | null;
  /** JSON: key → { request, response? }; null while nothing was asked. */
  readonly inputs: JsonText | null;
  readonly metadata: JsonText | null;
  readonly lease: LeaseRecord | null;
  /** Lower bound of the next instant at which maintenance must look; null: never. */
  readonly dueAt: number | null;
  /** JSON of the TaskRequest; present in a read that asked for it, else undefined. */
  readonly request?: JsonText | null;
  /** JSON `{"result":…}` or `{"error":…}`; present in a read that asked for it, else undefined. */
  readonly outcome?: JsonText | null;
}
