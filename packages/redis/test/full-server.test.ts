/** A server whose memory is full: what frees memory goes on, whatever else it refuses. */
import { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { redisIsLeftOut, type RedisService, startRedis, startRedisCluster } from "@mcp-task-store/services";
import { newId, plain } from "../../../conformance/src/driver-model/sample-tasks.ts";
import { tagOf } from "../src/keys.ts";
import { scratchRedisCluster } from "./scratch-cluster.ts";
import { type ScratchRedis, scratchRedis } from "./scratch-redis.ts";

const KEY_PREFIX = "full:";

async function fullServer(): Promise<readonly [AsyncDisposable, ScratchRedis]> {
  const service: RedisService = await startRedis({ fast: true, notFrom: ["env"] });
  return [service, await scratchRedis({ url: service.url, keyPrefix: KEY_PREFIX })];
}

async function fullCluster(): Promise<readonly [AsyncDisposable, ScratchRedis]> {
  const cluster = await startRedisCluster({ fast: true });
  const { nodes, password } = cluster;
  return [cluster, await scratchRedisCluster({ nodes, password, keyPrefix: KEY_PREFIX })];
}

describe.skipIf(redisIsLeftOut()).each([
  ["a single server", fullServer],
  ["a cluster", fullCluster],
] as const)("maintenance on %s whose memory is full", (_where, open) => {
  let service: AsyncDisposable;
  let redis: ScratchRedis;
  beforeAll(async () => {
    [service, redis] = await open();
    await redis.driver.setup();
  });
  beforeEach(() => redis.clear());
  afterAll(async () => {
    await redis[Symbol.asyncDispose]();
    await service[Symbol.asyncDispose]();
  });

  async function setMaxMemory(bytes: number): Promise<void> {
    const servers = redis.client instanceof Redis ? [redis.client] : redis.client.nodes("master");
    await Promise.all(servers.map((server) => server.config("SET", "maxmemory", bytes)));
  }

  /** In one shard, so that one script meets them all also in a cluster. */
  function idsOfOneShard(count: number): readonly string[] {
    const ids: string[] = [];
    while (ids.length < count) {
      const id = newId("task");
      if (tagOf(id) === "00") ids.push(id);
    }
    return ids;
  }

  /** Tasks that nobody claimed, due first, and tasks that expired after that. */
  async function plantDue(): Promise<{ readonly unclaimed: readonly string[]; readonly expired: readonly string[] }> {
    const ids = idsOfOneShard(24);
    const [unclaimed, expired] = [ids.slice(0, 12), ids.slice(12)];
    await redis.plant(...unclaimed.map((taskId) => ({ taskId, scope: null, dueAt: 5, claimBy: 5 })));
    await redis.plant(...expired.map((taskId) => ({ taskId, scope: null, dueAt: 6, expiresAt: 6 })));
    return { unclaimed, expired };
  }

  it("purges what has expired, though what is due before it must wait", async () => {
    const { unclaimed, expired } = await plantDue();
    await setMaxMemory(1);
    try {
      const look = await redis.driver.due(100, 10_000);
      expect(look.purged.toSorted()).toEqual(expired.toSorted());
    } finally {
      await setMaxMemory(0);
    }
    const later = await redis.driver.due(100, 10_000);
    expect(later.purged).toEqual([]);
    expect(later.rows.map(({ taskId }) => taskId).toSorted()).toEqual(unclaimed.toSorted());
  });

  it("says that it is full where nothing can be freed, and loses no task that is due", async () => {
    const { taskId } = { ...plain(), taskId: newId("task") };
    await redis.plant({ taskId, dueAt: 5, claimBy: 5 });
    await setMaxMemory(1);
    try {
      await expect(redis.driver.due(100, 10_000)).rejects.toMatchObject({
        code: "STORE_UNAVAILABLE",
        retryable: true,
        cause: { code: "OOM" },
      });
    } finally {
      await setMaxMemory(0);
    }
    expect(await redis.driver.due(100, 10_000)).toMatchObject({ rows: [{ taskId }], purged: [] });
  });
});
