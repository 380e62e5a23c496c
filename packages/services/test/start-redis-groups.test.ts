import { Cluster, Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import {
  pollUntil,
  type RedisCluster,
  redisIsLeftOut,
  type RedisSentinel,
  startRedisCluster,
  startRedisSentinel,
} from "../src/index.ts";
import { isAlive } from "../src/processes.ts";
import { runDirectoriesOf, serversOfThisProcess } from "./run-directories.ts";

const HASTY_MS = 1_000;

function leftovers(): { readonly servers: readonly number[]; readonly directories: readonly string[] } {
  return { servers: serversOfThisProcess().filter(isAlive), directories: runDirectoriesOf(process.pid) };
}

describe.skipIf(redisIsLeftOut())("a Redis Cluster", () => {
  const lines: string[] = [];
  const before = leftovers();
  let cluster: RedisCluster;

  beforeAll(async () => {
    cluster = await startRedisCluster({ log: (line) => lines.push(line) });
  });

  afterAll(() => cluster.stop());

  function client(): Cluster {
    const redis = new Cluster([...cluster.nodes], { redisOptions: { password: cluster.password } });
    redis.on("error", () => {});
    onTestFinished(() => redis.disconnect());
    return redis;
  }

  it("says in one line what it is, without the password", () => {
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^(redis|valkey) cluster \d+\.\d+\.\d+ of 6 nodes \(.+\) on 127\.0\.0\.1:\d+/);
    expect(lines[0]).not.toContain(cluster.password);
  });

  it("serves every slot, spread over three primaries", async () => {
    const redis = client();
    const keys = Array.from({ length: 100 }, (_, index) => `task-${index}`);
    await Promise.all(keys.map((key) => redis.set(key, key)));
    expect(await Promise.all(keys.map((key) => redis.get(key)))).toEqual(keys);
    const primaries = await Promise.all(keys.map((key) => cluster.primaryOf(key)));
    expect(new Set(primaries)).toEqual(new Set([0, 1, 2]));
  });

  it("lets a replica take over when a primary is killed, which comes back as its replica", async () => {
    const redis = client();
    await redis.set("{a}note", "kept");
    // Acknowledged is not replicated; this asks that it is.
    const primary = await cluster.primaryOf("{a}note");
    const address = { ...cluster.nodes[primary], password: cluster.password };
    const direct = new Redis({ ...address, lazyConnect: true });
    direct.on("error", () => {});
    onTestFinished(() => direct.disconnect());
    await direct.set("{a}other", "kept");
    expect(await direct.wait(1, 30_000)).toBe(1);

    await cluster.killNode(primary);
    await cluster.setNodeTimeout(HASTY_MS);
    await pollUntil(async () => (await cluster.primaryOf("{a}note")) !== primary, {
      what: "a replica to take over",
      deadlineMs: 60_000,
    });
    await cluster.restartNode(primary);
    await cluster.untilOk();
    expect(await cluster.primaryOf("{a}note")).not.toBe(primary);
    expect(await client().mget("{a}note", "{a}other")).toEqual(["kept", "kept"]);
  });

  it("refuses a number of nodes that cannot survive", async () => {
    await expect(startRedisCluster({ nodes: 5 })).rejects.toThrow(RangeError);
    expect(() => cluster.killNode(6)).toThrow(/no node 6/);
  });

  it("leaves nothing when its nodes do not start, and says why", async () => {
    const already = leftovers();
    await expect(startRedisCluster({ settings: { maxmemory: "a lot" } })).rejects.toThrow(/did not start[^]*maxmemory/);
    expect(leftovers()).toEqual(already);
  });

  it("leaves no process and no file once stopped, however often it is told", async () => {
    await Promise.all([cluster.stop(), cluster.stop()]);
    expect(leftovers()).toEqual(before);
  });
});

describe.skipIf(redisIsLeftOut())("a Redis primary with sentinels", () => {
  const before = leftovers();
  let group: RedisSentinel;

  beforeAll(async () => {
    group = await startRedisSentinel();
  });

  afterAll(() => group.stop());

  it("is found by its name, and fails over when the primary is killed, which can be started again", async () => {
    const redis = new Redis({
      sentinels: [...group.sentinels],
      name: group.name,
      password: group.password,
      lazyConnect: true,
    });
    redis.on("error", () => {});
    onTestFinished(() => redis.disconnect());
    await redis.set("note", "kept");
    expect(await redis.wait(1, 30_000)).toBe(1);

    const old = await group.killPrimary();
    await group.setDownAfter(HASTY_MS);
    const next = await group.untilFailedOver(old);
    expect(next).not.toEqual(old);
    await pollUntil(async () => (await redis.get("note").catch(() => undefined)) === "kept", {
      what: "the client to find the new primary",
      deadlineMs: 60_000,
    });
    await group.reviveAll();
    const back = new Redis({ ...old, password: group.password, lazyConnect: true });
    back.on("error", () => {});
    onTestFinished(() => back.disconnect());
    expect(await back.ping()).toBe("PONG");
  });

  it("leaves no process and no file once stopped", async () => {
    await group.stop();
    expect(leftovers()).toEqual(before);
  });
});
