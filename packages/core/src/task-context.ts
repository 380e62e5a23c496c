import { changeSchema, check } from "./arguments.ts";
import { isTaskStoreError } from "./errors.ts";
import { fromJsonText, toJsonText } from "./json-text.ts";
import type { JsonObject } from "./json.ts";
import { ReportCoalescer } from "./report-coalescer.ts";
import { isTransient, retryWhileLeased } from "./retry-while-leased.ts";
import type { RunState } from "./run-state.ts";
import type { InputRequest, Task, TaskOutcome } from "./task.ts";
import type { TaskChange, TaskStore } from "./task-store.ts";
import { jsonRpcErrorsOf, statusMessageOf } from "./thrown-error.ts";

/**
 * What a handler has of the task it works on. Every write carries the fencing token of the run's lease, so that a
 * worker that lost its task changes nothing any more. Promises that the handler does not await never become an
 * `unhandledRejection`. Its functions may be taken out of it: `({ signal, updateStatus }) => …`.
 * @see promises 1, 2, 8, 9; `TaskContext` of the Python SDK
 */
export interface TaskContext {
  readonly taskId: string;
  /** The last known copy: from the lease, own writes and the watch. Never fresher than the backend. */
  readonly task: Task;
  /** Which attempt at the task this is, from 1 on; an attempt that was given back does not count. */
  readonly attempt: number;
  /** Fencing token of the run's lease: it grows with every run, for systems that the handler writes to besides. */
  readonly leaseToken: number;
  /**
   * Fires when the handler should stop: the task was cancelled, or its cancellation requested, in any process; it is
   * terminal or gone; the lease is lost or could not be renewed until its end; `maxRunMs` is over; the worker shuts
   * down; the handler returned nothing and the task goes back. Its reason is a TaskStoreError. Not fired by the
   * context's own `complete` and `fail`.
   */
  readonly signal: AbortSignal;
  /** Whether the task was cancelled, or its cancellation requested, as far as is known here. */
  readonly isCancelled: boolean;

  /**
   * Treats this run as if its cancellation had been requested: `isCancelled` and `signal` change at once. Nothing is
   * written now; if the handler then throws or returns nothing the task ends cancelled. To cancel from elsewhere,
   * durably, call the store's `requestCancellation` or `cancelTask`.
   */
  readonly requestCancellation: () => void;

  /** Sets the status message: {@link report} with nothing else. At most 8,192 UTF-8 bytes, no NUL. */
  readonly updateStatus: (message: string) => Promise<Task>;

  /**
   * Reports on the open task. Call it as often as you like: one write is in flight, about four go out a second, and
   * what is reported meanwhile is put together, the latest value of each field winning. Resolves when this report or a
   * later one was stored. While the store cannot be reached it goes on trying as long as the lease lives.
   * @throws TaskStoreError INVALID_ARGUMENT, PAYLOAD_TOO_LARGE; TASK_TERMINAL, TASK_NOT_FOUND, LEASE_LOST: stop working
   */
  readonly report: (change: TaskChange) => Promise<Task>;

  /**
   * Ends the task with a result: status and result in one write, after what was reported before. The first end counts;
   * what the handler returns or throws afterwards changes nothing. A store that cannot be reached is asked again while
   * the lease lives.
   * @param result plain JSON; `isError: true` means failed in generation 2025-11-25
   * @throws TaskStoreError TASK_TERMINAL with the task as it stands; LEASE_LOST, TASK_NOT_FOUND; INVALID_ARGUMENT,
   *   PAYLOAD_TOO_LARGE: the task is still open; STORE_UNAVAILABLE, WRITE_OUTCOME_UNKNOWN
   */
  readonly complete: (result: JsonObject) => Promise<Task>;

  /**
   * Ends the task as failed: status, error and message in one write, like {@link complete}.
   * @param error whatever went wrong. A value with an integer `code` and a string `message` is kept as the JSON-RPC
   *   error that it is; anything else becomes -32603 with its text
   */
  readonly fail: (error: unknown) => Promise<Task>;

