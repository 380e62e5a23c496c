import { describe, expect, it } from "vitest";
import { compareMessages } from "../../../conformance/src/driver-model/compare-messages.ts";
import { FAULTY_MESSAGES } from "../../../conformance/src/driver-model/faulty-messages.ts";
import { createMemoryBackend, createMemoryDriver } from "../src/index.ts";

/** `DRIVER_SEED=7 vitest run message-model` repeats one comparison. */
const seeds = process.env.DRIVER_SEED === undefined ? [1, 2, 3] : [Number(process.env.DRIVER_SEED)];

/** What must have come up for a comparison to mean anything. */
const EVERYTHING = [
  "end written",
  "purged",
  "push full",
  "push gone",
  "push late",
  "push pushed",
  "push refused",
  "push repeated",
  "remove removed",
  "take gone",
  "take late",
  "take nothing",
  "take repeated",
  "take something",
  "take spent",
] as const;

describe("the messages of the memory driver equal message-queue.ts", () => {
  it.each(seeds)("with a clock that stands still between calls (seed %i)", async (seed) => {
    const backend = createMemoryBackend({ clock: () => 1_700_000_000_000 });
    const advance = (ms: number): void => backend.advance(ms);
    const comparison = await compareMessages(createMemoryDriver({ backend }), { seed, writes: 10_000, advance });
    expect(comparison.difference).toBeUndefined();
    expect(Object.keys(comparison.counts)).toEqual(expect.arrayContaining([...EVERYTHING]));
  });

  it.each(Object.entries(FAULTY_MESSAGES))("and the comparison catches %s", async (_name, fault) => {
    const backend = createMemoryBackend({ clock: () => 1_700_000_000_000 });
    const advance = (ms: number): void => backend.advance(ms);
    const driver = fault(createMemoryDriver({ backend }));
    const comparison = await compareMessages(driver, { seed: 1, writes: 10_000, advance });
    expect(comparison.difference).toMatch(/seed 1, step \d+/);
  });
});
