interface Settle<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A promise that is settled from outside, once. A rejection that nobody waits for is no `unhandledRejection`: whoever
 * waits later still gets it.
 * @see `Resolver` of the Python SDK
 */
export class Resolver<T> {
  readonly #promise: Promise<T>;
  #settle: Settle<T> | undefined;

  constructor() {
    this.#promise = new Promise<T>((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    this.#promise.catch(() => undefined);
  }

  /** Whether it was resolved or rejected. */
  get done(): boolean {
    return this.#settle === undefined;
  }

  /** @throws Error if it was settled before */
  resolve(value: T): void {
    this.#take().resolve(value);
  }

  /**
   * @param error anything; `wait()` rejects with exactly this
   * @throws Error if it was settled before
   */
  reject(error: unknown): void {
    this.#take().reject(error);
  }

  /** Gives the value or rejects with the error. Any number of callers, before and after it is settled. */
  wait(): Promise<T> {
    return this.#promise;
  }

  #take(): Settle<T> {
    const settle = this.#settle;
    if (settle === undefined) throw new Error("The resolver was settled before; it can be resolved or rejected once.");
    this.#settle = undefined;
    return settle;
  }
}
