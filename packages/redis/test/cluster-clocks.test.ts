/** Nodes of a cluster have clocks of their own; a task's is that of its node, whoever else was asked in the same call. */
import { describe, expect, it } from "vitest";
import { commonInstantUs } from "../src/cluster-shards.ts";

const NOW_US = 1_795_000_000_000_000;

describe("one instant for several nodes", () => {
  it("is the last of their readings while their clocks agree", () => {
    expect(commonInstantUs([NOW_US, NOW_US + 2_000, NOW_US + 1_000], 2)).toBe(NOW_US + 2_000);
    expect(commonInstantUs([NOW_US], 0)).toBe(NOW_US);
  });

  it("is that of the slowest, but for the time that passed, where one is ahead", () => {
    expect(commonInstantUs([NOW_US, NOW_US + 8_000_000], 3)).toBe(NOW_US + 3_000);
    expect(commonInstantUs([NOW_US + 8_000_000, NOW_US, NOW_US + 1_000], 1.5)).toBe(NOW_US + 1_500);
  });
});
