import { Cluster, Redis } from "ioredis";
import { MongoClient } from "mongodb";
import { describe, expect, it } from "vitest";
import { freshTestMongo, freshTestRedis, freshTestRedisCluster, mongoIsLeftOut, redisIsLeftOut } from "../src/index.ts";

describe.skipIf(redisIsLeftOut())("the run's Redis", () => {
  it("gives each caller a prefix of its own, and removes its keys only", async () => {
    const one = await freshTestRedis();
    await using two = await freshTestRedis();
    const redis = new Redis(one.url);
    try {
      await redis.set(`${one.keyPrefix}a`, "1");
      await redis.set(`${two.keyPrefix}a`, "2");
      await one[Symbol.asyncDispose]();
      expect(await redis.mget(`${one.keyPrefix}a`, `${two.keyPrefix}a`)).toEqual([null, "2"]);
    } finally {
      redis.disconnect();
    }
  });

  it("cluster does the same, on all its nodes", async () => {
    const one = await freshTestRedisCluster();
    await using two = await freshTestRedisCluster();
    const redis = new Cluster([...one.nodes], { redisOptions: { password: one.password } });
    try {
      const names = Array.from({ length: 20 }, (_, index) => `task-${index}`);
      for (const { keyPrefix } of [one, two]) {
        await Promise.all(names.map((name) => redis.set(keyPrefix + name, name)));
      }
      await one[Symbol.asyncDispose]();
      expect((await Promise.all(names.map((name) => redis.get(one.keyPrefix + name)))).filter(Boolean)).toEqual([]);
      expect(await Promise.all(names.map((name) => redis.get(two.keyPrefix + name)))).toEqual(names);
    } finally {
      redis.disconnect();
    }
  });
});

describe.skipIf(mongoIsLeftOut())("the run's MongoDB", () => {
  it("gives each caller a database of its own, and removes it", async () => {
    const one = await freshTestMongo();
    await using two = await freshTestMongo();
    const client = await new MongoClient(one.url).connect();
    try {
      for (const { database } of [one, two]) await client.db(database).collection("note").insertOne({ text: database });
      await one[Symbol.asyncDispose]();
      const { databases } = await client.db().admin().listDatabases();
      const names = databases.map(({ name }) => name);
      expect(names).toContain(two.database);
      expect(names).not.toContain(one.database);
    } finally {
      await client.close();
    }
  });
});
