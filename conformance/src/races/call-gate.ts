import type { TaskStore } from "@mcp-task-store/core";
import { deferred } from "../deferred.ts";

/** A call of the store that is held. */
export interface HeldCall {
  /** Resolves when it is. */
  readonly arrived: Promise<void>;
  /** Lets it pass, or, if none arrived, every later one. */
  release(): void;
}

/**
 * A store whose calls can be held: before the store gets them, or before their caller gets the answer. It forces the
 * steps of whatever works on a store from outside, as `taskExecution` does, without knowing them.
 */
export class CallGate {
  /** Hand this out in place of the store. */
  readonly store: TaskStore;
  #calls = 0;
  #nth: { readonly at: number; readonly when: "before" | "after"; readonly held: () => Promise<void> } | undefined;
  #method: { readonly name: string; readonly held: () => Promise<void> } | undefined;

  constructor(store: TaskStore) {
    this.store = this.#gated(store);
  }

  /** How many calls there were. */
  get calls(): number {
    return this.#calls;
  }

  /** Holds the `nth` call from now on, counted from 1. */
  hold(nth: number, when: "before" | "after"): HeldCall {
    const { arrived, release, held } = hold();
    this.#nth = { at: this.#calls + nth, when, held };
    return {
      arrived,
      release: () => {
        this.#nth = undefined;
        release();
      },
    };
  }

  /** Holds all calls of this method from now on, before the store gets them. */
  holdAll(name: keyof TaskStore & string): HeldCall {
    const { arrived, release, held } = hold();
    this.#method = { name, held };
    return {
      arrived,
      release: () => {
        this.#method = undefined;
        release();
      },
    };
  }

  #gated(store: TaskStore): TaskStore {
    // A shell, not the store itself: a proxy may not replace the methods of a frozen object.
    const shell: TaskStore = Object.create(null);
    const gated: TaskStore = new Proxy(shell, {
      has: (_shell, key) => Reflect.has(store, key),
      ownKeys: () => Reflect.ownKeys(store),
      getOwnPropertyDescriptor(_shell, key) {
        if (!Reflect.has(store, key)) return undefined;
        return { value: Reflect.get(gated, key), enumerable: true, configurable: true, writable: true };
      },
      get: (_shell, key): unknown => {
        const value: unknown = Reflect.get(store, key, store);
        if (typeof value !== "function" || typeof key !== "string" || key === "scoped") return value;
        if (key !== "watchTasks")
          return (...args: readonly unknown[]) => this.#pass(key, () => Reflect.apply(value, store, args));
        return (...args: readonly unknown[]) => {
          const items: AsyncIterable<unknown> = Reflect.apply(value, store, args);
          return { [Symbol.asyncIterator]: () => this.#items(items[Symbol.asyncIterator]()) };
        };
      },
    });
    return gated;
  }

  #items(items: AsyncIterator<unknown>): AsyncIterator<unknown> {
    return {
      next: () => this.#pass("watchTasks", () => items.next()),
      return: async (value?: unknown) => (await items.return?.(value)) ?? { done: true, value },
    };
  }

  async #pass<T>(name: string, call: () => Promise<T>): Promise<T> {
    this.#calls += 1;
    const nth = this.#nth?.at === this.#calls ? this.#nth : undefined;
    if (nth?.when === "before") await nth.held();
    if (this.#method?.name === name) await this.#method.held();
    const answer = call();
    if (nth?.when !== "after") return await answer;
    await Promise.allSettled([answer]);
    await nth.held();
    return await answer;
  }
}

function hold(): { readonly arrived: Promise<void>; readonly release: () => void; readonly held: () => Promise<void> } {
  const arrived = deferred();
  const free = deferred();
  const held = (): Promise<void> => {
    arrived.resolve();
    return free.promise;
  };
  return { arrived: arrived.promise, release: () => free.resolve(), held };
}
