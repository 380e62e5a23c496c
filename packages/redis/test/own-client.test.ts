/** The user's own client: used as it is where its settings never send a command twice, else a copy of it. */
import { Cluster, Redis, type ClusterOptions, type RedisOptions } from "ioredis";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { pollUntil, redisIsLeftOut } from "@mcp-task-store/services";
import type { TaskDriver } from "@mcp-task-store/core";
import { newTask, plain, writeTo } from "../../../conformance/src/driver-model/sample-tasks.ts";
import { scratchRedisCluster } from "./scratch-cluster.ts";
import { type ScratchRedis, scratchRedis } from "./scratch-redis.ts";
import { tcpProxy } from "../../../conformance/src/wire/tcp-proxy.ts";

type Settings = RedisOptions & { readonly replyMapping?: "legacy" | "resp3" };
type ClusterSettings = Omit<ClusterOptions, "redisOptions"> & { readonly redisOptions?: typeof OBJECTS_OF_MAPS };

/** What CONFIG GET answers is no list then. */
const OBJECTS_OF_MAPS = { protocol: 3, replyMapping: "resp3" } as const;
const SAFE = { autoResendUnfulfilledCommands: false } as const;

describe.skipIf(redisIsLeftOut())("a client of one's own", () => {
  let redis: ScratchRedis;
  let url: string;
  let control: Redis;
  beforeAll(async () => {
    redis = await scratchRedis();
    url = redis.source.connectionString ?? "";
    control = new Redis(url);
    await redis.driver.setup();
  });
  afterAll(async () => {
    control.disconnect();
    await redis[Symbol.asyncDispose]();
  });

  const connections = async (name: string): Promise<number> =>
    String(await control.client("LIST")).split(` name=${name} `).length - 1;

  /** A client, a driver on it, and how many connections of that name there are. */
  async function using(name: string, options: Settings): Promise<{ client: Redis; driver: TaskDriver }> {
    const client = new Redis(url, { ...options, connectionName: name });
    client.on("error", () => {});
    await client.ping();
    const driver = redis.another({ client });
    onTestFinished(async () => {
      await driver.close();
      client.disconnect();
    });
    return { client, driver };
  }

  it("is used as it is when it never sends a command twice, also with other settings that do no harm", async () => {
    const { driver } = await using("as-it-is", { ...SAFE, enableAutoPipelining: true, commandTimeout: 5_000 });
    const answers = await Promise.all(Array.from({ length: 20 }, () => driver.insert(newTask())));
    expect(new Set(answers.map(({ kind }) => kind))).toEqual(new Set(["inserted"]));
    expect(await connections("as-it-is")).toBe(1);
  });

  it.each<readonly [string, Settings]>([
    ["sends commands again", {}],
    ["reads from replicas", { ...SAFE, readOnly: true }],
    ["makes texts of numbers", { ...SAFE, stringNumbers: true }],
    ["makes objects of maps", { ...SAFE, ...OBJECTS_OF_MAPS }],
  ])("is copied when it %s", async (_, options) => {
    const { client, driver } = await using("copied", options);
    await driver.setup();
    const insert = newTask();
    await driver.insert(insert);
    expect(await driver.read([insert.taskId])).toMatchObject({ rows: [{ taskId: insert.taskId }] });
    expect(await connections("copied")).toBe(2);
    await driver.close();
    await pollUntil(async () => (await connections("copied")) === 1, { what: "the copy's end" });
    expect(await client.ping()).toBe("PONG");
  });

  it("is never closed, keeps no listener of ours, and may be lost", async () => {
    const { client, driver } = await using("never-closed", SAFE);
    const listeners = (): number =>
      ["close", "error", "ready", "end"].reduce((sum, event) => sum + client.listenerCount(event), 0);
    const before = listeners();
    await driver.hints?.subscribe({ onHint: () => {}, onGap: () => {} });
    await driver.read([]);
    const [, id = ""] = /id=(\d+) .* name=never-closed .* sub=0 /.exec(String(await control.client("LIST"))) ?? [];
    await control.client("KILL", "ID", id);
    const read = (): Promise<unknown> => driver.read([]).catch(() => undefined);
    expect(await pollUntil(read, { what: "its next connection" })).toMatchObject({ rows: [] });
    await driver.close();
    expect(await client.ping()).toBe("PONG");
    expect(listeners()).toBe(before);
    expect(await connections("never-closed")).toBe(1);
  });

  it("that sends commands again would meet its own first attempt; the copy does not", async () => {
    await using proxy = await tcpProxy({ target: url });
    const client = new Redis(proxy.through(url));
    client.on("error", () => {});
    const driver = redis.another({ client });
    const { taskId } = plain();
    await redis.plant({ taskId });
    await driver.read([]);
    const held = proxy.holdAnswers({ whenRequestIncludes: taskId });
    const removal = driver.remove({ taskId, notAfterUs: Number.MAX_SAFE_INTEGER }).catch((error: unknown) => error);
    await held.arrived;
    proxy.cut();
    proxy.heal();
    expect(await removal).toMatchObject({ code: "WRITE_OUTCOME_UNKNOWN" });
    await driver.close();
    client.disconnect();
  });

  it("puts its own prefix before ours", async () => {
    const { driver } = await using("prefixed", { ...SAFE, keyPrefix: redis.keyPrefix });
    const own = redis.another({
      client: new Redis(url, { lazyConnect: true, keyPrefix: redis.keyPrefix }),
      keyPrefix: "own:",
    });
    const insert = newTask();
    await own.insert(insert);
    expect(await redis.another({ keyPrefix: `${redis.keyPrefix}own:` }).read([insert.taskId])).toMatchObject({
      rows: [{ taskId: insert.taskId }],
    });
    expect(await driver.read([insert.taskId])).toMatchObject({ rows: [] });
    await own.close();
  });

  it("that has ended is unavailable", async () => {
    const client = new Redis(url, { ...SAFE, lazyConnect: true });
    client.disconnect();
    const driver = redis.another({ client });
    await expect(driver.read([])).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    await expect(driver.write(writeTo("a", {}))).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    await driver.close();
  });
});

