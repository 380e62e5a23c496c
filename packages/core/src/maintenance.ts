import type { Engine } from "./engine.ts";
import type { ResolvedOptions } from "./resolve-options.ts";
import { settledWithin } from "./settled-within.ts";
import type { Task } from "./task.ts";
import type { TaskRecord } from "./task-record.ts";
import type { CallOptions, MaintenanceReport } from "./task-store.ts";
import { taskView } from "./task-view.ts";

const DEFAULT_LIMIT = 100;
/** Rows recovered at the same time. */
const AT_ONCE = 8;
/** Shortest time for which a row with work due stays hidden from other processes, ms. */
const MIN_HOLD_MS = 250;
/** Longest one: a row whose recovery failed must come up again soon, however long the grace is. */
const MAX_HOLD_MS = 15_000;

/** Soonest time after which a task whose hand-over failed is handed over again, ms. */
const SOONEST_AGAIN_MS = 1_000;

type Recovered = "failed" | "cancelled" | "released" | "unclaimed";

/**
 * Looks after tasks that nobody else looks after. Any number of processes may do it at once: each recovery is an
 * ordinary write guarded by what made it due, so it takes effect once, and waiters wake.
 * @see promise 8; rules lease/orphan-*, lease/claim, ttl/*
 */
export class Maintenance {
  readonly #engine: Engine;
  readonly #options: ResolvedOptions;
  readonly #onChanged: (taskIds: readonly string[]) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;
  #round: Promise<void> = Promise.resolve();

  constructor(engine: Engine, options: ResolvedOptions, onChanged: (taskIds: readonly string[]) => void) {
    this.#engine = engine;
    this.#options = options;
    this.#onChanged = onChanged;
  }

  /** Begins the periodic rounds, if the store has them. */
  start(): void {
    if (this.#options.maintainEveryMs > 0) this.#plan(this.#options.maintainEveryMs);
  }

  /** Ends the rounds; one under way gets `graceMs` to end. */
  async stop(graceMs: number): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await settledWithin(this.#round, graceMs);
  }

  /** One round. Resolves when what it freed was handed over as well, each hand-over within the call's time. */
  async run(limit: number | undefined, call: CallOptions): Promise<MaintenanceReport> {
    const { report, handedOver } = await this.#look(limit, call);
    await handedOver;
    return report;
  }

  async #look(
    limit: number | undefined,
    call: CallOptions,
  ): Promise<{ readonly report: MaintenanceReport; readonly handedOver: Promise<void> }> {
    const { rows, purged, more, nowUs } = await this.#engine.due(limit ?? DEFAULT_LIMIT, this.#holdMs(), call);
    if (purged.length > 0) this.#onChanged(purged);
    const counts = { failed: 0, released: 0, cancelled: 0 };
    const free: Task[] = [];
    await eachOf(rows, async (row) => {
      const recovered = await this.#recover(row, nowUs, call);
      if (recovered === undefined) return;
      const { what, task } = recovered;
      if (what !== "unclaimed") counts[what] += 1;
      // A question that waits for its client needs no worker; the answer starts the claim.
      if ((what === "released" || what === "unclaimed") && task.status === "working") free.push(task);
    });
    const announced = this.#options.onOrphan === undefined ? 0 : free.length;
    // Only now: a slow hand-over must not let the tasks behind it run out of their grace.
    const handedOver = eachOf(free, async (task) => await this.#handOver(task, nowUs));
    return { report: { purged: purged.length, ...counts, announced, more }, handedOver };
  }

  /** Long enough for this round, short enough that another process takes over well before the grace is used up. */
  #holdMs(): number {
    return Math.min(MAX_HOLD_MS, Math.max(MIN_HOLD_MS, Math.floor(this.#options.graceMs / 4)));
  }

  async #recover(
    row: TaskRecord,
    nowUs: number,
    call: CallOptions,
  ): Promise<{ readonly what: Recovered; readonly task: Task } | undefined> {
    const { orphanPolicy, maxAttempts, claimWithinMs, onError } = this.#options;
    try {
      const command = { type: "recover", orphanPolicy, maxAttempts, claimWithinMs } as const;
      const result = await this.#engine.run(row.taskId, undefined, command, call, { row, nowUs });
      if (result.kind !== "done") return undefined;
      const what = recovered(row, result.row);
      return what && { what, task: taskView(result.row) };
    } catch (error) {
      // The row comes up again when its hold is over.
      onError(error);
      return undefined;
    }
  }

  /**
   * A hand-over that fails is tried again soon, by whichever process comes first: this one may be about to stop, or may
   * lack what the task needs. Each time after half as long again as nothing has happened to the task.
   */
  async #handOver(task: Task, nowUs: number): Promise<void> {
    const { claimWithinMs, onError } = this.#options;
    if (await this.#announce(task)) return;
    const idleMs = Math.floor(nowUs / 1_000) - Date.parse(task.lastUpdatedAt);
    const againMs = Math.min(claimWithinMs, Math.max(SOONEST_AGAIN_MS, Math.floor(idleMs / 2)));
    try {
      const command = { type: "reannounce", claimWithinMs: againMs } as const;
      await this.#engine.run(task.taskId, undefined, command, {});
    } catch (error) {
      // The claim period that recovery gave it stands.
      onError(error);
    }
  }

  /**
   * Its time is bounded: a hand-over that hangs must not end the looking after all other tasks.
   * @returns false: it failed
   */
  async #announce(task: Task): Promise<boolean> {
    const { callTimeoutMs, onError, onOrphan } = this.#options;
    if (onOrphan === undefined) return true;
    let failed = false;
    const handedOver = (async () => {
      await onOrphan(task);
    })().catch((error: unknown) => {
      failed = true;
      onError(error);
    });
    if (await settledWithin(handedOver, callTimeoutMs)) return !failed;
    onError(new Error(`onOrphan did not return within ${callTimeoutMs} ms.`));
    // It may have done its work all the same.
    return true;
  }

  #plan(delayMs: number): void {
    if (this.#stopped) return;
    const jittered = delayMs * (0.75 + Math.random() / 4);
    this.#timer = setTimeout(() => {
      this.#round = this.#roundOnce();
    }, jittered);
    this.#timer.unref?.();
  }

  async #roundOnce(): Promise<void> {
    let more = false;
    try {
      const { report, handedOver } = await this.#look(undefined, {});
      ({ more } = report);
      // The next round does not wait for them; each has its time limit.
      void handedOver;
    } catch (error) {
      if (!this.#stopped) this.#options.onError(error);
    }
    this.#plan(more ? 0 : this.#options.maintainEveryMs);
  }
}

function recovered(before: TaskRecord, after: TaskRecord): Recovered | undefined {
  if (after.status === "failed" || after.status === "cancelled") return after.status;
  if (after.lease !== null) return undefined;
  return before.lease === null ? "unclaimed" : "released";
}

/** Does something for each, a few at the same time. */
async function eachOf<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items];
  const worker = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}
