import type { Task } from "@mcp-task-store/core";
import { isTerminal } from "@mcp-task-store/core";
import { defineMutant, type Layers, type Mutant, type Plot } from "./mutant.ts";
import { overStore } from "./over-store.ts";

/** Watches whose items come in another way. */
function watching(
  change: (items: AsyncIterator<Task>, plot: Plot, taskIds: readonly string[]) => AsyncIterator<Task>,
): Pick<Layers, "store"> {
  return {
    store: (store, plot) =>
      overStore(store, {
        methods: (inner) => ({
          watchTasks(taskIds, options) {
            const items = inner.watchTasks(taskIds, options);
            return { [Symbol.asyncIterator]: () => change(items[Symbol.asyncIterator](), plot, taskIds) };
          },
        }),
      }),
  };
}

const END: IteratorResult<Task> = { done: true, value: undefined };

/** What a watch has ready for its reader, with room for four items and its end. */
class SmallBuffer {
  readonly #ready: Promise<IteratorResult<Task>>[] = [];
  readonly #items: AsyncIterator<Task>;
  readonly #dropped: () => void;
  #waiting: ((item: Promise<IteratorResult<Task>>) => void) | undefined;
  #started = false;

  constructor(items: AsyncIterator<Task>, dropped: () => void) {
    this.#items = items;
    this.#dropped = dropped;
  }

  async #fill(): Promise<void> {
    for (;;) {
      const next = this.#items.next();
      const item = await next.catch(() => END);
      if (item.done === true || this.#ready.length < 4) this.#give(next);
      else this.#dropped();
      if (item.done === true) return;
    }
  }

  #give(item: Promise<IteratorResult<Task>>): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting === undefined) this.#ready.push(item);
    else waiting(item);
  }

  next(): Promise<IteratorResult<Task>> {
    if (!this.#started) void this.#fill();
    this.#started = true;
    const item = this.#ready.shift();
    if (item !== undefined) return item;
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }
}

export const watch: readonly Mutant[] = [
  defineMutant({
    name: "watch-drops-terminal",
    fault: "A watch ends without the terminal task.",
    killedBy: ["watch/all"],
    ...watching((items, { fired }) => ({
      async next() {
        const item = await items.next();
        if (item.done === true || !isTerminal(item.value.status)) return item;
        fired();
        return items.next();
      },
      return: async () => (await items.return?.()) ?? END,
    })),
  }),
  defineMutant({
    name: "watch-future-only",
    fault: "A watch does not start with the present.",
    killedBy: ["watch/all"],
    mayAlso: ["lifecycle/copies-out", "lifecycle/shape"],
    ...watching((items, { fired }) => {
      let started = false;
      return {
        async next() {
          if (!started) fired();
          if (!started) await items.next();
          started = true;
          return items.next();
        },
        return: async () => (await items.return?.()) ?? END,
      };
    }),
  }),
  defineMutant({
    name: "watch-drops-newest",
    fault: "What does not fit into the buffer of a watch is dropped.",
    killedBy: ["watch/all"],
    ...watching((items, { fired }) => {
      const buffer = new SmallBuffer(items, fired);
      return {
        next: () => buffer.next(),
        async return() {
          await items.return?.();
          return END;
        },
      };
    }),
  }),
  defineMutant({
    name: "watch-dies-with-one",
    fault: "A watch ends when one of its tasks is deleted.",
    killedBy: ["watch/all"],
    ...watching((items, { backend, fired }, taskIds) => {
      const there = new Set(taskIds.filter((taskId) => backend.rows.has(taskId)));
      return {
        async next() {
          const item = await items.next();
          if ([...there].every((taskId) => backend.rows.has(taskId))) return item;
          fired();
          await items.return?.();
          return END;
        },
        return: async () => (await items.return?.()) ?? END,
      };
    }),
  }),
  defineMutant({
    name: "watch-first-ids",
    fault: "A watch looks at its first 64 ids.",
    killedBy: ["watch/all"],
    store: (store, { fired }) =>
      overStore(store, {
        methods: (inner) => ({
          watchTasks(taskIds, options) {
            if (!Array.isArray(taskIds) || taskIds.length <= 64) return inner.watchTasks(taskIds, options);
            fired();
            return inner.watchTasks(taskIds.slice(0, 64), options);
          },
        }),
      }),
  }),
  defineMutant({
    name: "watch-return-hangs",
    fault: "return() waits for the next item.",
    killedBy: ["watch/all"],
    ...watching((items, { fired }) => {
      let last: Promise<IteratorResult<Task>> | undefined;
      return {
        next: () => (last = items.next()),
        async return() {
          fired();
          await last;
          return (await items.return?.()) ?? END;
        },
      };
    }),
  }),
];
