import type { DriverCapabilities } from "./task-driver.ts";
import type { JsonObject } from "./json.ts";
import type { TaskMessageQueue } from "./task-messages.ts";
import type { Generation, InputRequest, Task, TaskOutcome, TaskRequest, TaskStatus } from "./task.ts";

/** What every call takes. */
export interface CallOptions {
  /**
   * Stops waiting for the call. Before anything was sent, and for reads: ABORTED. For a write in flight:
   * WRITE_OUTCOME_UNKNOWN, since it may still take effect.
   */
  readonly signal?: AbortSignal | undefined;
  /** How long the call may take, ms. @default the store's `callTimeoutMs` (5,000), for `setup` 60,000; range 1 to 3,600,000 */
  readonly timeoutMs?: number | undefined;
}

/** What writes of trusted code take besides. */
export interface WriteOptions extends CallOptions {
  /** Fencing token of the caller's lease. While a live lease exists, reports, asks and finishes need it. */
  readonly lease?: number | undefined;
  /** Overrides a live lease. For operators, not for workers. */
  readonly force?: boolean | undefined;
}

export interface FinishOptions extends WriteOptions {
  /** @default a failed task gets its error's message, or a text of the store's if it has no error; else the message stays */
  readonly statusMessage?: string | undefined;
}

export interface CancelOptions extends CallOptions {
  /** @default the message stays as it is */
  readonly statusMessage?: string | undefined;
}

export interface GetTaskOptions extends CallOptions {
  /** Also load the request that became the task. @default false */
  readonly request?: boolean | undefined;
  /** Also load the outcome; the same read gives status and outcome. @default false */
  readonly outcome?: boolean | undefined;
}

/** What a new task may be given. Unknown keys are refused. */
export interface CreateTaskParams {
  /** Decides what an `isError` result means. @default null */
  readonly generation?: Generation | null | undefined;
  /** Lifetime, ms; null: unlimited. @default the store's `defaultTtlMs`; capped by its `maxTtlMs`; range 1 to 3,153,600,000,000 (100 years) */
  readonly ttlMs?: number | null | undefined;
  /** @default the store's `defaultPollIntervalMs` (500); range 1 to 86,400,000 */
  readonly pollIntervalMs?: number | undefined;
  /** At most 8,192 UTF-8 bytes, no NUL. */
  readonly statusMessage?: string | undefined;
  /** `method` and `name`: 1 to 255 UTF-8 bytes, no control characters. `_meta` inside its params is dropped. */
  readonly request?: TaskRequest | undefined;
  readonly metadata?: JsonObject | undefined;
  /**
   * Same principal and key give the same task, however often it is called; the first call's parameters stand. 1 to 255
   * UTF-8 bytes. Refused for unowned tasks, whose id must stay a secret, and beside a `taskId`.
   */
  readonly idempotencyKey?: string | undefined;
}

/** What trusted code may give a new task besides. */
export interface RootCreateTaskParams extends CreateTaskParams {
  /** The task's own id. 1 to 255 UTF-8 bytes, no control characters. @default a random UUID */
  readonly taskId?: string | undefined;
  /** Who owns the task. 1 to 512 UTF-8 bytes, no NUL. @default null: unowned */
  readonly principal?: string | null | undefined;
}

/** What a report may change. Absent leaves it alone, null removes it. */
export interface TaskChange {
  readonly statusMessage?: string | null | undefined;
  readonly metadata?: JsonObject | null | undefined;
  readonly pollIntervalMs?: number | undefined;
  /**
   * How long the task is to live from now, capped by the store's `maxTtlMs`. `Task.ttlMs`, which counts from creation,
   * becomes its age plus this.
   */
  readonly ttlMs?: number | null | undefined;
}

export interface ListTasksParams {
  readonly cursor?: string | undefined;
  /** @default 50; range 1 to 1,000 */
  readonly limit?: number | undefined;
  readonly status?: readonly TaskStatus[] | undefined;
}

export interface TaskPage {
  /** Newest first. */
  readonly tasks: readonly Task[];
  /**
   * Present while there may be more, also where few tasks or none came: a backend may stop when a filter passes few of
   * very many tasks, and a last page may be full. Opaque; stays valid when the task it was made from is gone.
   */
  readonly nextCursor?: string;
}

