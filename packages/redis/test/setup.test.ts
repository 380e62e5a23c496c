import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { pollUntil, redisIsLeftOut, type RedisService, startRedis } from "@mcp-task-store/services";
import type { TaskDriver } from "@mcp-task-store/core";
import { NEVER, newTask, pushTo, takeFrom, writeTo } from "../../../conformance/src/driver-model/sample-tasks.ts";
import { createRedisDriver, type RedisDriverOptions, type RedisWarning } from "../src/index.ts";
import { entryOf, Keys, storedScope, tagOf } from "../src/keys.ts";
import { SCRIPTS } from "../src/scripts.ts";
import { scratchRedisCluster } from "./scratch-cluster.ts";

const KEY_PREFIX = "setup:";

describe.skipIf(redisIsLeftOut())("setup", () => {
  let service: RedisService;
  let control: Redis;
  beforeAll(async () => {
    service = await startRedis({ fast: true, notFrom: ["env"] });
    control = new Redis(service.url);
  });
  afterAll(async () => {
    control.disconnect();
    await service.stop();
  });

  function open(options: Partial<RedisDriverOptions> = {}): TaskDriver {
    const from = options.config === undefined ? { connectionString: service.url } : {};
    const driver = createRedisDriver({ ...from, keyPrefix: KEY_PREFIX, ...options });
    onTestFinished(() => driver.close());
    return driver;
  }

  async function warnings(options: Partial<RedisDriverOptions> = {}): Promise<readonly RedisWarning["code"][]> {
    const codes: RedisWarning["code"][] = [];
    await open({ ...options, onWarning: ({ code }) => codes.push(code) }).setup();
    return codes;
  }

  /** Changes settings for one test. */
  async function configured(settings: Readonly<Record<string, string>>): Promise<void> {
    for (const [name, value] of Object.entries(settings)) {
      const [, before = ""] = await control.config("GET", name);
      await control.config("SET", name, value);
      onTestFinished(async () => void (await control.config("SET", name, before)));
    }
  }

  it("may be repeated, and run in many processes at once", async () => {
    const drivers = Array.from({ length: 8 }, () => open());
    await Promise.all(drivers.map((driver) => driver.setup()));
    await drivers[0]?.setup();
    expect(await control.get(new Keys(KEY_PREFIX).layout)).toBe("1");
  });

  it("leaves every script with the server", async () => {
    await control.script("FLUSH");
    await open().setup();
    const known = await control.script("EXISTS", ...Object.values(SCRIPTS).map(({ sha }) => sha));
    expect(known).toEqual(Object.values(SCRIPTS).map(() => 1));
  });

  it("leaves them with every primary of a cluster", async () => {
    await using redis = await scratchRedisCluster();
    await redis.driver.setup();
    if (redis.client instanceof Redis) throw new Error("it is a cluster");
    await redis.client.ping();
    const shas = Object.values(SCRIPTS).map(({ sha }) => sha);
    const known = await Promise.all(redis.client.nodes("master").map((node) => node.script("EXISTS", ...shas)));
    expect(known).toEqual([1, 2, 3].map(() => shas.map(() => 1)));
  });

  it("is not needed by the other calls", async () => {
    await control.script("FLUSH");
    expect(await open({ keyPrefix: "never-set-up:" }).insert(newTask())).toMatchObject({ kind: "inserted" });
  });

  it("refuses keys that are newer than this package, and says so", async () => {
    const keyPrefix = "newer:";
    await control.set(new Keys(keyPrefix).layout, "99");
    await expect(open({ keyPrefix }).setup()).rejects.toMatchObject({
      code: "SCHEMA_NOT_READY",
      message: expect.stringContaining("99"),
    });
  });

  it("says nothing about a server that keeps tasks", async () => {
    expect(await warnings()).toEqual([]);
  });

  it.each(["allkeys-lru", "volatile-ttl"])("warns of a server that evicts by %s", async (policy) => {
    await configured({ "maxmemory-policy": policy });
    expect(await warnings()).toEqual(["EVICTION"]);
  });

  it("warns of a server that keeps nothing on its disk", async () => {
    await configured({ appendonly: "no" });
    expect(await warnings()).toEqual(["NO_PERSISTENCE"]);
    await configured({ save: "900 1" });
    expect(await warnings()).toEqual([]);
  });

  it("tells the process where nobody else wants to hear it", async () => {
    await configured({ "maxmemory-policy": "allkeys-lfu" });
    const heard = new Promise<Error>((resolve) => void process.once("warning", resolve));
    await open().setup();
    expect(await heard).toMatchObject({ name: "McpTaskStoreWarning", code: "MCP_TASK_STORE_REDIS_EVICTION" });
  });

  it("is not done on a replica, whether or not it has been done on its primary", async () => {
    await using replica = await startRedis({ fast: true, notFrom: ["env"] });
    const client = new Redis(replica.url);
    onTestFinished(() => client.disconnect());
    const primary = new URL(service.url);
    await client.config("SET", "masterauth", decodeURIComponent(primary.password));
    await client.replicaof(primary.hostname, Number(primary.port));
    const driver = open({ connectionString: replica.url });
    const refusal = { code: "STORE_UNAVAILABLE", message: expect.stringContaining("replica") };
    await expect(driver.setup()).rejects.toMatchObject(refusal);
    await open().setup();
    await pollUntil(async () => (await client.get(new Keys(KEY_PREFIX).layout)) === "1", {
      what: "the replica to know",
      // It is sent everything five seconds after it asked.
      deadlineMs: 60_000,
    });
    await expect(driver.setup()).rejects.toMatchObject(refusal);
    await client.config("SET", "replica-read-only", "no");
    await expect(driver.setup()).rejects.toMatchObject(refusal);
    await client.replicaof("NO", "ONE");
    await driver.setup();
  });

  it("takes the word of who calls it durable only where the server agrees", async () => {
    const driver = open({ durable: true });
    expect(driver.capabilities.durable).toBe(true);
    await expect(driver.setup()).rejects.toMatchObject({ code: "INVALID_ARGUMENT", argument: "options.durable" });
    await configured({ appendfsync: "always" });
    await driver.setup();
    await configured({ appendonly: "no" });
    await expect(driver.setup()).rejects.toMatchObject({ argument: "options.durable" });
  });

  describe("with few rights", () => {
    async function user(...rules: readonly string[]): Promise<Pick<RedisDriverOptions, "config">> {
      const username = `user${Math.random().toString(36).slice(2)}`;
      await control.acl("SETUSER", username, "on", ">secret", ...rules);
      onTestFinished(async () => void (await control.acl("DELUSER", username)));
      const { hostname, port } = new URL(service.url);
      return { config: { host: hostname, port: Number(port), username, password: "secret" } };
    }

    /** As README says. */
    const LEAST = [
      "resetchannels",
      `~${KEY_PREFIX}*`,
      `&${KEY_PREFIX}*`,
      ..."+evalsha +eval +script|load +time +hmget +hget +hset +hdel +pexpireat +persist +unlink".split(" "),
      ..."+zadd +zrem +zcount +zrangebyscore +zrevrangebylex +zremrangebylex +get +set".split(" "),
      ..."+publish +subscribe +ping +info +hello +auth +client".split(" "),
    ];

    it("has every command of the scripts among those that it tries", () => {
      const called = (text: string, call: RegExp): Set<string> =>
        new Set([...text.matchAll(call)].map(([, name = ""]) => name));
      const texts = Object.values(SCRIPTS).map(({ text }) => text);
      const all = called(texts.join("\n"), /redis\.p?call\('([A-Z]+)'/g);
      expect(called(SCRIPTS.rights.text, /\bmay\('([A-Z]+)'/g)).toEqual(all);
      expect(LEAST).toEqual(expect.arrayContaining([...all].map((name) => `+${name.toLowerCase()}`)));
    });

    const COMMANDS = LEAST.filter((rule) => rule.startsWith("+") && rule !== "+script|load");
    /** These ioredis itself sends when it connects, and does without. */
    const SPARED = new Set(["+hello", "+auth", "+client"]);

    it.each(COMMANDS)("says so at once where %s is missing", async (rule) => {
      const setup = open(await user(...LEAST, rule.replace("+", "-"))).setup();
      const name = rule.slice(1);
      if (SPARED.has(rule)) return await setup;
      await expect(setup).rejects.toMatchObject({
        code: "STORE_UNAVAILABLE",
        retryable: false,
        message: expect.stringMatching(new RegExp(`right to run .*\\b${name}\\b`)),
      });
    });

    it("names all that are missing", async () => {
      await expect(open(await user(...LEAST, "-zcount", "-hdel", "-persist")).setup()).rejects.toMatchObject({
        message: expect.stringContaining("hdel, persist, zcount"),
      });
    });

    it("says so at once where the keys or the channel are somebody else's", async () => {
      const others = await user(...LEAST.filter((rule) => !rule.startsWith("~")), "~other:*");
      await expect(open(others).setup()).rejects.toMatchObject({ message: expect.stringContaining("keys") });
      const silent = await user(...LEAST.filter((rule) => !rule.startsWith("&")));
      await expect(open(silent).setup()).rejects.toMatchObject({ message: expect.stringContaining("channel") });
      await open({ ...silent, hints: "poll" }).setup();
    });

    it("needs no right to publish or to subscribe where nobody is told", async () => {
      const config = await user(...LEAST, "-publish", "-subscribe");
      expect(await warnings({ ...config, hints: "poll" })).toEqual([]);
    });

    it("leaves no trace of having tried", async () => {
      const keyPrefix = "tried:";
      await open({ keyPrefix }).setup();
      expect(await control.keys(`${keyPrefix}*`)).toEqual([new Keys(keyPrefix).layout]);
    });

    it("does everything with those that README names", async () => {
      const config = await user(...LEAST);
      const driver = open(config);
      await driver.setup();
      const task = newTask({ scope: "alice", ttlMs: 60_000 });
      expect(await driver.insert(task)).toMatchObject({ kind: "inserted" });
      const alternatives = [{ when: {}, then: { ttl: "restart", set: { ttlMs: null } } }] as const;
      expect(await driver.write(writeTo(task.taskId, { alternatives }))).toMatchObject({ kind: "written" });
      expect(await driver.messages?.push(pushTo(task.taskId))).toMatchObject({ kind: "pushed" });
      expect(await driver.messages?.take(takeFrom(task.taskId))).toMatchObject({ kind: "taken" });
      expect(await driver.messages?.take(takeFrom(task.taskId, { keepMs: -1 }))).toMatchObject({ kind: "taken" });
      expect(await driver.page({ scope: "alice", limit: 1 })).toMatchObject({ rows: [{ taskId: task.taskId }] });
      expect(await driver.page({ limit: 1 })).toMatchObject({ rows: [{ taskId: task.taskId }] });
      expect(await driver.due(10, 10)).toMatchObject({ more: false });
      expect(await driver.remove({ taskId: task.taskId, notAfterUs: NEVER })).toBe("removed");
      let gaps = 0;
      const unsubscribe = await driver.hints?.subscribe({ onHint: () => {}, onGap: () => (gaps += 1) });
      await driver.hints?.publish(["a"]);
      await unsubscribe?.();
      expect(gaps).toBe(0);
    });

    it("does everything on a cluster with those for a cluster beside", async () => {
      await using redis = await scratchRedisCluster();
      await redis.client.ping();
      if (redis.client instanceof Redis) throw new Error("it is a cluster");
      const nodes = redis.client.nodes("all");
      const username = `user${Math.random().toString(36).slice(2)}`;
      const prefixed = LEAST.map((rule) => rule.replace(KEY_PREFIX, redis.keyPrefix));
      const rules = ["on", ">secret", ...prefixed, "+cluster", "+asking"];
      await Promise.all(nodes.map((node) => node.acl("SETUSER", username, ...rules)));
      const cluster = { nodes: redis.source.cluster?.nodes ?? [], username, password: "secret" };
      const driver = createRedisDriver({ cluster, keyPrefix: redis.keyPrefix });
      const [, second] = redis.client.nodes("master");
      await second?.acl("SETUSER", username, "-hset");
      await expect(driver.setup()).rejects.toMatchObject({ message: expect.stringContaining("right to run hset") });
      await second?.acl("SETUSER", username, "+hset");
      await driver.setup();
      const task = newTask({ scope: "alice" });
      expect(await driver.insert(task)).toMatchObject({ kind: "inserted" });
      expect(await driver.page({ scope: "alice", limit: 1 })).toMatchObject({ rows: [{ taskId: task.taskId }] });
      expect(await driver.page({ limit: 1 })).toMatchObject({ rows: [{ taskId: task.taskId }] });
      const [listing, owners] = redis.keys.listed(storedScope("alice"));
      await redis.client.zadd(owners, 5, storedScope("alice"));
      await redis.client.zadd(listing, 0, `${entryOf(5, "gone")}\0${tagOf("gone")}create`);
      expect(await driver.due(10, 10)).toMatchObject({ more: false });
      expect(await redis.client.zcard(listing)).toBe(1);
      let gaps = 0;
      const unsubscribe = await driver.hints?.subscribe({ onHint: () => {}, onGap: () => (gaps += 1) });
      await driver.hints?.publish(["a"]);
      await unsubscribe?.();
      expect(gaps).toBe(0);
      await driver.close();
      await Promise.all(nodes.map((node) => node.acl("DELUSER", username)));
    });

    it("says what it could not look at, and sends each script in full once", async () => {
      await configured({ appendonly: "no", save: "" });
      const config = await user(...LEAST.filter((rule) => rule !== "+script|load"));
      await control.script("FLUSH");
      expect(await warnings(config)).toEqual(["NOT_CHECKED"]);
      expect(await open(config).insert(newTask())).toMatchObject({ kind: "inserted" });
    });

    it("changes nothing when one is missing", async () => {
      const driver = open(await user(...LEAST, "-hset"));
      const task = newTask({ scope: "alice" });
      await expect(driver.insert(task)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE", retryable: false });
      await open().insert(task);
      const { rows: before } = await open().read([task.taskId]);
      const alternatives = [{ when: {}, then: { attempts: 1 } }] as const;
      await expect(driver.write(writeTo(task.taskId, { alternatives }))).rejects.toMatchObject({ retryable: false });
      expect((await open().read([task.taskId])).rows).toEqual(before);
    });

    it.each(["-pexpireat", "-persist", "-zrem", "-hdel", "-unlink", "-zadd"])(
      "says that nothing was written only where nothing was (%s)",
      async (rule) => {
        const driver = open(await user(...LEAST, rule));
        const whole = open();
        /** Whether it took effect, by what it says. */
        const saysSo = (call: Promise<unknown> | undefined): Promise<boolean> =>
          Promise.resolve(call).then(
            () => true,
            (error: unknown) => {
              expect(error).toMatchObject({ code: "STORE_UNAVAILABLE", message: expect.stringContaining("nothing") });
              return false;
            },
          );
        const isThere = async (taskId: string): Promise<boolean> => (await whole.read([taskId])).rows.length > 0;
        for (const ttlMs of [60_000, null]) {
          const { taskId } = newTask();
          expect(await saysSo(driver.insert(newTask({ taskId, ttlMs })))).toBe(await isThere(taskId));
          await whole.insert(newTask({ taskId, ttlMs }));
          const pushed = await saysSo(driver.messages?.push(pushTo(taskId)));
          expect(await whole.messages?.take(takeFrom(taskId))).toMatchObject({ messages: pushed ? [{}] : [] });
          const removed = await saysSo(driver.remove({ taskId, notAfterUs: NEVER }));
          expect(await isThere(taskId)).toBe(!removed);
        }
      },
    );

    it("keeps to its prefix", async () => {
      const driver = open({ ...(await user(...LEAST)), keyPrefix: "other:" });
      await expect(driver.insert(newTask())).rejects.toMatchObject({ code: "STORE_UNAVAILABLE", retryable: false });
    });
  });
});
