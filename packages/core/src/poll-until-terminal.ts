import { check, pollIntervalSchema } from "./arguments.ts";
import { TaskStoreError } from "./errors.ts";
import { onAbort } from "./on-abort.ts";
import { TASK_STORE_DEFAULTS } from "./options.ts";
import { sleep } from "./sleep.ts";
import { isTerminal, type TaskStatus } from "./task.ts";

/** What is needed of a task to poll it; also fits the tasks of a peer. */
export interface PolledTask {
  readonly status: TaskStatus;
  readonly pollIntervalMs?: number | undefined;
  /** The same as tasks of 2025-11-25 have it, ms: those of a peer, and of the SDK 1.x. */
  readonly pollInterval?: number | undefined;
}

export interface PollOptions {
  /** Pause after a task that names no usable interval of its own, ms. @default 500, range 1 to 86,400,000 */
  readonly defaultIntervalMs?: number | undefined;
  /** Ends the polling with ABORTED, also in the middle of a pause or of a read. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads a task, yields it, and goes on until it is terminal; the terminal state is yielded too. Between two reads it
 * pauses for as long as the task asks (S-13, X-13). A consumer that breaks out ends the polling; nothing is left
 * running. To wait on a store of one's own, `waitForUpdate` is faster and cheaper.
 * @param getTask reads the task, such as `(id, options) => store.getTask(id, options)`; its errors pass through
 * @throws TaskStoreError TASK_NOT_FOUND when `getTask` gives undefined; ABORTED; INVALID_ARGUMENT
 * @see S-13, S-14, X-13, X-14; `poll_until_terminal` of the Python SDK
 */
export async function* pollUntilTerminal<T extends PolledTask>(
  getTask: (taskId: string, options: { readonly signal?: AbortSignal | undefined }) => Promise<T | undefined>,
  taskId: string,
  options: PollOptions = {},
): AsyncGenerator<T, void, undefined> {
  const { signal } = options;
  const fallback = options.defaultIntervalMs ?? TASK_STORE_DEFAULTS.defaultPollIntervalMs;
  const defaultIntervalMs = check(pollIntervalSchema, fallback, "options.defaultIntervalMs");
  for (;;) {
    const task = await untilAborted(signal, () => getTask(taskId, { signal }));
    if (task === undefined) throw new TaskStoreError("TASK_NOT_FOUND", "There is no such task.");
    yield task;
    if (isTerminal(task.status)) return;
    const intervalMs = task.pollIntervalMs ?? task.pollInterval;
    await sleep(isInterval(intervalMs) ? intervalMs : defaultIntervalMs, signal);
  }
}

/** The interval may come from a peer: zero, a negative number or NaN would turn polling into a flood. */
function isInterval(value: number | undefined): value is number {
  return value !== undefined && Number.isFinite(value) && value >= 1;
}

/** A read that does not look at the signal itself is left behind when it fires. */
async function untilAborted<T>(signal: AbortSignal | undefined, read: () => Promise<T>): Promise<T> {
  if (signal === undefined) return await read();
  if (signal.aborted) throw aborted(signal);
  return await new Promise<T>((resolve, reject) => {
    const settled = onAbort(signal, () => reject(aborted(signal)));
    read().then(
      (task) => {
        settled();
        resolve(task);
      },
      (error: unknown) => {
        settled();
        // eslint-disable-next-line typescript/prefer-promise-reject-errors -- the reader's errors pass through
        reject(error);
      },
    );
  });
}

function aborted(signal: AbortSignal): TaskStoreError {
  return new TaskStoreError("ABORTED", "The polling was aborted by its signal.", { cause: signal.reason });
}