export interface WaitOptions {
  /**
   * The task is looked at once in any case, which may take the store's `callTimeoutMs` while the backend is slow.
   * @default no limit; range 0 to 2,592,000,000 (30 days)
   */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The right to work on a task until `expiresAt`, and further by renewing. */
export interface Lease {
  readonly taskId: string;
  /** Fencing token: grows with every lease of the task. */
  readonly token: number;
  readonly holder: string;
  /** ISO 8601, the backend's clock. */
  readonly expiresAt: string;
  readonly leaseMs: number;
  /** How long the lease has left by the backend's clock when the answer was made, ms. */
  readonly remainingMs: number;
  readonly task: Task;
}

export interface AcquireOptions extends CallOptions {
  /** A name for people to read; the token, not the name, is what counts. 1 to 255 UTF-8 bytes, no control characters. */
  readonly holder: string;
  /** Life of the lease without renewal, ms. @default the store's `leaseMs` (30,000); range `minLeaseMs` to 86,400,000 */
  readonly leaseMs?: number | undefined;
  /** After this long the run is failed even if it is renewed, ms. @default the store's `maxRunMs` (none); range 10 to 2,592,000,000 */
  readonly maxRunMs?: number | undefined;
}

export interface RenewOptions extends CallOptions {
  /** @default the store's `leaseMs`; range `minLeaseMs` to 86,400,000 */
  readonly leaseMs?: number | undefined;
}

export interface ReleaseOptions extends CallOptions {
  /**
   * How soon a task that nobody takes is handed to `onOrphan`, ms: little when its worker shuts down, so that another
   * takes over with the next round of maintenance. @default the store's `claimWithinMs`; range 10 to 2,592,000,000
   */
  readonly claimWithinMs?: number | undefined;
}

/** What one round of maintenance did. */
export interface MaintenanceReport {
  /** Expired tasks that were deleted. */
  readonly purged: number;
  /** Tasks of lost workers, and runs over their time, that were failed. */
  readonly failed: number;
  /** Tasks of lost workers that are free again. */
  readonly released: number;
  /** Tasks of lost workers whose cancellation had been asked for. */
  readonly cancelled: number;
  /** Calls of `onOrphan`, for released and for unclaimed tasks. */
  readonly announced: number;
  /** There is more to do: call again. */
  readonly more: boolean;
}

/** What a store can do and how it is set; the conformance kit reads it. Durations in ms. */
export interface TaskStoreCapabilities extends DriverCapabilities {
  readonly minTtlMs: number;
  readonly minLeaseMs: number;
  readonly safetyPollMs: number;
  /** How often this store maintains by itself; 0: only when `maintain()` is called. */
  readonly maintainEveryMs: number;
  readonly graceMs: number;
}

/**
 * A store as one principal sees it; what serves requests. Foreign, expired, deleted and unknown ids are
 * indistinguishable in every method: same code, same text, same work, no waiting on one and not the other.
 *
 * All methods reject with `TaskStoreError`s: INVALID_ARGUMENT before anything is sent; STORE_UNAVAILABLE when nothing
 * was written; for writes WRITE_OUTCOME_UNKNOWN when a lost answer could not be looked up; ABORTED; CLOSED. An id that
 * no task can have is unknown, or an INVALID_ARGUMENT.
 *
 * Arguments count as they are at the call, answers are copies: whoever edits one later edits nothing else.
 * @see S-69, S-73, S-74, X-59; rules scope/*
 */
export interface ScopedTaskStore {
  /** null: a caller without identity. It reaches unowned tasks only, by their unguessable id, and cannot list. */
  readonly principal: string | null;

  /**
   * Creates a task in status working. When it resolves, every process can read the task (X-11).
   * @throws TaskStoreError PAYLOAD_TOO_LARGE
   * @see S-19 … S-22, S-33, X-58; rules ids/*, lifecycle/*
   */
  createTask(params?: CreateTaskParams, options?: CallOptions): Promise<Task>;

  /** The task as it stands, or undefined. Never blocks on anything but the backend. One round trip. */
  getTask(taskId: string, options?: GetTaskOptions): Promise<Task | undefined>;

  /**
   * How the task ended; undefined while it is open. Exactly the JSON that was stored (S-40, X-57).
   * @throws TaskStoreError TASK_NOT_FOUND
   */
  getOutcome(taskId: string, options?: CallOptions): Promise<TaskOutcome | undefined>;