describe.skipIf(redisIsLeftOut())("a cluster client of one's own", () => {
  let redis: ScratchRedis;
  beforeAll(async () => {
    redis = await scratchRedisCluster();
  });
  afterAll(() => redis[Symbol.asyncDispose]());

  it.each<readonly [string, ClusterSettings, boolean]>([
    ["used as it is when it never sends a command twice", { retryDelayOnFailover: 0 }, true],
    ["copied when it sends commands again", {}, false],
    ["copied when it reads from replicas", { retryDelayOnFailover: 0, scaleReads: "slave" }, false],
    ["copied when it makes objects of maps", { retryDelayOnFailover: 0, redisOptions: OBJECTS_OF_MAPS }, false],
  ])("is %s", async (_, options, asItIs) => {
    const { nodes, password } = redis.source.cluster ?? { nodes: [] };
    const client = new Cluster([...nodes], {
      ...options,
      redisOptions: { ...options.redisOptions, ...(password && { password }) },
    });
    client.on("error", () => {});
    const used: string[] = [];
    const sendCommand = client.sendCommand.bind(client);
    client.sendCommand = (command, ...rest) => {
      used.push(command.name);
      return sendCommand(command, ...rest);
    };
    const driver = redis.another({ client, onWarning: () => {} });
    await driver.setup();
    const tasks = Array.from({ length: 20 }, () => newTask({ scope: "alice" }));
    await Promise.all(tasks.map((task) => driver.insert(task)));
    const { rows } = await driver.read(tasks.map(({ taskId }) => taskId));
    expect(rows).toHaveLength(20);
    expect(used.includes("evalsha")).toBe(asItIs);
    await driver.close();
    expect(await client.ping()).toBe("PONG");
    client.disconnect();
  });
});
