import type { PagePosition } from "@mcp-task-store/core";
import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../../conformance/src/seeded-random.ts";
import { ListingIndex } from "../src/listing-index.ts";
import { byListingOrder, compareUtf8 } from "../src/listing-order.ts";

function position(createdAt: number, taskId: string): PagePosition {
  return { createdAt, taskId };
}

describe("listing index", () => {
  it("equals a sorted array over random additions and removals, in the middle and across chunks", () => {
    const random = new SeededRandom(1);
    const index = new ListingIndex<PagePosition>();
    let model: PagePosition[] = [];
    for (let step = 0; step < 6_000; step += 1) {
      const at = position(random.below(3_000), random.pick(["a", "b", "c"]));
      const known = model.some((entry) => byListingOrder(entry, at) === 0);
      if (known && random.chance(0.7)) {
        index.remove({ ...at });
        model = model.filter((entry) => byListingOrder(entry, at) !== 0);
      } else if (!known) {
        index.add(at);
        model.push(at);
      } else {
        index.remove(position(9_999, "absent"));
      }
      if (step % 50 !== 0) continue;
      model.sort(byListingOrder);
      expect([...index.behind(undefined)]).toEqual(model);
      const after = position(random.below(3_000), "b");
      expect([...index.behind(after)]).toEqual(model.filter((entry) => byListingOrder(entry, after) > 0));
      expect(index.size).toBe(model.length);
    }
  });

  it("leaves nothing behind of what was removed", () => {
    const index = new ListingIndex<PagePosition>();
    const entries = Array.from({ length: 5_000 }, (_, at) => position(at, "x"));
    for (const entry of entries) index.add(entry);
    for (const entry of entries.slice(1)) index.remove(entry);
    let compared = 0;
    const probe = {
      taskId: "x",
      get createdAt(): number {
        compared += 1;
        return 10_000;
      },
    };
    expect([...index.behind(probe)]).toEqual([entries[0]]);
    expect(compared).toBeLessThan(10);
  });

  it("compares with as few entries as a binary search does", () => {
    const index = new ListingIndex<PagePosition>();
    for (let at = 0; at < 100_000; at += 1) index.add(position(at, "x"));
    let compared = 0;
    const probe = {
      taskId: "x",
      get createdAt(): number {
        compared += 1;
        return 50_000;
      },
    };
    expect(index.behind(probe).next().value).toEqual(position(49_999, "x"));
    expect(compared).toBeLessThan(100);
  });
});

describe("compareUtf8", () => {
  it("orders strings as their UTF-8 bytes", () => {
    const random = new SeededRandom(2);
    const parts = [
      "a",
      "z",
      "é",
      "e\u0301",
      "\u07ff",
      "\u0800",
      "\ud7ff",
      "\ue000",
      "\uffff",
      "\u{10000}",
      "\u{1f600}",
      "\u{10ffff}",
    ];
    const word = (): string => Array.from({ length: random.below(4) }, () => random.pick(parts)).join("");
    for (let round = 0; round < 5_000; round += 1) {
      const [a, b] = [word(), word()];
      expect(Math.sign(compareUtf8(a, b))).toBe(Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b))));
    }
  });
});
