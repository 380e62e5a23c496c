import type { BackendClock } from "./backend-clock.ts";
import { closedError } from "./call.ts";
import type { Scope } from "./engine.ts";
import { TaskStoreError } from "./errors.ts";
import { startTimer } from "./long-timer.ts";
import { onAbort } from "./on-abort.ts";
import type { DriverHints, ReadAnswer } from "./task-driver.ts";
import { settledWithin } from "./settled-within.ts";
import type { TaskRecord } from "./task-record.ts";
import type { WaitOptions } from "./task-store.ts";

/** Reads that may be under way at once: a stuck one must not delay every wake-up. */
const MAX_READS = 4;
/** One that takes longer is stuck, and is not counted: others go on beside it. Of one id no more than MAX_READS are. */
const STUCK_AFTER_MS = 1_000;
/** Ids asked for in one read. */
const MAX_IDS = 500;
/** Pause before a failed subscription is tried again. */
const RESUBSCRIBE_MS = 1_000;

type OnPart = (taskIds: readonly string[], answer: ReadAnswer) => void;

export interface WaiterHubOptions {
  readonly clock: BackendClock;
  /** @param onPart told what one of several servers answered, before the others have */
  readonly read: (taskIds: readonly string[], onPart: OnPart) => Promise<ReadAnswer>;
  readonly hints: DriverHints | undefined;
  readonly safetyPollMs: number;
  readonly onError: (error: unknown) => void;
}

interface Waiter {
  readonly taskId: string;
  readonly scope: Scope;
  readonly accepts: (row: TaskRecord) => boolean;
  /** Whether a read has shown it its task: from then on it outlives outages. */
  seen: boolean;
  timedOut: boolean;
  readonly settle: (end: { readonly row: TaskRecord | undefined } | { readonly error: Error }) => void;
}

/**
 * Everybody in this process who waits for a task. Register, read, wait for a hint or the safety poll, read again:
 * a hint is never believed, the row is. One hub, one subscription and one read for all, however many wait.
 * @see promise 4; rules wait/*
 */
export class WaiterHub {
  readonly #options: WaiterHubOptions;
  readonly #waiters = new Map<string, Set<Waiter>>();
  /** When the task of a waiter expires, epoch ms, as last read. */
  readonly #expiries = new Map<string, number>();
  /** Ids to be asked for in the next read; a waiter joins only a read that is not yet sent. */
  readonly #wanted = new Set<string>();
  /** How many reads of an id have no answer yet. */
  readonly #unanswered = new Map<string, number>();
  /** Ids to be asked for again once one of their reads has ended. */
  readonly #postponed = new Set<string>();
  #reading = 0;
  #flushQueued = false;
  #pollDueMs = 0;
  #timerDueMs = 0;
  #stopTimer: (() => void) | undefined;
  #unsubscribe: Promise<(() => Promise<void>) | undefined> | undefined;
  #stopResubscribe: (() => void) | undefined;
  #closed = false;

  constructor(options: WaiterHubOptions) {
    this.#options = options;
  }