  /**
   * Asks the client: status input_required and the questions in one write. The answers arrive in `task.inputs`.
   * @throws TaskStoreError INPUT_KEY_REUSED, TASK_TERMINAL, TASK_NOT_FOUND, LEASE_LOST, PAYLOAD_TOO_LARGE
   */
  readonly requestInputs: (inputs: Readonly<Record<string, InputRequest>>) => Promise<Task>;

  /**
   * Waits, under the lease, until each of these inputs is answered. Costs nothing but the run's own watch; waits through
   * outages of the store as long as the lease lives. A key that was never asked is waited for until the run ends.
   * @returns the task with the answers in `inputs`
   * @throws TaskStoreError the reason of `signal` when it fires first; TASK_TERMINAL, LEASE_LOST if the run is over
   */
  readonly waitForInputs: (keys: readonly string[]) => Promise<Task>;
}

/** The least a claim period can be. */
const SOON_MS = 10;

/** What a context needs of a store. */
export type ContextStore = Pick<
  TaskStore,
  "capabilities" | "updateTask" | "finishTask" | "releaseLease" | "requestInputs"
>;

/** The context of a run that holds a lease, with what the run itself needs besides. */
export class LeasedTaskContext implements TaskContext {
  readonly #store: ContextStore;
  readonly #run: RunState;
  readonly #reports: ReportCoalescer;
  readonly #ends = new Set<Promise<Task>>();
  #endFailure: Error | undefined;

