import type { JsonText } from "./json.ts";
import type { Generation, OpenStatus, TaskStatus } from "./task.ts";
import type { TaskRecord } from "./task-record.ts";

/**
 * What must hold for an alternative to be applied; an absent key asks for nothing. All of it is decided by the
 * backend's clock, read after the row is locked, in the same atomic step as the change.
 */
export interface Guards {
  /** The status is working or input_required. */
  readonly open?: true;
  readonly status?: OpenStatus;
  /**
   * "none": no lease, or one that ran out. "live": a lease with now < expiresAt. `{ token }`: that lease, live.
   * `{ lapsed }`: that lease, run out.
   */
  readonly lease?: "none" | "live" | { readonly token: number } | { readonly lapsed: number };
  /** `inputsId` equals this. */
  readonly expectedInputs?: string | null;
  readonly generation?: Generation;
  /** Whether `cancelRequestedAt` is set. */
  readonly cancelRequested?: boolean;
  /** `attempts` is below this. */
  readonly attemptsBelow?: number;
  /** `claimBy` is set and now >= claimBy. */
  readonly claimOver?: true;
  /** `runUntil` is set and now >= runUntil. */
  readonly runOver?: true;
}

/** Fields that a change sets as they are given. `undefined` (absent) leaves a field alone, `null` clears it. */
export interface FieldChanges {
  readonly status?: TaskStatus;
  readonly statusMessage?: string | null;
  readonly pollIntervalMs?: number;
  /**
   * How long the task is to live from now. Stored, since ttlMs counts from creation: its age plus this. null: for ever.
   * Comes with `ttl: "restart"`.
   */
  readonly ttlMs?: number | null;
  /** Setting it also sets `inputsId` to the write's id. */
  readonly inputs?: JsonText | null;
  readonly metadata?: JsonText | null;
  readonly outcome?: JsonText | null;
}

/** What happens to the row. Durations count from the backend's now. `apply` in transitions.ts is the exact meaning. */
export interface Change {
  readonly set?: FieldChanges;
  /**
   * expiresAt = now + ttlMs, or now + what `set` gives for it; null is for ever. While a lease stays on the row it only
   * rises, and for ever stays.
   */
  readonly ttl?: "restart";
  /** take: token = the new revision. Both raise expiresAt to at least the lease's end + graceMs. null: no lease. */
  readonly lease?:
    | { readonly take: string; readonly forMs: number; readonly graceMs: number }
    | { readonly extendMs: number; readonly graceMs: number }
    | null;
  /** claimBy = now + this; null clears it. */
  readonly claimInMs?: number | null;
  /** runUntil = now + this; null clears it. */
  readonly runInMs?: number | null;
  readonly attempts?: 1 | -1;
  /** cancelRequestedAt = now, unless it is set already. */
  readonly cancelRequested?: "now";
}

/** One way a write may go: if `when` holds, `then` happens. */
export interface Alternative {
  readonly when: Guards;
  readonly then: Change;
}

/**
 * One conditional write: the first alternative whose guards hold is applied, whole, in one atomic step.
 * Implicit in every write: the row is visible, its scope fits, `writeId` is not in the ring, now <= notAfterUs.
 */
export interface Write {
  readonly taskId: string;
  /** Absent: any scope (trusted code). A string or null: the row's scope must be exactly that. */
  readonly scope?: string | null;
  /** At least 96 random bits, the same over all attempts of one command. */
  readonly writeId: string;
  /** Epoch µs of the backend's clock after which the write must not land. */
  readonly notAfterUs: number;
  /**
   * On a repeat of a write whose answer was lost, and on every attempt of one that could apply twice: a revision that the
   * row had before the first attempt; 0 if none is known. If the ring is full and its oldest revision is greater than
   * this, the ring cannot tell whether that attempt landed, and the write is refused. So looking and repeating are one
   * atomic step, and no clock has a say in it.
   */
  readonly sinceRevision?: number;
  /** The row that is meant, where it was seen before. One with another `createId` is another task: refused. */
  readonly createId?: string;
  /**
   * On such a repeat where the row was not seen before: a backend time, epoch µs, not before the first attempt. A row
   * that was created later is another task under the same id, and the write is refused.
   */
  readonly bornByUs?: number;
  /** Leaves revision, ring, lastUpdatedAt and hints alone (a heartbeat). */
  readonly quiet?: boolean;
  readonly alternatives: readonly Alternative[];
}

/**
 * What became of a write. `row` has neither `request` nor `outcome`.
 * - written: applied now, or before under the same writeId (it is in the ring; `row` is then the row as it stands).
 * - refused: no alternative held, or it came after `notAfterUs`; `row` and `nowUs` are exactly what the guards saw.
 * - gone: no such visible row in that scope (unknown, expired, foreign: the driver does not say which).
 */
export type WriteAnswer =
  | { readonly kind: "written" | "refused"; readonly row: TaskRecord; readonly nowUs: number }
  | { readonly kind: "gone" };