  /**
   * Resolves with the first row that `accepts` takes; undefined: the time is over.
   * @param options `hasSeen`: the caller knows the task already, so an outage is no news to it
   * @throws TaskStoreError TASK_NOT_FOUND if it is not there, or not any more, for this scope; ABORTED, CLOSED
   */
  async wait(
    taskId: string,
    scope: Scope,
    accepts: (row: TaskRecord) => boolean,
    options: WaitOptions & { readonly hasSeen?: boolean },
  ): Promise<TaskRecord | undefined> {
    if (this.#closed) throw closedError();
    const { signal, timeoutMs } = options;
    if (signal?.aborted === true) throw abortedError(signal);
    return await new Promise<TaskRecord | undefined>((resolve, reject) => {
      let stopTimeout: (() => void) | undefined;
      let stopListening: (() => void) | undefined;
      const waiter: Waiter = {
        taskId,
        scope,
        accepts,
        seen: options.hasSeen === true,
        timedOut: false,
        settle: (end) => {
          if (!this.#remove(waiter)) return;
          stopTimeout?.();
          stopListening?.();
          if ("error" in end) reject(end.error);
          else resolve(end.row);
        },
      };
      this.#add(waiter);
      stopListening = signal && onAbort(signal, () => waiter.settle({ error: abortedError(signal) }));
      if (timeoutMs === undefined) return;
      stopTimeout = startTimer(timeoutMs, () => {
        // At least one look: an unknown id is said to be unknown, however short the time.
        if (waiter.seen) waiter.settle({ row: undefined });
        else waiter.timedOut = true;
      });
    });
  }

  /** Something about these tasks changed or they are gone, here or elsewhere. */
  hint(taskIds: readonly string[]): void {
    for (const taskId of taskIds) if (this.#waiters.has(taskId)) this.#want(taskId);
  }

  /** Hints may have been lost: everything is read again. */
  gap(): void {
    for (const taskId of this.#waiters.keys()) this.#want(taskId);
  }

  /** Ends every wait with CLOSED and the subscription. */
  async close(graceMs: number): Promise<void> {
    this.#closed = true;
    this.#stopTimer?.();
    this.#stopResubscribe?.();
    for (const waiters of this.#waiters.values()) {
      for (const waiter of waiters) waiter.settle({ error: closedError() });
    }
    const { onError } = this.#options;
    const ended = this.#unsubscribe?.then((unsubscribe) => unsubscribe?.()).catch(onError);
    if (ended !== undefined) await settledWithin(ended, graceMs);
  }

  #add(waiter: Waiter): void {
    const waiters = this.#waiters.get(waiter.taskId) ?? new Set();
    this.#waiters.set(waiter.taskId, waiters.add(waiter));
    this.#unsubscribe ??= this.#subscribe();
    if (this.#pollDueMs === 0) this.#planPoll();
    this.#want(waiter.taskId);
  }

  #remove(waiter: Waiter): boolean {
    const waiters = this.#waiters.get(waiter.taskId);
    if (waiters?.delete(waiter) !== true) return false;
    if (waiters.size === 0) {
      this.#waiters.delete(waiter.taskId);
      this.#expiries.delete(waiter.taskId);
      this.#wanted.delete(waiter.taskId);
      this.#postponed.delete(waiter.taskId);
    }
    if (this.#waiters.size === 0) {
      this.#stopTimer?.();
      this.#stopTimer = undefined;
      this.#pollDueMs = 0;
    }
    return true;
  }

  #want(taskId: string): void {
    if ((this.#unanswered.get(taskId) ?? 0) >= MAX_READS) {
      this.#postponed.add(taskId);
      return;
    }
    this.#wanted.add(taskId);
    this.#flushSoon();
  }

  #flushSoon(): void {
    if (this.#wanted.size === 0 || this.#flushQueued || this.#reading >= MAX_READS) return;
    this.#flushQueued = true;
    // Whoever registers in the same turn shares the read.
    queueMicrotask(() => {
      this.#flushQueued = false;
      void this.#flush();
    });
  }

  async #flush(): Promise<void> {
    const ids = [...this.#wanted].slice(0, MAX_IDS);
    if (ids.length === 0 || this.#closed) return;
    const asking = new Map<string, readonly Waiter[]>();
    for (const id of ids) {
      this.#wanted.delete(id);
      this.#unanswered.set(id, (this.#unanswered.get(id) ?? 0) + 1);
      asking.set(id, [...(this.#waiters.get(id) ?? [])]);
    }
    const takeAnswered = (taskIds: readonly string[]): readonly Waiter[] =>
      taskIds.flatMap((id) => {
        const waiters = asking.get(id);
        if (asking.delete(id)) this.#endAsking(id);
        return waiters ?? [];
      });
    this.#reading += 1;
    const stopCounting = once(() => {
      this.#reading -= 1;
      this.#flushSoon();
    });
    const stopTimer = startTimer(STUCK_AFTER_MS, stopCounting);
    this.#flushSoon();
    try {
      const onPart: OnPart = (part, answer) => this.#deliver(takeAnswered(part), answer);
      const answer = await this.#options.read(ids, onPart);
      this.#deliver(takeAnswered(ids), answer);
    } catch (error) {
      const failure = error instanceof Error ? error : new Error("The read failed.", { cause: error });
      this.#readFailed(takeAnswered(ids), failure);
    } finally {
      stopTimer();
      stopCounting();
    }
  }

  #endAsking(taskId: string): void {
    const others = (this.#unanswered.get(taskId) ?? 1) - 1;
    if (others > 0) this.#unanswered.set(taskId, others);
    else this.#unanswered.delete(taskId);
    if (this.#postponed.delete(taskId)) this.#want(taskId);
  }

  #deliver(asking: readonly Waiter[], answer: ReadAnswer): void {
    const rows = new Map(answer.rows.map((row) => [row.taskId, row]));
    for (const waiter of asking) {
      // Who gave up meanwhile must not arm a timer that nobody stops.
      if (this.#waiters.get(waiter.taskId)?.has(waiter) !== true) continue;
      const row = rows.get(waiter.taskId);
      waiter.seen = true;
      if (row === undefined || (waiter.scope !== undefined && row.scope !== waiter.scope)) {
        waiter.settle({ error: notFoundError(waiter.taskId) });
      } else if (waiter.accepts(row)) {
        waiter.settle({ row });
      } else if (waiter.timedOut) {
        waiter.settle({ row: undefined });
      } else if (row.expiresAt === null) {
        this.#expiries.delete(row.taskId);
      } else {
        this.#expiries.set(row.taskId, row.expiresAt);
        this.#arm(performance.now() + this.#options.clock.untilMs(row.expiresAt));
      }
    }
  }

  /** Who has seen the task waits on through an outage; who has not learns that the store cannot be reached. */
  #readFailed(asking: readonly Waiter[], error: Error): void {
    this.#options.onError(error);
    for (const waiter of asking) if (!waiter.seen) waiter.settle({ error });
  }

  #planPoll(): void {
    // Jitter keeps many processes from asking in the same instant.
    this.#pollDueMs = performance.now() + this.#options.safetyPollMs * (0.75 + Math.random() / 4);
    this.#arm(this.#pollDueMs);
  }

  /** One timer for all, set for the next safety poll or the next expiry, whichever comes first. */
  #arm(dueMs: number): void {
    if (this.#stopTimer !== undefined && this.#timerDueMs <= dueMs) return;
    this.#stopTimer?.();
    this.#timerDueMs = dueMs;
    this.#stopTimer = startTimer(Math.max(0, dueMs - performance.now()), () => this.#tick());
  }

  #tick(): void {
    this.#stopTimer = undefined;
    if (this.#waiters.size === 0) return;
    for (const [taskId, expiresAt] of this.#expiries) {
      const untilMs = this.#options.clock.untilMs(expiresAt);
      if (untilMs > 0) {
        this.#arm(performance.now() + untilMs);
      } else {
        this.#expiries.delete(taskId);
        this.#want(taskId);
      }
    }
    if (performance.now() < this.#pollDueMs) return this.#arm(this.#pollDueMs);
    this.gap();
    this.#planPoll();
  }

  async #subscribe(): Promise<(() => Promise<void>) | undefined> {
    const { hints } = this.#options;
    if (hints === undefined) return undefined;
    try {
      const unsubscribe = await hints.subscribe({
        onHint: (taskIds) => this.hint(taskIds),
        onGap: () => this.gap(),
      });
      // What was written before the subscription stood was read by nobody for its hint.
      this.gap();
      return unsubscribe;
    } catch (error) {
      this.#options.onError(error);
      if (!this.#closed) {
        this.#stopResubscribe = startTimer(RESUBSCRIBE_MS, () => {
          this.#unsubscribe = this.#waiters.size > 0 ? this.#subscribe() : undefined;
        });
      }
      return undefined;
    }
  }
}

export function notFoundError(taskId: string): TaskStoreError {
  return new TaskStoreError("TASK_NOT_FOUND", `Task not found: ${taskId}`);
}

function once(act: () => void): () => void {
  let done = false;
  return () => {
    if (!done) act();
    done = true;
  };
}

function abortedError(signal: AbortSignal | undefined): TaskStoreError {
  return new TaskStoreError("ABORTED", "The wait was aborted by its signal.", { cause: signal?.reason });
}
