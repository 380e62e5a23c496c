import { Cluster, Redis } from "ioredis";
import { describe, expect, it } from "vitest";
import { createRedisDriver, createRedisTaskStore, REDIS_DEFAULTS } from "../src/index.ts";
import { configOf } from "../src/redis-url.ts";

const SECRET = "redis://user:hunter2@127.0.0.1:1";
const NODE = { host: "127.0.0.1", port: 1 };

describe("options", () => {
  it.each<readonly [string, object, string]>([
    ["none", {}, "connectionString"],
    ["two", { connectionString: SECRET, config: {} }, "connectionString"],
    ["an empty connection string", { connectionString: "" }, "connectionString"],
    ["a URL of something else", { connectionString: "postgres://u:hunter2@h/db" }, "connectionString"],
    ["a URL without a host", { connectionString: "redis://" }, "connectionString"],
    ["a URL with a name for a database", { connectionString: `${SECRET}/tasks` }, "connectionString"],
    ["a URL with settings", { connectionString: `${SECRET}?autoResendUnfulfilledCommands=true` }, "connectionString"],
    ["a URL that encodes nothing", { connectionString: "redis://u:hunter2%zz@h" }, "connectionString"],
    ["no config", { config: null }, "config"],
    ["a cluster without nodes", { cluster: { nodes: [] } }, "cluster"],
    ["a cluster that is a list", { cluster: [NODE] }, "cluster"],
    ["a setting of ioredis that is not passed on", { config: { commandTimeout: 50 } }, "config.commandTimeout"],
    ["a setting that is misspelt", { config: { pasword: "hunter2" } }, "config.pasword"],
    ["a prefix in the wrong place", { config: { keyPrefix: "tasks:" } }, "config.keyPrefix"],
    ["a client's settings of a cluster", { cluster: { nodes: [NODE], redisOptions: {} } }, "cluster.redisOptions"],
    ["a database of a cluster", { cluster: { nodes: [NODE], db: 1 } }, "cluster.db"],
    ["no client", { client: {} }, "client"],
    ["an empty prefix", { connectionString: SECRET, keyPrefix: "" }, "keyPrefix"],
    ["a prefix with braces", { connectionString: SECRET, keyPrefix: "{tasks}:" }, "keyPrefix"],
    ["a prefix with a pattern", { connectionString: SECRET, keyPrefix: "tasks*" }, "keyPrefix"],
    ["a prefix with a line break", { connectionString: SECRET, keyPrefix: "tasks\n" }, "keyPrefix"],
    ["a prefix of 65 characters", { connectionString: SECRET, keyPrefix: "a".repeat(65) }, "keyPrefix"],
    ["unknown hints", { connectionString: SECRET, hints: "listen" }, "hints"],
    ["durable that is no boolean", { connectionString: SECRET, durable: "always" }, "durable"],
    ["a warning that nobody hears", { connectionString: SECRET, onWarning: "log" }, "onWarning"],
  ])("refuses %s, names the option and shows no secret", (_, options, argument) => {
    // What JavaScript callers can pass, whatever the types say.
    const make = (): unknown => Reflect.apply(createRedisDriver, undefined, [options]);
    expect(make).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT", argument: `options.${argument}` }));
    expect(make).not.toThrow("hunter2");
  });

  it("refuses a client's own prefix that would decide over the slots", () => {
    const client = new Redis({ lazyConnect: true, keyPrefix: "{app}:" });
    expect(() => createRedisDriver({ client })).toThrow(expect.objectContaining({ argument: "options.keyPrefix" }));
  });

  it.each<readonly [string, object]>([
    ["redis://h", { host: "h" }],
    ["redis://h:7000/3", { host: "h", port: 7000, db: 3 }],
    ["redis://:p%40ss@h/", { host: "h", password: "p@ss" }],
    ["rediss://u:p@h", { host: "h", username: "u", password: "p", tls: {} }],
    ["redis://[::1]:7000", { host: "::1", port: 7000 }],
  ])("reads %s", (url, config) => {
    expect(configOf(url)).toEqual(config);
  });

  it("takes settings that are undefined for not given", async () => {
    const config = { host: "127.0.0.1", password: undefined, commandTimeout: undefined };
    const driver = createRedisDriver({ config });
    expect(driver).toMatchObject({ name: "redis" });
    await driver.close();
  });

  it("hands the store's own options to the store", () => {
    const make = (): unknown => createRedisTaskStore({ connectionString: SECRET, leaseMs: 1 });
    expect(make).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT", argument: "options.leaseMs" }));
  });

  it("connects to nothing before it is used", async () => {
    for (const options of [{ connectionString: SECRET }, { cluster: { nodes: [NODE] } }]) {
      const driver = createRedisDriver(options);
      expect(driver).toMatchObject({
        name: "redis",
        capabilities: { durable: REDIS_DEFAULTS.durable, pushHints: true, messages: true, listing: true },
      });
      await driver.close();
    }
  });

  it.each([
    ["a server", { connectionString: SECRET }],
    ["sentinels", { config: { sentinels: [NODE], name: "tasks", sentinelPassword: "hunter2" } }],
    ["a cluster", { cluster: { nodes: [NODE], password: "hunter2" } }],
    ["a host without a name", { config: { host: "no-such-host.invalid", password: "hunter2" } }],
  ])("says that nothing was written when nobody answers there: %s", async (_, options) => {
    const driver = createRedisDriver(options);
    const attempt = driver.read([]);
    await expect(attempt).rejects.toMatchObject({ code: "STORE_UNAVAILABLE", retryable: true });
    await expect(attempt).rejects.toMatchObject({ message: expect.not.stringContaining("hunter2") });
    await driver.close();
  });

  it("takes clients of ioredis as its types have them", async () => {
    const single = new Redis({ lazyConnect: true });
    const cluster = new Cluster([NODE], { lazyConnect: true });
    for (const client of [single, cluster]) await createRedisDriver({ client }).close();
    expect([single.status, cluster.status]).toEqual(["wait", "wait"]);
  });
});
