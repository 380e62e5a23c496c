import { TaskStoreError } from "./errors.ts";
import { startHeartbeat } from "./heartbeat.ts";
import type { JsonObject } from "./json.ts";
import { onAbort } from "./on-abort.ts";
import { isFinal, RunState } from "./run-state.ts";
import { startRunLimit, watchRun } from "./run-watch.ts";
import { isTerminal, type Task } from "./task.ts";
import { isUnstorable, LeasedTaskContext, type TaskContext } from "./task-context.ts";
import { generateTaskId } from "./task-id.ts";
import type { Lease, TaskStore } from "./task-store.ts";

/**
 * Works on a task. An object that it returns completes the task; nothing returned leaves an open task to the next
 * worker; a throw fails it. It should stop soon after `context.signal` fires.
 */
export type TaskHandler = (
  context: TaskContext,
) => Promise<JsonObject | undefined | void> | JsonObject | undefined | void;

export interface TaskExecutionOptions {
  /** A name for people to read, of 1 to 255 UTF-8 bytes. @default "worker-" and a random part */
  readonly holder?: string | undefined;
  /** Life of the lease without a heartbeat, ms. @default the store's `leaseMs` */
  readonly leaseMs?: number | undefined;
  /** How long the run may take, ms; then the signal fires and maintenance fails the task. @default the store's `maxRunMs` */
  readonly maxRunMs?: number | undefined;
  /**
   * Fires when this worker shuts down. The handler's signal fires too, and when the handler then throws or returns
   * nothing, the task goes back at once, the attempt uncounted: the next round of maintenance hands it to `onOrphan`.
   */
  readonly signal?: AbortSignal | undefined;
  /**
   * Fires when a handler that goes on all the same is not waited for any longer: the task goes back under its feet, and
   * what it still does through its context is refused with LEASE_LOST. @default it is waited for, however long
   */
  readonly abandon?: AbortSignal | undefined;
}

/**
 * Takes a task, runs a handler on it under a lease that a heartbeat keeps alive, and ends the task as the handler
 * ended: completed with the object that it returned, failed with what it threw, cancelled if it threw after a
 * cancellation, free again if it returned nothing. The error is kept in the task and not thrown again.
 *
 * Cancels from any process reach `context.signal` within one hint or one safety poll; the watch counts from the very
 * state that the lease was taken at, so none is missed. A worker that lost its lease, or could not renew it until its
 * end, is fenced: it writes nothing more. Waits for the handler however long it takes, unless `options.abandon` fires;
 * heartbeat and watch end before this settles.
 *
 * @returns the task as it stands: ended or given back by this run, or as others left it when this run came too late
 * @throws TaskStoreError before the handler is called: TASK_NOT_FOUND; TASK_TERMINAL with the task; LEASE_HELD:
 *   somebody else holds it or its attempts are used up; ABORTED: `options.signal` had fired; INVALID_ARGUMENT;
 *   STORE_UNAVAILABLE, WRITE_OUTCOME_UNKNOWN: the lease could not be taken.
 *   After it: STORE_UNAVAILABLE, WRITE_OUTCOME_UNKNOWN: the end could not be stored while the lease lived, and
 *   maintenance takes over; CLOSED: so could it not, as the store was closed
 * @see promises 1, 2, 8, 9; rules exec/*, cancel/signal*; `task_execution` of the Python SDK
 */
