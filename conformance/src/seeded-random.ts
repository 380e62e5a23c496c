/** Random choices that a seed repeats exactly, on every machine. Not for secrets. */
export class SeededRandom {
  #state: number;

  /** @param seed any integer; only its lower 32 bits count */
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A number of 0 or more, below 1 (the mulberry32 generator). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** An integer of 0 or more, below `bound`. */
  below(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  /** True in this share of the calls. */
  chance(share: number): boolean {
    return this.next() < share;
  }

  /** One of the items. @throws RangeError if there is none */
  pick<Item extends NonNullable<unknown> | null>(items: readonly Item[]): Item {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new RangeError("nothing to pick from");
    return item;
  }

  /** The items in a random order. */
  shuffled<Item>(items: readonly Item[]): readonly Item[] {
    return items
      .map((item) => ({ item, key: this.next() }))
      .sort((a, b) => a.key - b.key)
      .map(({ item }) => item);
  }

  /** 24 hexadecimal digits: an id in the form that engines use. */
  id(): string {
    return Array.from({ length: 24 }, () => this.below(16).toString(16)).join("");
  }
}
