/** Who hears of a failover from the sentinels leaves the old primary, which goes on taking writes that will be lost. */
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { pollUntil, redisIsLeftOut, type RedisSentinel, startRedisSentinel } from "@mcp-task-store/services";
import { newTask } from "../../../conformance/src/driver-model/sample-tasks.ts";
import {
  createRedisDriver,
  createRedisTaskStore,
  type RedisDriverOptions,
  type RedisNodeAddress,
} from "../src/index.ts";

describe.skipIf(redisIsLeftOut())("a failover", () => {
  let group: RedisSentinel;
  let sentinels: readonly Redis[];
  beforeAll(async () => {
    group = await startRedisSentinel({ fast: true });
    sentinels = group.sentinels.map(({ host, port }) => new Redis({ host, port }));
  });
  afterAll(async () => {
    for (const sentinel of sentinels) sentinel.disconnect();
    await group.stop();
  });

  /** How many connections each sentinel tells what happens. */
  async function listeners(): Promise<readonly number[]> {
    const lists = await Promise.all(sentinels.map((each) => each.client("LIST")));
    return lists.map((list) => String(list).split(" sub=1 ").length - 1);
  }

  /** @param before sentinels that are asked first */
  async function source(
    isUsers: boolean,
    failoverDetector?: boolean,
    before: readonly RedisNodeAddress[] = [],
  ): Promise<RedisDriverOptions> {
    const { name, password } = group;
    const all = [...before, ...group.sentinels];
    const given = failoverDetector === undefined ? {} : { failoverDetector };
    if (!isUsers) return { config: { sentinels: all, name, password, ...given } };
    const client = new Redis({ sentinels: all, name, password, lazyConnect: true });
    onTestFinished(() => client.disconnect());
    return { client };
  }

  it.each([
    ["the store's own client", false],
    ["the copy of a client that is not told", true],
  ])("is told by the sentinels: %s", async (_, isUsers) => {
    const driver = createRedisDriver({ ...(await source(isUsers)), hints: "poll" });
    onTestFinished(async () => {
      await driver.close();
      const nobody = async (): Promise<boolean> => (await listeners()).every((count) => count === 0);
      await pollUntil(nobody, { what: "nobody to listen" });
    });
    expect(await driver.insert(newTask())).toMatchObject({ kind: "inserted" });
    const all = async (): Promise<boolean> => (await listeners()).every((count) => count === 1);
    await pollUntil(all, { what: "each sentinel to have a listener" });
  });

  it.each([
    ["the store's own client", false],
    ["the copy of a client that is not told", true],
  ])("does not wait for a sentinel that takes connections and is silent: %s", async (_, isUsers) => {
    const open = new Set<Socket>();
    const silent = createServer((socket) => {
      open.add(socket.resume());
      socket.on("error", () => {});
      socket.on("close", () => open.delete(socket));
    });
    silent.listen(0, "127.0.0.1");
    await once(silent, "listening");
    onTestFinished(() => void silent.close());
    const { port } = silent.address() as AddressInfo;
    const before = [{ host: "127.0.0.1", port }];
    const store = createRedisTaskStore({
      ...(await source(isUsers, undefined, before)),
      callTimeoutMs: 60_000,
      onWarning: () => {},
    });
    const { taskId, revision } = await store.createTask();
    // By a connection of its own, for hints.
    const waiting = store.waitForUpdate(taskId, { since: revision });
    await store.finishTask(taskId, { status: "completed", result: {} });
    expect(await waiting).toMatchObject({ status: "completed" });
    await store.close();
    await pollUntil(() => open.size === 0, { what: "the connections to the silent one to end" });
  });

  it("is found out by itself where that was asked for", async () => {
    const driver = createRedisDriver({ ...(await source(false, false)), hints: "poll" });
    onTestFinished(() => driver.close());
    expect(await driver.insert(newTask())).toMatchObject({ kind: "inserted" });
    expect(await listeners()).toEqual(sentinels.map(() => 0));
  });
});
