import { AsyncLocalStorage } from "node:async_hooks";

/** By how much the wall clock is wrong in what is being done, ms. */
const wrongBy = new AsyncLocalStorage<number>();

const RealDate = Date;
const trueOrigin = performance.timeOrigin;
let installed = false;

/**
 * Epoch ms, fractions included, by a clock that nothing in here moves: what the backend of a target has to go by that
 * lives in this process.
 */
export function trueEpochMs(): number {
  return trueOrigin + performance.now();
}

/**
 * Does something as a process whose wall clock is wrong would: `Date` and `performance.timeOrigin` are off by
 * `offsetMs` in it and in everything that it starts, timers and events included, and nowhere else. Monotonic clocks
 * and timers run as they do.
 */
export function atWallClock<T>(offsetMs: number, act: () => T): T {
  if (!installed) install();
  installed = true;
  return wrongBy.run(offsetMs, act);
}

function install(): void {
  const offset = (): number => wrongBy.getStore() ?? 0;
  const now = (): number => RealDate.now() + offset();
  globalThis.Date = new Proxy(RealDate, {
    // Without arguments only: `new Date(x)` is no reading of a clock.
    construct: (date, args: unknown[], target) => Reflect.construct(date, args.length === 0 ? [now()] : args, target),
    apply: () => new RealDate(now()).toString(),
    get: (date, key) => (key === "now" ? now : Reflect.get(date, key)),
  });
  const origin = { configurable: true, enumerable: true, get: () => trueOrigin + offset() };
  Reflect.defineProperty(performance, "timeOrigin", origin);
}

/** What a method gives that has methods of its own. */
const LIVELY: ReadonlySet<string | symbol> = new Set(["scoped", "watchTasks", Symbol.asyncIterator]);

/** The same object, whose methods all run at a wrong wall clock, and those of what it hands out. */
export function withWallClock<S extends object>(inner: S, offsetMs: number): S {
  // A shell, not the object itself: a proxy may not replace the methods of a frozen one.
  const shell: S = Object.create(null);
  const changed: S = new Proxy(shell, {
    has: (_shell, key) => Reflect.has(inner, key),
    ownKeys: () => Reflect.ownKeys(inner),
    getOwnPropertyDescriptor(_shell, key) {
      if (!Reflect.has(inner, key)) return undefined;
      return { value: Reflect.get(changed, key), enumerable: true, configurable: true, writable: true };
    },
    get(_shell, key): unknown {
      const value: unknown = Reflect.get(inner, key, inner);
      if (key === "messages" && typeof value === "object" && value !== null) return withWallClock(value, offsetMs);
      if (typeof value !== "function") return value;
      return (...args: readonly unknown[]): unknown => {
        const result: unknown = atWallClock(offsetMs, () => Reflect.apply(value, inner, args));
        const lively = LIVELY.has(key) && typeof result === "object" && result !== null;
        return lively ? withWallClock(result, offsetMs) : result;
      };
    },
  });
  return changed;
}
