import { expect, it } from "vitest";
import { compareWithApply } from "../../../conformance/src/driver-model/compare-with-apply.ts";
import { FAULTY_DRIVERS } from "../../../conformance/src/driver-model/faulty-drivers.ts";
import { createMemoryBackend, createMemoryDriver } from "../src/index.ts";

it.each(Object.entries(FAULTY_DRIVERS))("the comparison catches %s", async (_name, fault) => {
  const backend = createMemoryBackend({ clock: () => 1_700_000_000_000 });
  const driver = fault(createMemoryDriver({ backend }));
  const comparison = await compareWithApply(driver, { seed: 1, writes: 5_000, advance: (ms) => backend.advance(ms) });
  expect(comparison.difference).toMatch(/seed 1, step \d+/);
});
