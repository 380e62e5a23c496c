import { isTaskStoreError, TaskStoreError, type TaskStoreErrorCode } from "./errors.ts";
import { isTerminal, type Task } from "./task.ts";
import type { Lease } from "./task-store.ts";

/** Refusals that end a run: after one of them nothing that it writes can be accepted any more. */
const FINAL_CODES: readonly TaskStoreErrorCode[] = ["TASK_TERMINAL", "TASK_NOT_FOUND", "LEASE_LOST", "CLOSED"];

/**
 * What one process knows of the task that it works on: the last copy, until when its lease surely lives, why the
 * handler should stop, and whether anything may still be written. Heartbeat, watch and writes report here; only this
 * class aborts the handler's signal.
 */
export class RunState {
  readonly taskId: string;
  readonly token: number;
  readonly leaseMs: number;
  readonly attempt: number;
  readonly #holder: string;
  readonly #controller = new AbortController();
  #task: Task;
  #leaseUntilMs: number;
  #over: TaskStoreError | undefined;
  #stopReason: TaskStoreError | undefined;
  #cancelled = false;
  #shutdown = false;
  #overLimit = false;
  readonly #watchers = new Set<() => void>();
  #endsInFlight = 0;
  #heldBack: (() => void)[] = [];

  /** @param sentMs when the acquire was sent, by the monotonic clock: the lease lasts at least `remainingMs` from then */
  constructor(lease: Lease, sentMs: number) {
    this.taskId = lease.taskId;
    this.token = lease.token;
    this.leaseMs = lease.leaseMs;
    this.attempt = lease.task.attempts;
    this.#holder = lease.holder;
    this.#task = lease.task;
    this.#leaseUntilMs = sentMs + lease.remainingMs;
    this.observe(lease.task);
  }

  /** Fires when the handler should stop. Its reason is a TaskStoreError. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The last known copy. */
  get task(): Task {
    return this.#task;
  }

  /** Until when the lease surely lives, by the monotonic clock. */
  get leaseUntilMs(): number {
    return this.#leaseUntilMs;
  }

  /** Why nothing may be written any more; undefined while the run may write. */
  get over(): TaskStoreError | undefined {
    return this.#over;
  }

  /** Cancellation was asked for or has happened. */
  get isCancelled(): boolean {
    return this.#cancelled || this.#task.status === "cancelled";
  }

  /** `maxRunMs` is over. */
  get isOverLimit(): boolean {
    return this.#overLimit;
  }

  get isShutdown(): boolean {
    return this.#shutdown;
  }