  /**
   * The principal's own tasks, newest first. A walk shows each task that lived all through it exactly once, whatever
   * happens to others meanwhile. Cursors work in every process, and not for anybody else.
   * @throws TaskStoreError INVALID_CURSOR for whatever is no cursor of this listing; NOT_SUPPORTED for principal null (S-72) or without the capability
   * @see S-51 … S-54, S-62, S-74; rules list/*
   */
  listTasks(page?: ListTasksParams, options?: CallOptions): Promise<TaskPage>;

  /**
   * Cancels an open task at once, whoever works on it; its worker learns it by `ctx.signal`.
   * Races: of concurrent endings and cancels exactly one takes effect. One round trip.
   * @throws TaskStoreError TASK_TERMINAL with the task as it stands; TASK_NOT_FOUND
   * @see S-55, S-57, S-58; rules cancel/*
   */
  cancelTask(taskId: string, options?: CancelOptions): Promise<Task>;

  /**
   * Asks for cancellation. A task that nobody works on is cancelled at once; otherwise the intent is recorded and
   * aborts the worker's signal, and the worker decides: it may still complete. Idempotent: asked for before, or
   * terminal, it is returned unchanged.
   * @throws TaskStoreError TASK_NOT_FOUND
   * @see X-38 … X-40; rules cancel/coop, cancel/coop-orphan
   */
  requestCancellation(taskId: string, options?: CallOptions): Promise<Task>;

  /**
   * Stores answers to open inputs. The first answer to a key stays; unknown and answered keys are ignored. When the
   * last open one is answered the task works again. At most 100 keys a call. Two round trips.
   * @throws TaskStoreError TASK_TERMINAL, TASK_NOT_FOUND, PAYLOAD_TOO_LARGE
   * @see X-30, X-34, X-35, S-28; rules inputs/*
   */
  answerInputs(taskId: string, answers: Readonly<Record<string, JsonObject>>, options?: CallOptions): Promise<Task>;

  /** Removes the task and everything of it; waiters reject. True if there was one. */
  deleteTask(taskId: string, options?: CallOptions): Promise<boolean>;

  /**
   * Resolves with the task as soon as its revision is another than `since`: at once, or within one hint or one safety
   * poll after whichever process wrote. A terminal task is returned at once. undefined: `timeoutMs` went by.
   * @throws TaskStoreError TASK_NOT_FOUND at once if there is none, and when it expires or is deleted meanwhile;
   *   STORE_UNAVAILABLE if not even the first look was possible (an outage later on is waited through); ABORTED
   * @see S-39, rules wait/*
   */
  waitForUpdate(taskId: string, options: WaitOptions & { readonly since: number }): Promise<Task | undefined>;

  /**
   * Resolves with the outcome once the task is terminal. undefined: `timeoutMs` went by.
   * @throws TaskStoreError TASK_NOT_FOUND, ABORTED
   */
  waitForOutcome(taskId: string, options?: WaitOptions): Promise<TaskOutcome | undefined>;

  /**
   * Each of these tasks as it stands now, then each change (of changes in quick succession the latest), until all are
   * terminal or gone. A terminal task is its last item; one that is gone, or not there at all, just ends: a view cannot
   * tell a foreign id from an unknown one. Nothing is read before the first `next()`. At most 10,000 ids.
   * @throws TaskStoreError at once: INVALID_ARGUMENT; from `next()`: STORE_UNAVAILABLE if not even the first look at a task was possible (an outage
   *   later on is waited through); ABORTED, CLOSED
   * @see X-43, X-45; rules watch/*, scope/every-op
   */
  watchTasks(taskIds: readonly string[], options?: { readonly signal?: AbortSignal | undefined }): AsyncIterable<Task>;
}

/**
 * A store as trusted code uses it: workers, operators, bridges. It reaches every principal's tasks.
 * Serve requests through {@link TaskStore.scoped}.
 */
export interface TaskStore extends Omit<ScopedTaskStore, "principal" | "createTask">, AsyncDisposable {
  readonly capabilities: TaskStoreCapabilities;

  /** @throws TaskStoreError ALREADY_EXISTS if `taskId` is given and taken; see {@link ScopedTaskStore.createTask} */
  createTask(params?: RootCreateTaskParams, options?: CallOptions): Promise<Task>;