  constructor(store: ContextStore, run: RunState) {
    this.#store = store;
    this.#run = run;
    this.#reports = new ReportCoalescer((change) =>
      this.#write((lease) => store.updateTask(run.taskId, change, { lease })),
    );
  }

  get taskId(): string {
    return this.#run.taskId;
  }

  get task(): Task {
    return this.#run.task;
  }

  get leaseToken(): number {
    return this.#run.token;
  }

  get attempt(): number {
    return this.#run.attempt;
  }

  get signal(): AbortSignal {
    return this.#run.signal;
  }

  get isCancelled(): boolean {
    return this.#run.isCancelled;
  }

  readonly requestCancellation = (): void => {
    this.#run.cancel();
  };

  readonly updateStatus = (message: string): Promise<Task> => {
    return this.report({ statusMessage: message });
  };

  readonly report = (change: TaskChange): Promise<Task> => {
    return observed(async () => {
      this.#run.throwIfOver();
      return await this.#reports.report(this.#copyOf(change));
    });
  };

  readonly complete = (result: JsonObject): Promise<Task> => {
    return observed(async () => {
      // What is stored is the result as it is now, also if reports or a repeat come first.
      const copy = this.#copyOfJson(result, "result");
      return await this.#end(async () => await this.#finish({ status: "completed", result: copy }));
    });
  };

  readonly fail = (error: unknown): Promise<Task> => {
    const errors = jsonRpcErrorsOf(error);
    return this.#end(async () => await this.#fail(errors));
  };

  readonly requestInputs = (inputs: Readonly<Record<string, InputRequest>>): Promise<Task> => {
    return observed(
      async () => await this.#write((lease) => this.#store.requestInputs(this.taskId, inputs, { lease })),
    );
  };

  readonly waitForInputs = (keys: readonly string[]): Promise<Task> => {
    return observed(
      async () => await this.#run.until(({ inputs }) => keys.every((key) => inputs[key]?.response !== undefined)),
    );
  };

  /** Ends the task as cancelled. */
  cancel(): Promise<Task> {
    return this.#end(async () => await this.#finish({ status: "cancelled" }));
  }

  /** Gives the task back; when its worker shuts down, for another one to take over soon. */
  release(): Promise<Task> {
    const options = this.#run.isShutdown ? { claimWithinMs: SOON_MS } : {};
    this.#run.letGo();
    return this.#end(
      async () => await this.#last(async (lease) => await this.#store.releaseLease(this.taskId, lease, options)),
    );
  }

  /**
   * Waits for ends that the handler began and did not wait for.
   * @throws TaskStoreError what the last one failed with, if the store could not be reached
   */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#ends);
    if (this.#endFailure !== undefined) throw this.#endFailure;
  }

  /** No report goes out from now on. */
  close(error: Error): void {
    this.#reports.close(error);
  }

  /** A report counts as it is at the call, whatever its caller does to it later. */
  #copyOf(change: TaskChange): TaskChange {
    const { metadata, ...rest } = check(changeSchema, change, "change");
    const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
    if (metadata === undefined) return given;
    return { ...given, metadata: metadata && this.#copyOfJson(metadata, "change.metadata") };
  }

  #copyOfJson(value: object, argument: string): JsonObject {
    return fromJsonText(toJsonText(value, argument, this.#store.capabilities.maxPayloadBytes));
  }

  /** A write that does not end the run. */
  async #write(send: (lease: number) => Promise<Task>): Promise<Task> {
    this.#run.throwIfOver();
    try {
      const task = await send(this.#run.token);
      this.#run.keep(task);
      return task;
    } catch (error) {
      this.#run.refused(error);
      throw error;
    }
  }

  /** An end, after everything reported before it. */
  #end(write: () => Promise<Task>): Promise<Task> {
    const end = observed(async () => {
      this.#run.throwIfOver();
      try {
        await this.#reports.flush();
        const task = await this.#run.ending(write);
        this.#endFailure = undefined;
        return task;
      } catch (error) {
        if (isTransient(error) && error instanceof Error) this.#endFailure = error;
        throw error;
      } finally {
        this.#ends.delete(end);
      }
    });
    this.#ends.add(end);
    return end;
  }

  async #last(send: (lease: number) => Promise<Task>): Promise<Task> {
    return await retryWhileLeased(this.#run, async () => await send(this.#run.token));
  }

  async #finish(outcome: TaskOutcome, statusMessage?: string): Promise<Task> {
    let maybeDone = false;
    return await this.#last(async (lease) => {
      try {
        return await this.#store.finishTask(this.taskId, outcome, { lease, statusMessage });
      } catch (error) {
        const { task } = isTaskStoreError(error, "TASK_TERMINAL") ? error : {};
        if (maybeDone && task !== undefined && isEndedBy(outcome, task)) return task;
        maybeDone ||= isTaskStoreError(error, "WRITE_OUTCOME_UNKNOWN");
        throw error;
      }
    });
  }

  /** Keeps as much of an error as the store takes. */
  async #fail([exact, ...plainer]: ReturnType<typeof jsonRpcErrorsOf>): Promise<Task> {
    let error = exact;
    for (;;) {
      try {
        return await this.#finish({ status: "failed", error }, statusMessageOf(error));
      } catch (refusal) {
        const next = isUnstorable(refusal) ? plainer.shift() : undefined;
        if (next === undefined) throw refusal;
        error = next;
      }
    }
  }
}

/** The payload was refused; the task is as it was. */
export function isUnstorable(error: unknown): boolean {
  return isTaskStoreError(error, "INVALID_ARGUMENT") || isTaskStoreError(error, "PAYLOAD_TOO_LARGE");
}

/** The promise of some work, whose rejection need not be awaited by anybody. */
function observed<T>(work: () => Promise<T>): Promise<T> {
  const promise = work();
  promise.catch(() => undefined);
  return promise;
}

/**
 * Whether a terminal task shows this outcome: then the attempt whose answer was lost did it. Only the holder ends a task
 * like this, maintenance and operators otherwise.
 */
function isEndedBy(outcome: TaskOutcome, task: Task): boolean {
  if ("error" in outcome) return task.status === "failed" && task.statusMessage === statusMessageOf(outcome.error);
  if (outcome.status === task.status) return true;
  return "result" in outcome && outcome.result["isError"] === true && task.status === "failed";
}