export async function taskExecution(
  store: TaskStore,
  taskId: string,
  handler: TaskHandler,
  options: TaskExecutionOptions = {},
): Promise<Task> {
  const { signal } = options;
  if (isAborted(signal)) {
    throw new TaskStoreError("ABORTED", "The worker is shutting down.", { cause: signal?.reason });
  }
  const sentMs = performance.now();
  const lease = await acquire(store, taskId, options);
  const run = new RunState(lease, sentMs);
  const context = new LeasedTaskContext(store, run);
  const watching = new AbortController();
  const onShutdown = (): void => run.shutDown(signal?.reason);
  let stopListening: (() => void) | undefined;
  const stopHeartbeat = startHeartbeat(store, run);
  const stopLimit = startRunLimit(lease, run, sentMs);
  try {
    void watchRun(store, run, watching.signal);
    stopListening = signal && onAbort(signal, onShutdown);
    // It may have fired while the lease was taken.
    if (isAborted(signal)) {
      onShutdown();
      return await context.release();
    }
    const ending = await settle(handler, context, options.abandon);
    if (ending === "abandoned") return run.over === undefined ? await context.release() : await asItStands(store, run);
    await context.settled();
    if (run.over === undefined) return await conclude(ending, run, context);
  } catch (error) {
    // What the store refused for good is no news to the caller: the task is in other hands, or ended, or gone.
    if (!isFinal(error)) throw error;
  } finally {
    stopHeartbeat();
    stopLimit();
    watching.abort();
    stopListening?.();
    context.close(run.over ?? new TaskStoreError("LEASE_LOST", `The run of task ${taskId} is over.`));
  }
  return await asItStands(store, run);
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

/** Not given the caller's signal: an acquire that is broken off may leave a lease behind that nobody uses. */
async function acquire(store: TaskStore, taskId: string, options: TaskExecutionOptions): Promise<Lease> {
  const { leaseMs, maxRunMs, holder = `worker-${generateTaskId()}` } = options;
  const lease = await store.acquireLease(taskId, { holder, leaseMs, maxRunMs });
  if (lease !== undefined) return lease;
  const task = await store.getTask(taskId);
  if (task === undefined) throw new TaskStoreError("TASK_NOT_FOUND", `Task not found: ${taskId}`);
  if (isTerminal(task.status)) {
    throw new TaskStoreError("TASK_TERMINAL", `Task ${taskId} is ${task.status}.`, { task });
  }
  throw new TaskStoreError(
    "LEASE_HELD",
    `Task ${taskId} cannot be taken: somebody else holds it, or its attempts are used up.`,
    { task },
  );
}

type HandlerEnding = { readonly returned: unknown } | { readonly threw: unknown };

async function settle(
  handler: TaskHandler,
  context: TaskContext,
  abandon: AbortSignal | undefined,
): Promise<HandlerEnding | "abandoned"> {
  const handled = (async (): Promise<HandlerEnding> => {
    try {
      return { returned: await handler(context) };
    } catch (threw) {
      return { threw };
    }
  })();
  if (abandon === undefined) return await handled;
  return await new Promise((resolve) => {
    const onAbandon = (): void => resolve("abandoned");
    const stopListening = onAbort(abandon, onAbandon);
    if (abandon.aborted) onAbandon();
    void handled.then((ending) => {
      stopListening();
      resolve(ending);
    });
  });
}

/** Ends an open task as its handler ended. */
async function conclude(ending: HandlerEnding, run: RunState, context: LeasedTaskContext): Promise<Task> {
  if ("returned" in ending && ending.returned !== undefined) return await completeWith(ending.returned, context);
  if (run.isCancelled) return await context.cancel();
  // Given back it would be taken again, and run too long again, for ever.
  if (run.isOverLimit && "returned" in ending) return await context.fail(new Error("The run exceeded its time limit."));
  if ("returned" in ending || run.isShutdown) return await context.release();
  return await context.fail(ending.threw);
}

async function completeWith(returned: unknown, context: LeasedTaskContext): Promise<Task> {
  if (!isJsonObject(returned)) {
    return await context.fail(new Error("The handler returned something other than a JSON object or undefined."));
  }
  try {
    return await context.complete(returned);
  } catch (error) {
    if (!isUnstorable(error) || !(error instanceof Error)) throw error;
    return await context.fail(new Error(`The handler's result could not be stored: ${error.message}`));
  }
}

function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @throws TaskStoreError why the task could not be read: CLOSED, STORE_UNAVAILABLE */
async function asItStands(store: TaskStore, run: RunState): Promise<Task> {
  if (isTerminal(run.task.status) || run.over?.code === "TASK_NOT_FOUND") return run.task;
  return (await store.getTask(run.taskId)) ?? run.task;
}
