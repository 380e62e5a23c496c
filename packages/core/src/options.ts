import type { Task } from "./task.ts";

/**
 * What every store takes, whatever its backend. All durations are integers in ms, checked when the store is made;
 * anything out of range is an INVALID_ARGUMENT that names the option and its limit.
 */
export interface TaskStoreOptions {
  /**
   * How often this process looks after expired and orphaned tasks by itself; the timer never keeps a process alive.
   * false: only when `maintain()` is called, from a cron say. @default { everyMs: 10_000 }; range 10 to 3,600,000
   */
  readonly maintenance?: { readonly everyMs?: number | undefined } | false | undefined;
  /**
   * Called with a task whose worker was lost (policy "release") or that nobody claimed within `claimWithinMs`: hand it
   * to a worker. May be called more than once for a task, in any process. What it throws goes to `onError`, and the task
   * is handed over again soon, by whichever process comes first.
   */
  readonly onOrphan?: ((task: Task) => void | Promise<void>) | undefined;
  /** What becomes of the task of a lost worker. @default "release" with `onOrphan`, else "fail" */
  readonly orphanPolicy?: "fail" | "release" | undefined;
  /** How many leases a task gets before a lost worker fails it. @default 3, range 1 to 1,000 */
  readonly maxAttempts?: number | undefined;
  /** How long a working task may wait unclaimed before it is announced again. @default 300_000, range 10 to 2,592,000,000 */
  readonly claimWithinMs?: number | undefined;
  /** Life of a lease without a heartbeat. @default 30_000, range 50 to 86,400,000 */
  readonly leaseMs?: number | undefined;
  /** How long one run may take, heartbeat or not; null: no limit. @default null, range 10 to 2,592,000,000 */
  readonly maxRunMs?: number | null | undefined;
  /**
   * How long a task outlives the end of its lease at least, so that maintenance finds it. The process that takes or
   * renews the lease decides: where others maintain, give it at least three of their periods. At least three of this
   * store's own are granted in any case. @default max(30_000, 3 × maintenance); range 1 to 2,592,000,000
   */
  readonly graceMs?: number | undefined;
  /** How often waiters look for themselves, in case a hint was lost. @default 5_000 (1_000 without push hints), range 10 to 600,000 */
  readonly safetyPollMs?: number | undefined;
  /** How long a call may take before it is given up. @default 5_000, range 1 to 3,600,000 */
  readonly callTimeoutMs?: number | undefined;
  /** Lifetime of a task that asks for none; null: unlimited. @default 86_400_000 (one day), range 1 to 100 years */
  readonly defaultTtlMs?: number | null | undefined;
  /** Longest lifetime; a longer or unlimited wish is cut to it, and the task says so (S-33, S-77). null: none. @default null */
  readonly maxTtlMs?: number | null | undefined;
  /** @default 500, range 1 to 86,400,000 */
  readonly defaultPollIntervalMs?: number | undefined;
  /** Largest JSON text of one payload in UTF-8 bytes. @default 1_048_576; range 1 to the driver's own limit */
  readonly maxPayloadBytes?: number | undefined;
  /** Told of errors in the background (maintenance, hints, `onOrphan`). @default nothing: they are repeated or harmless */
  readonly onError?: ((error: unknown) => void) | undefined;
}

export interface TaskStoreDefaults {
  readonly maintenanceEveryMs: number;
  readonly maxAttempts: number;
  readonly claimWithinMs: number;
  readonly leaseMs: number;
  readonly minGraceMs: number;
  readonly safetyPollMs: number;
  readonly safetyPollWithoutHintsMs: number;
  readonly callTimeoutMs: number;
  readonly defaultTtlMs: number;
  readonly defaultPollIntervalMs: number;
  readonly maxPayloadBytes: number;
}

export const TASK_STORE_DEFAULTS: TaskStoreDefaults = {
  maintenanceEveryMs: 10_000,
  maxAttempts: 3,
  claimWithinMs: 300_000,
  leaseMs: 30_000,
  minGraceMs: 30_000,
  safetyPollMs: 5_000,
  safetyPollWithoutHintsMs: 1_000,
  callTimeoutMs: 5_000,
  defaultTtlMs: 86_400_000,
  defaultPollIntervalMs: 500,
  maxPayloadBytes: 1_048_576,
};
