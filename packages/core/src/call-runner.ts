import { BackendClock } from "./backend-clock.ts";
import { Call, closedError } from "./call.ts";
import { CommandOrder } from "./command-order.ts";
import { isTaskStoreError } from "./errors.ts";
import { settledWithin } from "./settled-within.ts";
import type { TaskDriver } from "./task-driver.ts";
import type { CallOptions } from "./task-store.ts";
import { backendError, unknownOutcome } from "./write-fate.ts";

/** Whose task a call may touch: undefined any, else exactly this owner's (null: unowned). */
export type Scope = string | null | undefined;

/** How far the estimate of the backend's clock may lie behind: the way of an answer, generously. */
const CLOCK_LAG_US = 250_000;

/** What all calls to one driver share: their deadlines, their order, what is known of its clock, and their end. */
export class CallRunner {
  readonly clock: BackendClock = new BackendClock();
  readonly #driver: TaskDriver;
  readonly #callTimeoutMs: number;
  readonly #order = new CommandOrder();
  readonly #inFlight = new Set<Promise<unknown>>();
  #closed = false;

  /** @param callTimeoutMs what a call may take that says nothing of it */
  constructor(driver: TaskDriver, callTimeoutMs: number) {
    this.#driver = driver;
    this.#callTimeoutMs = callTimeoutMs;
  }

  /** A backend time not before this moment: no task that a call of this moment means is born later. */
  get bornByUs(): number {
    return this.clock.estimateUs() + CLOCK_LAG_US;
  }

  /** The instant after which a write of this call must not land, by the backend's clock. */
  async notAfterUs(call: Call): Promise<number> {
    if (!this.clock.isKnown) await this.repeatRead(call, (options) => this.#driver.read([], options));
    return this.clock.estimateUs() + Math.ceil(call.remainingMs * 1000);
  }

  /** Before a repeat. @throws TaskStoreError what became of the call if its time is over */
  async pauseOrThrow(call: Call, ambiguous: boolean): Promise<void> {
    await call.pause();
    if (call.isOver) throw ambiguous ? unknownOutcome(call.lastFailure) : call.overError();
  }

  /** A call of its own that may be repeated at will. */
  async reading<T extends { readonly nowUs: number }>(
    options: CallOptions,
    run: (options: { readonly signal: AbortSignal }) => Promise<T>,
  ): Promise<T> {
    return await this.calling(options, (call) => this.repeatRead(call, run));
  }

  /** The same within a call. */
  async repeatRead<T extends { readonly nowUs: number }>(
    call: Call,
    run: (options: { readonly signal: AbortSignal }) => Promise<T>,
  ): Promise<T> {
    for (;;) {
      try {
        const answer = await call.driver(run, () => call.overError());
        this.clock.observe(answer.nowUs);
        return answer;
      } catch (error) {
        if (isTaskStoreError(error) && (error.code !== "STORE_UNAVAILABLE" || !error.retryable)) throw error;
        if (call.isOver) throw call.overError(error);
        await call.pause();
        if (call.isOver) throw isTaskStoreError(error) ? error : backendError(error);
      }
    }
  }

  /** A call that begins when all earlier ones of this process on the same task, asked for in this way, have ended. */
  async inOrder<T>(taskId: string, scope: Scope, options: CallOptions, work: (call: Call) => Promise<T>): Promise<T> {
    return await this.calling(options, async (call) => {
      const place = this.#order.enter(taskId, scope);
      try {
        await call.whileOpen(place.turn);
        return await work(call);
      } finally {
        place.done();
      }
    });
  }

  async calling<T>(options: CallOptions, work: (call: Call) => Promise<T>): Promise<T> {
    if (this.#closed) throw closedError();
    const call = new Call(options, this.#callTimeoutMs);
    const running = (async () => {
      try {
        call.throwIfOver();
        return await work(call);
      } finally {
        call.end();
      }
    })();
    this.#inFlight.add(running);
    try {
      return await running;
    } finally {
      this.#inFlight.delete(running);
    }
  }

  /** Refuses new calls and waits for those in flight, no longer than `graceMs`. */
  async close(graceMs: number): Promise<void> {
    this.#closed = true;
    if (this.#inFlight.size > 0) await settledWithin(Promise.allSettled(this.#inFlight), graceMs);
  }
}
