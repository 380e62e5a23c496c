/** Whole sequences of calls against the reference, with the indexes and the clock of real servers. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { redisIsLeftOut } from "@mcp-task-store/services";
import { compareMessages } from "../../../conformance/src/driver-model/compare-messages.ts";
import { compareWithApply } from "../../../conformance/src/driver-model/compare-with-apply.ts";
import { scratchRedisCluster } from "./scratch-cluster.ts";
import { type ScratchRedis, scratchRedis } from "./scratch-redis.ts";

/** `DRIVER_SEED=7 vitest run redis/test/driver-model` repeats one comparison. */
const seed = Number(process.env["DRIVER_SEED"] ?? Math.floor(Math.random() * 2 ** 32));

describe.skipIf(redisIsLeftOut()).each([
  ["a single server", scratchRedis],
  ["a cluster", scratchRedisCluster],
] as const)(`the driver equals the reference on %s (DRIVER_SEED=${seed})`, (_where, open) => {
  let redis: ScratchRedis;
  beforeAll(async () => {
    redis = await open();
  });
  afterAll(() => redis[Symbol.asyncDispose]());

  it("in 2,000 writes among inserts, reads, pages, looks and removals", async () => {
    await redis.clear();
    const { difference, counts } = await compareWithApply(redis.driver, { seed, writes: 2_000 });
    expect(difference).toBeUndefined();
    expect(Object.keys(counts)).toEqual(expect.arrayContaining(["due work", "due purged", "page", "remove removed"]));
  });

  it("in 2,000 pushes and takes of messages", async () => {
    await redis.clear();
    const { difference, counts } = await compareMessages(redis.driver, { seed, writes: 2_000 });
    expect(difference).toBeUndefined();
    expect(Object.keys(counts)).toEqual(expect.arrayContaining(["push full", "take spent", "take repeated", "purged"]));
  });
});
