import { TaskStoreError } from "./errors.ts";
import { onAbort } from "./on-abort.ts";
import { sleep } from "./sleep.ts";
import type { CallOptions } from "./task-store.ts";

/** How long a driver may take to say, after its signal fired, whether the call was applied. */
const LAST_WORD_MS = 100;
const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 500;

/**
 * One call of a user: its deadline by the monotonic clock and its abort signal, whatever number of round trips it
 * takes. `end()` must be called when it settles.
 */
export class Call {
  readonly timeoutMs: number;
  readonly #deadlineMs: number;
  readonly #controller = new AbortController();
  readonly #timer: ReturnType<typeof setTimeout>;
  readonly #outer: AbortSignal | undefined;
  readonly #stopListening: (() => void) | undefined;
  #pauseMs = FIRST_PAUSE_MS;
  /** Why the last attempt failed: the cause, should the time run out. */
  lastFailure: unknown = undefined;

  constructor(options: CallOptions, defaultTimeoutMs: number) {
    this.timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
    this.#deadlineMs = performance.now() + this.timeoutMs;
    this.#timer = setTimeout(() => this.#controller.abort(), this.timeoutMs);
    this.#outer = options.signal;
    this.#stopListening = this.#outer && onAbort(this.#outer, () => this.#controller.abort());
    if (this.#outer?.aborted === true) this.#controller.abort();
  }

  /** Fires at the deadline and at the caller's abort. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Asked of the clock as well: answers that all come in microtasks would keep the timer from firing. */
  get isOver(): boolean {
    if (!this.#controller.signal.aborted && performance.now() >= this.#deadlineMs) this.#controller.abort();
    return this.#controller.signal.aborted;
  }

  get remainingMs(): number {
    return Math.max(0, this.#deadlineMs - performance.now());
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#stopListening?.();
  }

  /** The error of a call that ended without anything having been sent, or that only read. */
  overError(cause: unknown = this.lastFailure): TaskStoreError {
    if (this.#outer?.aborted === true) {
      return new TaskStoreError("ABORTED", "The call was aborted by its signal.", { cause: this.#outer.reason });
    }
    return new TaskStoreError("STORE_UNAVAILABLE", `The backend could not be used within ${this.timeoutMs} ms.`, {
      cause,
    });
  }

  /** @throws TaskStoreError ABORTED or STORE_UNAVAILABLE if the call is over */
  throwIfOver(): void {
    if (this.isOver) throw this.overError();
  }

  /** Waits for a promise of our own no longer than the call lasts. */
  async whileOpen<T>(promise: Promise<T>): Promise<T> {
    return await this.#race(promise, 0, () => this.overError());
  }

  /**
   * Runs one driver call. A driver that does not settle soon after its signal fired is left behind; what `lost` makes
   * is thrown then.
   */
  async driver<T>(
    run: (options: { readonly signal: AbortSignal }) => Promise<T>,
    lost: () => TaskStoreError,
  ): Promise<T> {
    this.throwIfOver();
    return await this.#race(run({ signal: this.signal }), LAST_WORD_MS, lost);
  }

  /** A growing, jittered pause before a repeat; shorter if the call ends. */
  async pause(): Promise<void> {
    const ms = this.#pauseMs * (0.5 + Math.random() / 2);
    this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
    if (!this.isOver) await sleep(ms, this.signal);
  }

  async #race<T>(promise: Promise<T>, graceMs: number, late: () => TaskStoreError): Promise<T> {
    return await new Promise<T>((resolve, reject) => {
      let graceTimer: ReturnType<typeof setTimeout> | undefined;
      const onAbort = (): void => {
        if (graceMs === 0) reject(late());
        else graceTimer = setTimeout(() => reject(late()), graceMs);
      };
      const settled = (): void => {
        clearTimeout(graceTimer);
        this.signal.removeEventListener("abort", onAbort);
      };
      promise.then(
        (value) => {
          settled();
          resolve(value);
        },
        (error: unknown) => {
          settled();
          reject(error instanceof Error ? error : new Error("The driver rejected without an Error.", { cause: error }));
        },
      );
      if (this.isOver) onAbort();
      else this.signal.addEventListener("abort", onAbort, { once: true });
    });
  }
}

export function closedError(): TaskStoreError {
  return new TaskStoreError("CLOSED", "The store is closed.");
}
