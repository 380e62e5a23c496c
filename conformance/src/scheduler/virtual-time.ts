/**
 * Time that moves only when it is told to: stands in for `setTimeout`, `clearTimeout` and `performance.now` of the
 * whole process until it is disposed of. `setImmediate`, microtasks and `Date` stay real. One at a time.
 */
export class VirtualTime implements Disposable {
  readonly #real: {
    readonly setTimeout: unknown;
    readonly clearTimeout: (timer?: NodeJS.Timeout) => void;
    readonly now: () => number;
  };
  readonly #timers = new Set<VirtualTimer>();
  #nowMs: number;
  #made = 0;

  private constructor() {
    this.#real = {
      setTimeout: globalThis.setTimeout,
      clearTimeout: globalThis.clearTimeout,
      now: performance.now.bind(performance),
    };
    this.#nowMs = this.#real.now();
    Reflect.set(
      globalThis,
      "setTimeout",
      (callback: (...args: unknown[]) => void, delayMs?: number, ...args: unknown[]) =>
        this.#start(() => callback(...args), delayMs),
    );
    Reflect.set(globalThis, "clearTimeout", (timer?: VirtualTimer | NodeJS.Timeout) => {
      if (timer instanceof VirtualTimer) this.#timers.delete(timer);
      else this.#real.clearTimeout(timer);
    });
    Object.defineProperty(performance, "now", { configurable: true, writable: true, value: () => this.#nowMs });
  }

  /** Takes over the process's timers. @throws Error if another virtual time has them */
  static install(): VirtualTime {
    if (installed) throw new Error("virtual time is installed already");
    installed = true;
    return new VirtualTime();
  }

  /** Virtual `performance.now()`. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Timers that have not fired. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Moves to the timer that is due first, and fires it. Timers of one instant fire in the order they were started. */
  next(): void {
    let first: VirtualTimer | undefined;
    for (const timer of this.#timers) {
      if (
        first === undefined ||
        timer.dueMs < first.dueMs ||
        (timer.dueMs === first.dueMs && timer.made < first.made)
      ) {
        first = timer;
      }
    }
    if (first === undefined) return;
    this.#timers.delete(first);
    this.#nowMs = Math.max(this.#nowMs, first.dueMs);
    first.callback();
  }

  /** Moves ahead and fires what is due until then. @param ms 0 or more */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms;
    while ([...this.#timers].some((timer) => timer.dueMs <= untilMs)) this.next();
    this.#nowMs = untilMs;
  }

  /** Gives the real timers back; those that were started meanwhile never fire. */
  [Symbol.dispose](): void {
    Reflect.set(globalThis, "setTimeout", this.#real.setTimeout);
    Reflect.set(globalThis, "clearTimeout", this.#real.clearTimeout);
    // The own property goes: the one of the prototype is the real one.
    Reflect.deleteProperty(performance, "now");
    installed = false;
  }

  #start(callback: () => void, delayMs = 0): VirtualTimer {
    // As Node does: anything that is not a delay it can hold means 1.
    const delay = delayMs >= 1 && delayMs <= 2_147_483_647 ? delayMs : 1;
    const timer = new VirtualTimer(callback, this.#nowMs + delay, (this.#made += 1));
    this.#timers.add(timer);
    return timer;
  }
}

let installed = false;

/** What `setTimeout` returns. */
class VirtualTimer {
  readonly callback: () => void;
  readonly dueMs: number;
  readonly made: number;

  constructor(callback: () => void, dueMs: number, made: number) {
    this.callback = callback;
    this.dueMs = dueMs;
    this.made = made;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }
}