/** A new task. The driver adds the instants by its own clock: see `born` in transitions.ts. */
export interface Insert {
  readonly taskId: string;
  readonly createId: string;
  readonly scope: string | null;
  readonly generation: Generation | null;
  readonly statusMessage: string | null;
  readonly ttlMs: number | null;
  readonly pollIntervalMs: number;
  readonly claimInMs: number;
  readonly metadata: JsonText | null;
  readonly request: JsonText | null;
  readonly notAfterUs: number;
}

/**
 * - inserted: the row is new, or was inserted before under the same createId.
 * - exists: another visible row has the id (an expired one, purged or not, never blocks an insert).
 * - late: now > notAfterUs; nothing was stored. A visible row with the id is answered first.
 * `row` has neither `request` nor `outcome`.
 */
export type InsertAnswer =
  | { readonly kind: "inserted" | "exists"; readonly row: TaskRecord; readonly nowUs: number }
  | { readonly kind: "late"; readonly nowUs: number };

/** As of a {@link Write}. */
export type Remove = Pick<Write, "taskId" | "scope" | "notAfterUs">;

/**
 * Visible rows only. `read`: in no particular order, each once even if its id was asked for twice.
 * `page`: in listing order, at most `limit`.
 */
export interface ReadAnswer {
  readonly rows: readonly TaskRecord[];
  readonly nowUs: number;
}

export interface DriverReadOptions extends DriverCallOptions {
  readonly request?: boolean;
  readonly outcome?: boolean;
  /** Where tasks lie on several servers: what one of them answered, told at once. The read's own answer is the whole. */
  readonly onPart?: (taskIds: readonly string[], answer: ReadAnswer) => void;
}

/** A page. Its rows are as of {@link ReadAnswer}. */
export interface PageAnswer extends ReadAnswer {
  /**
   * Up to where the driver looked, if it stopped before it had `limit` rows or the listing ended: so many entries led to
   * none that the call could run out of its time. Absent: the page is full, or nothing lies behind it.
   */
  readonly reached?: PagePosition;
}

/** A position in a listing: the row that was last seen. Order is createdAt descending, then taskId descending bytewise. */
export interface PagePosition {
  readonly createdAt: number;
  readonly taskId: string;
}

export interface PageQuery {
  /** As in {@link Write.scope}. */
  readonly scope?: string | null;
  readonly status?: readonly TaskStatus[];
  /** Rows strictly behind this position, whether or not its row still exists. */
  readonly after?: PagePosition;
  /** At least 1. Expired, foreign and filtered-out rows do not count towards it. */
  readonly limit: number;
}

/** What maintenance has to look at. */
export interface DueAnswer {
  /** Rows with a lapsed lease, an over claim or an over run; their dueAt now lies `holdMs` ahead. */
  readonly rows: readonly TaskRecord[];
  /** Ids of expired rows that were deleted, so that their waiters can be woken. */
  readonly purged: readonly string[];
  /** Whether `limit` cut the look short. */
  readonly more: boolean;
  readonly nowUs: number;
}

export interface DriverCallOptions {
  /**
   * The engine's deadline and the caller's abort in one. When it fires the driver stops waiting and rejects: with
   * STORE_UNAVAILABLE if the call certainly was not and will not be applied, else with WRITE_OUTCOME_UNKNOWN.
   */
  readonly signal?: AbortSignal;
}

/** What a driver can do; the store shows it to users and the conformance kit reads it. */
export interface DriverCapabilities {
  /** Acknowledged writes survive a hard stop of the backend. */
  readonly durable: boolean;
  /** Several processes can share the backend. */
  readonly multiProcess: boolean;
  /** `hints` is there and reaches every store on the backend. */
  readonly pushHints: boolean;
  /** `messages` is there. */
  readonly messages: boolean;
  /** `page` works. */
  readonly listing: boolean;
  /**
   * Largest JSON text of one payload, in UTF-8 bytes: of a metadata, a request, a result, an error, a message, or all the
   * inputs of one call.
   */
  readonly maxPayloadBytes: number;
}

export interface HintListener {
  /** Something about these tasks changed, or they are gone. May come late, twice or for nothing. */
  onHint(taskIds: readonly string[]): void;
  /** Hints may have been lost (reconnect): everything waited for must be read again. */
  onGap(): void;
}

/** Wake-ups between processes. A hint is never the truth: the row is. */
export interface DriverHints {
  /** Called by the engine after a write was committed, with many ids at once. May reject; the engine carries on. */
  publish(taskIds: readonly string[]): Promise<void>;
  /**
   * Resolves once hints sent from now on will be seen, or rejects. A driver that keeps trying by itself may resolve
   * before that, and then calls `onGap` as soon as it hears. The returned function ends the subscription.
   */
  subscribe(listener: HintListener): Promise<() => Promise<void>>;
}

/** A message of a task, as it is kept. */
export interface DriverMessage {
  readonly messageId: string;
  readonly text: JsonText;
}

/** What a push and a take say of their task and of their time. */
interface MessageCall {
  readonly taskId: string;
  /** Epoch µs of the backend's clock after which the call must not take effect. */
  readonly notAfterUs: number;
  /** As in {@link Write.bornByUs}: a row that was created later is another task, and the call finds none. */
  readonly bornByUs?: number;
}

