import { describe, expect, it } from "vitest";
import { compareWithApply } from "../../../conformance/src/driver-model/compare-with-apply.ts";
import { createMemoryBackend, createMemoryDriver } from "../src/index.ts";

/** `DRIVER_SEED=7 vitest run driver-model` repeats one comparison. */
const seeds = process.env.DRIVER_SEED === undefined ? [1, 2] : [Number(process.env.DRIVER_SEED)];

/** What must have come up for a comparison to mean anything. */
const EVERYTHING = [
  "burst",
  "due purged",
  "due work",
  "insert exists",
  "insert inserted",
  "insert late",
  "insert repeated",
  "page",
  "page empty",
  "read",
  "remove gone",
  "remove late",
  "remove removed",
  "write from the ring",
  "write gone, foreign",
  "write gone, none or expired",
  "write late",
  "write refused",
  "write refused, quiet",
  "write refused, ring cannot tell",
  "write written",
  "write written, quiet",
] as const;

describe("the memory driver equals apply, born and afterLook", () => {
  it.each(seeds)("with a clock that stands still between calls (seed %i)", async (seed) => {
    const backend = createMemoryBackend({ clock: () => 1_700_000_000_000 });
    const driver = createMemoryDriver({ backend });
    const comparison = await compareWithApply(driver, { seed, writes: 10_000, advance: (ms) => backend.advance(ms) });
    expect(comparison.difference).toBeUndefined();
    expect(Object.keys(comparison.counts)).toEqual(expect.arrayContaining([...EVERYTHING]));
  });

  it.each(seeds)("while real time passes (seed %i)", async (seed) => {
    const comparison = await compareWithApply(createMemoryDriver(), { seed, writes: 1_000 });
    expect(comparison.difference).toBeUndefined();
  });
});