  /**
   * The store as one principal sees it. `null`: a caller without identity.
   * @throws TaskStoreError INVALID_ARGUMENT for anything but null or a string of 1 to 512 UTF-8 bytes without NUL
   */
  scoped(principal: string | null): ScopedTaskStore;

  /**
   * Reports on an open task: message, metadata, poll interval, ttl. One round trip.
   * @throws TaskStoreError TASK_TERMINAL, TASK_NOT_FOUND, LEASE_LOST, PAYLOAD_TOO_LARGE
   * @see rules lifecycle/*, lease/fenced
   */
  updateTask(taskId: string, change: TaskChange, options?: WriteOptions): Promise<Task>;

  /**
   * Ends a task: status, outcome and message become visible together, and no later call changes them.
   * An `isError` result is failed in generation 2025-11-25 and completed otherwise. One round trip.
   * @throws TaskStoreError TASK_TERMINAL with the task as it stands; TASK_NOT_FOUND, LEASE_LOST, PAYLOAD_TOO_LARGE
   * @see S-24, S-38, S-66 … S-68, X-10, X-19 … X-21, X-56; rules finish/*
   */
  finishTask(taskId: string, outcome: TaskOutcome, options?: FinishOptions): Promise<Task>;

  /**
   * Asks the client: status input_required and the questions in one write. Keys are unique over the task's life; the
   * same request under a known key asks nothing new and keeps its answer. 1 to 100 keys a call; all inputs of a task
   * together may take as much JSON as the driver's largest payload. Two round trips.
   * @throws TaskStoreError INPUT_KEY_REUSED, TASK_TERMINAL, TASK_NOT_FOUND, LEASE_LOST, PAYLOAD_TOO_LARGE
   * @see S-25, X-17, X-18, X-28, X-29; rules inputs/*
   */
  requestInputs(taskId: string, inputs: Readonly<Record<string, InputRequest>>, options?: WriteOptions): Promise<Task>;

  /**
   * Takes the task to work on it. undefined: somebody holds it, it is terminal, or its attempts are used up. A task
   * whose cancellation was asked for is cancelled instead of handed out. A lease raises the task's expiry to at least
   * `capabilities.graceMs` beyond its own end. One round trip.
   * @throws TaskStoreError TASK_NOT_FOUND
   * @see rules lease/*
   */
  acquireLease(taskId: string, options: AcquireOptions): Promise<Lease | undefined>;

  /**
   * Prolongs a live lease from now, and never shortens it. Changes neither revision nor lastUpdatedAt, and wakes nobody.
   * One round trip.
   * @throws TaskStoreError LEASE_LOST, TASK_TERMINAL, TASK_NOT_FOUND
   */
  renewLease(taskId: string, token: number, options?: RenewOptions): Promise<Lease>;

  /**
   * Gives the task back: it is free at once, its ttl starts again, also where the lease had raised its expiry to more,
   * and the attempt does not count. If its cancellation was asked for it is cancelled. One round trip.
   * @throws TaskStoreError LEASE_LOST, TASK_TERMINAL, TASK_NOT_FOUND
   */
  releaseLease(taskId: string, token: number, options?: ReleaseOptions): Promise<Task>;

  /** Durable messages from a task to its client. NOT_SUPPORTED while `capabilities.messages` is false. */
  readonly messages: TaskMessageQueue;

  /** Creates or upgrades what the backend needs. Idempotent, safe in many processes at once. */
  setup(options?: CallOptions): Promise<void>;

  /**
   * Deletes expired tasks, fails (with an error and a message) or releases those of lost workers, and hands working ones
   * that were released or that nobody claimed to `onOrphan`: one in input_required is, once it was answered. Runs by
   * itself unless `maintenance: false`; any number of processes may do it at once. Looks at `limit` tasks at most (100 by default,
   * 10,000 at most); the report's `more` says whether to call again.
   * @see rules lease/orphan-*, lease/claim, ttl/*
   */
  maintain(options?: CallOptions & { readonly limit?: number | undefined }): Promise<MaintenanceReport>;

  /**
   * Ends the store: waits and watches settle with CLOSED, calls in flight get up to `graceMs` (5,000) to settle. Closes
   * only connections that the store opened itself. Every call after it, of a view too, is CLOSED. Twice is harmless.
   */
  close(options?: { readonly graceMs?: number | undefined }): Promise<void>;
}