/** Adds a message behind all others of its task, unless one of its id is there or was. */
export interface MessagePush extends MessageCall {
  readonly message: DriverMessage;
  /** As in {@link Guards.open}. */
  readonly open?: true;
  /** How many messages may wait, this one counted. At least 1. */
  readonly maxSize: number;
}

/** Hands the messages that wait to a receipt, oldest first. */
export interface MessageTake extends MessageCall {
  readonly receipt: string;
  /** At least 1; null: all. */
  readonly limit: number | null;
  /** For how long after it was handed out a message must be kept for its receipt, ms. */
  readonly keepMs: number;
}

/**
 * What became of a push, looked at in this order. `nowUs` is the reading of the one clock that decided.
 * - gone: no such visible row, or not this one.
 * - pushed: stored now, or before under the same id, whatever became of it since.
 * - late: it came after `notAfterUs`. refused: the row is not open. full: as many wait as may. Nothing was stored.
 */
export type PushAnswer =
  | { readonly kind: "pushed" | "refused" | "full"; readonly nowUs: number }
  | { readonly kind: "late"; readonly nowUs: number }
  | { readonly kind: "gone" };

/**
 * What became of a take, looked at in this order.
 * - gone: as of a push.
 * - taken: what the receipt was handed before; else what it was handed now, which may be nothing.
 * - spent: the receipt was handed something, which is not kept any more.
 * - late: it came after `notAfterUs`; nothing was handed out.
 */
export type TakeAnswer =
  | { readonly kind: "taken"; readonly messages: readonly DriverMessage[]; readonly nowUs: number }
  | { readonly kind: "spent"; readonly nowUs: number }
  | { readonly kind: "late"; readonly nowUs: number }
  | { readonly kind: "gone" };

/**
 * Durable messages of tasks. They belong to the row, its `createId` included: whatever deletes it or puts another in its
 * place takes them along in the same step. `message-queue.ts` is the exact meaning; every driver must equal it.
 */
export interface DriverMessages {
  /**
   * One atomic step, under whatever keeps two pushes to a task apart: order is the order of these steps, and of two that
   * race for the last place one gets it. Storing a new message moves the row's `revision` as a write does, and nothing
   * else of the row.
   */
  push(push: MessagePush, options?: DriverCallOptions): Promise<PushAnswer>;
  /**
   * One atomic step: each message goes to one receipt, for good. A take that hands out also forgets the texts that were
   * handed out `keepMs` ago or earlier; their ids and receipts stay as long as the row. Leaves the row alone.
   */
  take(take: MessageTake, options?: DriverCallOptions): Promise<TakeAnswer>;
}

/**
 * What a backend implements: storage, atomicity and a clock. It knows no task rule, only the language above and
 * visibility (now < expiresAt, by its own clock, purged or not).
 *
 * Errors: every method rejects with a TaskStoreError only. STORE_UNAVAILABLE: certainly not applied, now or later.
 * WRITE_OUTCOME_UNKNOWN: may have been applied (connection lost after sending, deadline). SCHEMA_NOT_READY: `setup()`
 * was not run. CLOSED: after `close()`. `retryable: false` on STORE_UNAVAILABLE keeps the engine from repeating. Reads never throw WRITE_OUTCOME_UNKNOWN.
 */
export interface TaskDriver {
  /** Short and stable, such as "postgres"; part of cursors. */
  readonly name: string;
  readonly capabilities: DriverCapabilities;
  /** Creates or upgrades what the backend needs. Idempotent, safe in many processes at once. */
  setup(options?: DriverCallOptions): Promise<void>;
  insert(insert: Insert, options?: DriverCallOptions): Promise<InsertAnswer>;
  /** Visible rows of these ids, whatever their scope. With no ids: just the clock. */
  read(taskIds: readonly string[], options?: DriverReadOptions): Promise<ReadAnswer>;
  write(write: Write, options?: DriverCallOptions): Promise<WriteAnswer>;
  /** Deletes a visible row of that scope with everything that belongs to it. */
  remove(remove: Remove, options?: DriverCallOptions): Promise<"removed" | "gone" | "late">;
  /** Looks at some thousand entries at least before it stops short: see {@link PageAnswer.reached}. */
  page(query: PageQuery, options?: DriverCallOptions): Promise<PageAnswer>;
  /**
   * In one atomic step, over at most `limit` rows with dueAt <= now, earliest first: deletes the expired ones; where
   * work is due (lease, claim or run is over) sets dueAt to now + holdMs, or the next instant ahead, and returns the row; sets the dueAt of the
   * others to their exact next instant. See `afterLook` in transitions.ts. A lost answer is STORE_UNAVAILABLE: what was
   * purged had expired, and what was held comes up again.
   */
  due(limit: number, holdMs: number, options?: DriverCallOptions): Promise<DueAnswer>;
  /** Closes what the driver opened itself. Calls in flight settle. Twice is harmless. */
  close(): Promise<void>;
  readonly hints?: DriverHints;
  readonly messages?: DriverMessages;
}
