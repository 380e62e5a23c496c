import { expect, it } from "vitest";
import { SeededRandom } from "../../../conformance/src/seeded-random.ts";
import { DueQueue } from "../src/due-queue.ts";
import type { DueItem } from "../src/due-queue.ts";

interface Item extends DueItem {
  readonly name: number;
}

it("always has the earliest item first, whatever is set and removed", () => {
  const random = new SeededRandom(1);
  const queue = new DueQueue<Item>();
  const items = Array.from({ length: 40 }, (_, name): Item => ({ name, dueAt: null, place: -1 }));
  const model = new Map<Item, number>();
  for (let step = 0; step < 20_000; step += 1) {
    const item = random.pick(items);
    const dueAt = random.chance(0.3) ? null : random.below(60);
    if (random.chance(0.2)) {
      queue.remove(item);
      model.delete(item);
    } else {
      queue.set(item, dueAt);
      if (dueAt === null) model.delete(item);
      else model.set(item, dueAt);
    }
    expect(queue.size).toBe(model.size);
    const first = queue.first();
    expect(first?.dueAt ?? Infinity).toBe(Math.min(Infinity, ...model.values()));
    if (first !== undefined) expect(model.has(first)).toBe(true);
  }
});
