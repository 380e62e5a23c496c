import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { postgresIsLeftOut } from "@mcp-task-store/services";
import {
  compareInsertsWithBorn,
  compareLooksWithAfterLook,
  compareWritesWithApply,
} from "../../../conformance/src/driver-model/compare-planted.ts";
import { untilOften } from "../../../conformance/src/driver-model/until-often.ts";
import { type ScratchDatabase, scratchDatabase } from "./scratch-database.ts";

/** `DRIVER_SEED=7 vitest run equals-reference` repeats one comparison. */
const seed = Number(process.env["DRIVER_SEED"] ?? Math.floor(Math.random() * 2 ** 32));
const WRITES = 4_400;

describe.skipIf(postgresIsLeftOut())(`the statements equal transitions.ts (DRIVER_SEED=${seed})`, () => {
  let database: ScratchDatabase;
  beforeAll(async () => {
    database = await scratchDatabase();
  });
  afterAll(() => database[Symbol.asyncDispose]());
  // One seed makes the same ids in each test.
  beforeEach(() => database.clear());

  it(`write equals apply over ${WRITES} random writes`, async () => {
    const seen = await compareWritesWithApply(database, { seed, times: WRITES });
    // The comparison means something only if every kind of answer was compared often.
    expect(Math.min(...Object.values(seen)), JSON.stringify(seen)).toBeGreaterThan(WRITES / 100);
  });

  it("insert equals born, on fresh ids and on expired ones", async () => {
    const seen = await compareInsertsWithBorn(database, { seed, times: 400 });
    expect(Math.min(...Object.values(seen)), JSON.stringify(seen)).toBeGreaterThan(100);
  });

  it("due equals afterLook, row by row", async () => {
    const rare = await untilOften(10, (round) =>
      compareLooksWithAfterLook(database, { seed: seed + round, times: 12 }),
    );
    expect(rare).toEqual([]);
  });
});