  /** @throws TaskStoreError what {@link over} is */
  throwIfOver(): void {
    if (this.#over !== undefined) throw this.#over;
  }

  /** Takes in the task as somebody read it. */
  observe(task: Task): void {
    this.keep(task);
    if (isTerminal(task.status)) {
      this.#learn(() => this.#stopFor(endedError(task)));
    } else if (this.#isTakenOver(task)) {
      this.#learn(() => this.#stopFor(leaseLostError(this.taskId)));
    } else if (task.cancelRequestedAt !== undefined) {
      this.cancel();
    }
  }

  /** The copy to show. Answers may overtake each other: an older one never replaces a newer, nothing a final one. */
  keep(task: Task): void {
    if (isTerminal(this.#task.status)) return;
    const laterMs = Date.parse(task.lastUpdatedAt) - Date.parse(this.#task.lastUpdatedAt);
    if (laterMs < 0 || (laterMs === 0 && task.revision < this.#task.revision)) return;
    this.#task = task;
    this.#wakeWatchers();
  }

  /**
   * The first copy that fits, of the one that is known and all that follow.
   * @throws TaskStoreError the signal's reason once it fires; what {@link over} is when the run ends otherwise
   */
  async until(fits: (task: Task) => boolean): Promise<Task> {
    return await new Promise((resolve, reject) => {
      const look = (): void => {
        if (fits(this.#task)) resolve(this.#task);
        else if (this.#stopReason !== undefined) reject(this.#stopReason);
        else if (this.#over !== undefined) reject(this.#over);
        else return;
        this.#watchers.delete(look);
      };
      this.#watchers.add(look);
      look();
    });
  }

  /** The lease was renewed by a call sent at `sentMs`. */
  renewed(lease: Lease, sentMs: number): void {
    this.#leaseUntilMs = Math.max(this.#leaseUntilMs, sentMs + lease.remainingMs);
  }

  /** The lease's end has come without a renewal: the backend may have given the task to somebody else. */
  fence(): void {
    this.#stopFor(leaseLostError(this.taskId));
  }

  /** A store refused a call: if that was final, the run is over. Says nothing about errors that may pass. */
  refused(error: unknown): void {
    if (isFinal(error)) this.#learn(() => this.#stopFor(error));
  }

  /** Asks the handler to stop; it may still finish the task. */
  cancel(): void {
    this.#cancelled = true;
    this.#abort(new TaskStoreError("ABORTED", `The cancellation of task ${this.taskId} was requested.`));
  }

  /** The run took longer than it may; maintenance fails it if the handler does not. */
  exceedLimit(): void {
    this.#overLimit = true;
    this.#abort(new TaskStoreError("ABORTED", `The run of task ${this.taskId} exceeded its time limit.`));
  }

  /** This process is asked to stop; the task goes back for another one. */
  shutDown(reason: unknown): void {
    this.#shutdown = true;
    this.#abort(
      new TaskStoreError("ABORTED", `The worker of task ${this.taskId} is shutting down.`, { cause: reason }),
    );
  }

  /** The handler is done with, and the task about to go back: what it left running should stop. */
  letGo(): void {
    this.#abort(releasedError(this.taskId));
  }

  /**
   * Runs the write that ends the run: a finish or a release. What heartbeat and watch see meanwhile may be its own
   * effect, so it counts only after the write has settled without ending the run.
   */
  async ending(write: () => Promise<Task>): Promise<Task> {
    this.#endsInFlight += 1;
    try {
      const task = await write();
      this.keep(task);
      // An end of the handler's own making is no reason to abort its signal.
      this.#over ??= isTerminal(task.status) ? endedError(task) : releasedError(this.taskId);
      this.#wakeWatchers();
      return task;
    } catch (error) {
      if (isFinal(error)) this.#stopFor(error);
      throw error;
    } finally {
      this.#endsInFlight -= 1;
      if (this.#endsInFlight === 0) for (const fact of this.#heldBack.splice(0)) fact();
    }
  }

  #learn(fact: () => void): void {
    if (this.#endsInFlight > 0) this.#heldBack.push(fact);
    else fact();
  }

  /** Every lease of a task counts as an attempt; one that was lost is never given back, so a later one has a higher count. */
  #isTakenOver(task: Task): boolean {
    return task.lease === undefined || task.lease.holder !== this.#holder || task.attempts !== this.attempt;
  }

  #stopFor(error: TaskStoreError): void {
    if (this.#over !== undefined) return;
    this.#over = error;
    if (error.task !== undefined) this.keep(error.task);
    this.#abort(error);
  }

  #abort(reason: TaskStoreError): void {
    // Of several reasons the first stays.
    this.#stopReason ??= reason;
    this.#controller.abort(this.#stopReason);
    this.#wakeWatchers();
  }

  #wakeWatchers(): void {
    for (const look of this.#watchers) look();
  }
}

/** Whether a store's error ends the run that met it. */
export function isFinal(error: unknown): error is TaskStoreError {
  return isTaskStoreError(error) && FINAL_CODES.includes(error.code);
}

function endedError(task: Task): TaskStoreError {
  return new TaskStoreError("TASK_TERMINAL", `Task ${task.taskId} is ${task.status}.`, { task });
}

function leaseLostError(taskId: string): TaskStoreError {
  return new TaskStoreError("LEASE_LOST", `The lease of task ${taskId} is lost; somebody else may work on it.`);
}

function releasedError(taskId: string): TaskStoreError {
  return new TaskStoreError("LEASE_LOST", `The lease of task ${taskId} was given back; this run is over.`);
}
