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

type Recovered = "failed" | "cancelled" | "released" | "unclaimed" | "nothing";

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

  async run(limit: number | undefined, call: CallOptions): Promise<MaintenanceReport> {
    const { rows, purged, more, nowUs } = await this.#engine.due(limit ?? DEFAULT_LIMIT, this.#holdMs(), call);
    if (purged.length > 0) this.#onChanged(purged);
    const counts = { failed: 0, released: 0, cancelled: 0, announced: 0 };
    const queue = [...rows];
    const worker = async (): Promise<void> => {
      for (let row = queue.shift(); row !== undefined; row = queue.shift()) {
        const { what, announced } = await this.#recover(row, nowUs, call);
        if (what === "failed" || what === "released" || what === "cancelled") counts[what] += 1;
        if (announced) counts.announced += 1;
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    return { purged: purged.length, ...counts, more };
  }

  /** Long enough for this round, short enough that another process can take over before the grace is used up. */
  #holdMs(): number {
    return Math.max(MIN_HOLD_MS, Math.floor(this.#options.graceMs / 4));
  }

  async #recover(
    row: TaskRecord,
    nowUs: number,
    call: CallOptions,
  ): Promise<{ readonly what: Recovered; readonly announced: boolean }> {
    const { orphanPolicy, maxAttempts, claimWithinMs, onOrphan, onError } = this.#options;
    try {
      const command = { type: "recover", orphanPolicy, maxAttempts, claimWithinMs } as const;
      const result = await this.#engine.run(row.taskId, undefined, command, call, { row, nowUs });
      if (result.kind !== "done") return { what: "nothing", announced: false };
      const what = recovered(row, result.row);
      if (onOrphan === undefined || (what !== "released" && what !== "unclaimed")) return { what, announced: false };
      // A question that waits for its client needs no worker; the answer starts the claim.
      if (result.row.status !== "working") return { what, announced: false };
      await this.#announce(onOrphan, taskView(result.row));
      return { what, announced: true };
    } catch (error) {
      // The row comes up again when its hold is over.
      onError(error);
      return { what: "nothing", announced: false };
    }
  }

  /** Its time is bounded: a hand-over that hangs must not end the looking after all other tasks. */
  async #announce(onOrphan: NonNullable<ResolvedOptions["onOrphan"]>, task: Task): Promise<void> {
    const { callTimeoutMs, onError } = this.#options;
    const handedOver = (async () => {
      await onOrphan(task);
    })();
    handedOver.catch(onError);
    if (await settledWithin(handedOver, callTimeoutMs)) return;
    onError(new Error(`onOrphan did not return within ${callTimeoutMs} ms.`));
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
      ({ more } = await this.run(undefined, {}));
    } catch (error) {
      if (!this.#stopped) this.#options.onError(error);
    }
    this.#plan(more ? 0 : this.#options.maintainEveryMs);
  }
}

function recovered(before: TaskRecord, after: TaskRecord): Recovered {
  if (after.status === "failed" || after.status === "cancelled") return after.status;
  if (before.lease !== null && after.lease === null) return "released";
  return after.status === "working" && after.lease === null ? "unclaimed" : "nothing";
}
