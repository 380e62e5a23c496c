import { describe, expect, it } from "vitest";
import { type Report, runConformance } from "../../src/index.ts";
import { referenceTarget } from "../../src/mutants.ts";
import { orders } from "../../src/races/forced.ts";
import { strengthOf, weakestOf } from "../../src/races/strength.ts";
import { randomFrom } from "../../src/random.ts";
import { storeTarget } from "../../src/targets.ts";

const timing = { minDeadlineMs: 2_500, rounds: 5 };

describe("the strength of a race", () => {
  it("is the weakest of its parts", () => {
    expect(weakestOf([])).toBeUndefined();
    expect(weakestOf(["forced", "swept", "forced"])).toBe("swept");
    expect(weakestOf(["sampled", "weak"])).toBe("weak");
  });

  it("is weak when hardly any overlapped, or always the same side won", () => {
    const sample = { overlapped: true, winner: undefined };
    expect(strengthOf([sample, sample], false)).toBe("sampled");
    expect(strengthOf([sample, sample], true)).toBe("swept");
    expect(strengthOf([...Array.from({ length: 9 }, () => ({ ...sample, overlapped: false })), sample], false)).toBe(
      "weak",
    );
    expect(
      strengthOf(
        [
          { ...sample, winner: "left" },
          { ...sample, winner: "left" },
        ],
        false,
      ),
    ).toBe("weak");
    expect(
      strengthOf(
        [
          { ...sample, winner: "left" },
          { ...sample, winner: "right" },
        ],
        false,
      ),
    ).toBe("sampled");
  });

  it("is forced where the target opens drivers, and swept where it shows only stores", async () => {
    const options = { rules: ["cancel/race-finish", "cancel/late-result", "finish/one-winner"], timing };
    const strengths = ({ rules }: Report): unknown =>
      Object.fromEntries(rules.map(({ id, strength }) => [id, strength]));
    const forced = await runConformance(referenceTarget(), options);
    expect(strengths(forced)).toEqual({
      "cancel/late-result": undefined,
      "cancel/race-finish": "forced",
      "finish/one-winner": "forced",
    });
    const reference = await referenceTarget().namespace();
    const target = storeTarget({ name: "mine", open: (_id, settings) => reference.open({ settings }) });
    const swept = await runConformance(target, options);
    expect(strengths(swept)).toEqual({
      "cancel/late-result": undefined,
      "cancel/race-finish": "swept",
      "finish/one-winner": "sampled",
    });
  });
});

describe("the orders of two calls", () => {
  const random = randomFrom(1);

  it("are all, where these are few", () => {
    expect(orders(2, 2, 100, random)).toEqual(["BBAA", "ABBA", "BAAB", "ABAB", "BABA"]);
    expect(new Set(orders(4, 4, 100, random)).size).toBe(69);
  });

  it("hold each call at each step, and mix at random, where they are many", () => {
    const some = orders(6, 6, 32, random);
    expect(some.slice(0, 7)).toEqual([
      "BBBBBBAAAAAA",
      "ABBBBBBAAAAA",
      "AABBBBBBAAAA",
      "AAABBBBBBAAA",
      "AAAABBBBBBAA",
      "AAAAABBBBBBA",
      "BAAAAAABBBBB",
    ]);
    expect(some).toHaveLength(32);
    expect(new Set(some.map((order) => order.split("").sort().join("")))).toEqual(new Set(["AAAAAABBBBBB"]));
  });

  it("are one where a call takes no step", () => {
    expect(orders(0, 3, 100, random)).toEqual([]);
  });
});
