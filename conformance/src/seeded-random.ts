import { randomFrom } from "./random.ts";

/** Random choices that a seed repeats exactly, on every machine. Not for secrets. */
export class SeededRandom {
  /** A number of 0 or more, below 1. */
  readonly next: () => number;

  /** @param seed any integer; only its lower 32 bits count */
  constructor(seed: number) {
    const random = randomFrom(seed);
    this.next = () => random.next();
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
