import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { redisIsLeftOut } from "@mcp-task-store/services";
import {
  compareInsertsWithBorn,
  compareLooksWithAfterLook,
  compareWritesWithApply,
} from "../../../conformance/src/driver-model/compare-planted.ts";
import { untilOften } from "../../../conformance/src/driver-model/until-often.ts";
import { scratchRedisCluster } from "./scratch-cluster.ts";
import { type ScratchRedis, scratchRedis } from "./scratch-redis.ts";

/** `DRIVER_SEED=7 vitest run redis/test/equals-reference` repeats one comparison. */
const seed = Number(process.env["DRIVER_SEED"] ?? Math.floor(Math.random() * 2 ** 32));
const WRITES = 4_400;

describe.skipIf(redisIsLeftOut()).each([
  ["a single server", scratchRedis],
  ["a cluster", scratchRedisCluster],
] as const)(`the scripts equal transitions.ts on %s (DRIVER_SEED=${seed})`, (_where, open) => {
  let redis: ScratchRedis;
  beforeAll(async () => {
    redis = await open();
  });
  afterAll(() => redis[Symbol.asyncDispose]());
  // One seed makes the same ids in each test.
  beforeEach(() => redis.clear());

  it(`write equals apply over ${WRITES} random writes`, async () => {
    const seen = await compareWritesWithApply(redis, { seed, times: WRITES });
    // The comparison means something only if every kind of answer was compared often.
    expect(Math.min(...Object.values(seen)), JSON.stringify(seen)).toBeGreaterThan(WRITES / 100);
  });

  it("insert equals born, on fresh ids and on expired ones", async () => {
    const seen = await compareInsertsWithBorn(redis, { seed, times: 400 });
    expect(Math.min(...Object.values(seen)), JSON.stringify(seen)).toBeGreaterThan(100);
  });

  it("due equals afterLook, row by row", async () => {
    const rare = await untilOften(10, (round) => compareLooksWithAfterLook(redis, { seed: seed + round, times: 12 }));
    expect(rare).toEqual([]);
  });
});
