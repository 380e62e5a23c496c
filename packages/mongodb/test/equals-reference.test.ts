import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { mongoIsLeftOut } from "@mcp-task-store/services";
import { compareMessages } from "../../../conformance/src/driver-model/compare-messages.ts";
import {
  compareInsertsWithBorn,
  compareLooksWithAfterLook,
  compareWritesWithApply,
} from "../../../conformance/src/driver-model/compare-planted.ts";
import { compareWithApply } from "../../../conformance/src/driver-model/compare-with-apply.ts";
import { untilOften } from "../../../conformance/src/driver-model/until-often.ts";
import { COLLECTION, type ScratchMongo, scratchMongo } from "./scratch-mongo.ts";

/** `DRIVER_SEED=7 vitest run equals-reference` repeats one comparison. */
const seed = Number(process.env["DRIVER_SEED"] ?? Math.floor(Math.random() * 2 ** 32));
/** How many rows there are at a time: the stand-in walks over all of them at each write. */
const ROWS = 100;

describe.skipIf(mongoIsLeftOut())(`the pipelines equal transitions.ts (DRIVER_SEED=${seed})`, () => {
  let mongo: ScratchMongo;
  beforeAll(async () => {
    mongo = await scratchMongo();
  });
  afterAll(() => mongo[Symbol.asyncDispose]());
  // One seed makes the same ids in each test.
  beforeEach(() => mongo.clear());

  it("write equals apply over thousands of random writes", { timeout: 300_000 }, async () => {
    const writes = mongo.isStandIn ? 800 : 4_400;
    // The comparison means something only if every kind of answer was compared often.
    const rare = await untilOften(writes / 100, async (round) => {
      const met = { written: 0, replayed: 0, quiet: 0, refused: 0, late: 0, gone: 0 };
      for (let done = 0; done < writes; done += ROWS) {
        const counts = await compareWritesWithApply(mongo, { seed: seed + round * writes + done, times: ROWS });
        for (const name of ["written", "replayed", "quiet", "refused", "late", "gone"] as const)
          met[name] += counts[name];
        await mongo.clear();
      }
      return met;
    });
    expect(rare).toEqual([]);
  });

  it("insert equals born, on fresh ids and on expired ones", async () => {
    const seen = await compareInsertsWithBorn(mongo, { seed, times: 200 });
    expect(Math.min(...Object.values(seen)), JSON.stringify(seen)).toBeGreaterThan(50);
  });

  it("due equals afterLook, row by row", async () => {
    const rare = await untilOften(5, (round) => compareLooksWithAfterLook(mongo, { seed: seed + round, times: 6 }));
    expect(rare).toEqual([]);
  });

  it("sequences of calls equal the reference, some of them at once", { timeout: 300_000 }, async () => {
    const comparison = await compareWithApply(mongo.driver, { seed, writes: mongo.isStandIn ? 300 : 3_000 });
    expect(comparison.difference).toBeUndefined();
  });

  it("messages equal message-queue.ts", { timeout: 300_000 }, async () => {
    const often = ["push pushed", "push repeated", "push full", "push refused", "take something", "take spent"];
    const rare = await untilOften(5, async (round) => {
      const driver = mongo.another({ collection: `${COLLECTION}_messages_${round}` });
      await driver.setup();
      const { difference, counts } = await compareMessages(driver, {
        seed: seed + round,
        writes: mongo.isStandIn ? 500 : 3_000,
      });
      expect(difference).toBeUndefined();
      return Object.fromEntries(often.map((kind) => [kind, counts[kind] ?? 0]));
    });
    expect(rare).toEqual([]);
  });
});
