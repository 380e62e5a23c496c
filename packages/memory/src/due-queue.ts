/** Something that becomes due. The queue keeps `place` up to date, so that a change of `dueAt` costs O(log n). */
export interface DueItem {
  /** Epoch ms; null: never, and then it is not in the queue. */
  dueAt: number | null;
  /** Where the queue holds it; -1: not in the queue. */
  place: number;
}

/** A binary heap of items by `dueAt`. */
export class DueQueue<Item extends DueItem> {
  readonly #heap: Item[] = [];

  get size(): number {
    return this.#heap.length;
  }

  /** The item that is due first. */
  first(): Item | undefined {
    return this.#heap[0];
  }

  /** Sets when an item is due; enters, moves or removes it. */
  set(item: Item, dueAt: number | null): void {
    if (dueAt === null) {
      this.remove(item);
      item.dueAt = null;
      return;
    }
    const before = item.dueAt;
    item.dueAt = dueAt;
    if (item.place === -1) {
      this.#put(item, this.#heap.length);
      this.#rise(item);
    } else if (before === null || dueAt < before) {
      this.#rise(item);
    } else {
      this.#sink(item);
    }
  }

  /** Takes an item out. Harmless if it is not in. */
  remove(item: Item): void {
    if (item.place === -1) return;
    const last = this.#heap.pop();
    if (last !== undefined && last !== item) {
      this.#put(last, item.place);
      this.#rise(last);
      this.#sink(last);
    }
    item.place = -1;
  }

  #put(item: Item, place: number): void {
    this.#heap[place] = item;
    item.place = place;
  }

  #rise(item: Item): void {
    while (item.place > 0) {
      const parent = this.#heap[(item.place - 1) >> 1];
      if (parent === undefined || due(parent) <= due(item)) return;
      const { place } = item;
      this.#put(item, parent.place);
      this.#put(parent, place);
    }
  }

  #sink(item: Item): void {
    for (;;) {
      const left = this.#heap[2 * item.place + 1];
      if (left === undefined) return;
      const right = this.#heap[2 * item.place + 2];
      const child = right !== undefined && due(right) < due(left) ? right : left;
      if (due(item) <= due(child)) return;
      const { place } = item;
      this.#put(item, child.place);
      this.#put(child, place);
    }
  }
}

function due(item: DueItem): number {
  return item.dueAt ?? Number.POSITIVE_INFINITY;
}
