import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pollUntil, redisIsLeftOut } from "@mcp-task-store/services";
import type { HintListener, TaskDriver } from "@mcp-task-store/core";
import { newId } from "../../../conformance/src/driver-model/sample-tasks.ts";
import { scratchRedisCluster } from "./scratch-cluster.ts";
import { type ScratchRedis, scratchRedis } from "./scratch-redis.ts";
import { tcpProxy } from "../../../conformance/src/wire/tcp-proxy.ts";

class Heard implements HintListener {
  readonly taskIds = new Set<string>();
  gaps = 0;

  onHint(taskIds: readonly string[]): void {
    for (const taskId of taskIds) this.taskIds.add(taskId);
  }

  onGap(): void {
    this.gaps += 1;
  }

  /** Resolves once these were heard of; rejects at a deadline. */
  async has(...taskIds: readonly string[]): Promise<true> {
    await pollUntil(() => taskIds.every((taskId) => this.taskIds.has(taskId)), { what: "the hints" });
    return true;
  }
}

async function subscribed(driver: TaskDriver): Promise<{ heard: Heard; unsubscribe: () => Promise<void> }> {
  const heard = new Heard();
  const unsubscribe = await driver.hints?.subscribe(heard);
  if (unsubscribe === undefined) throw new Error("the driver has no hints");
  return { heard, unsubscribe };
}

describe.skipIf(redisIsLeftOut()).each([
  ["a single server", scratchRedis],
  ["a cluster", scratchRedisCluster],
] as const)("hints on %s", (_where, open) => {
  let redis: ScratchRedis;
  beforeAll(async () => {
    redis = await open();
  });
  afterAll(() => redis[Symbol.asyncDispose]());

  it("reach every process that listens, the sender's too", async () => {
    const other = redis.another();
    const here = await subscribed(redis.driver);
    const there = await subscribed(other);
    const ids = [newId("task"), 'odd "id" \\ \' 😀'];
    await redis.driver.hints?.publish(ids);
    expect(await here.heard.has(...ids)).toBe(true);
    expect(await there.heard.has(...ids)).toBe(true);
    await other.close();
    await here.unsubscribe();
  });

  it("carry thousands of ids at once", async () => {
    const { heard, unsubscribe } = await subscribed(redis.driver);
    const ids = Array.from({ length: 20_000 }, () => newId("task"));
    await redis.another().hints?.publish(ids);
    expect(await heard.has(...ids)).toBe(true);
    await unsubscribe();
  });

  it("stay inside their prefix", async () => {
    const { heard, unsubscribe } = await subscribed(redis.driver);
    await redis.another({ keyPrefix: `${redis.keyPrefix}other:` }).hints?.publish(["foreign"]);
    await redis.driver.hints?.publish(["own"]);
    expect(await heard.has("own")).toBe(true);
    // In a cluster hints of before, sent to other nodes, may still be on their way.
    expect(heard.taskIds.has("foreign")).toBe(false);
    await unsubscribe();
  });

  it("are a gap when somebody else sends nonsense", async () => {
    const { heard, unsubscribe } = await subscribed(redis.driver);
    await redis.client.publish(redis.keys.channel, "nonsense");
    await pollUntil(() => heard.gaps > 0, { what: "the gap" });
    expect(heard.taskIds.has("nonsense")).toBe(false);
    await unsubscribe();
  });

  it("are absent when polling was asked for", () => {
    const driver = redis.another({ hints: "poll" });
    expect(driver.hints).toBeUndefined();
    expect(driver.capabilities.pushHints).toBe(false);
  });
});

describe.skipIf(redisIsLeftOut())("the connection for hints", () => {
  let redis: ScratchRedis;
  let url: string;
  let control: Redis;
  beforeAll(async () => {
    redis = await scratchRedis();
    url = redis.source.connectionString ?? "";
    control = new Redis(url);
  });
  afterAll(async () => {
    control.disconnect();
    await redis[Symbol.asyncDispose]();
  });

  const named = async (name: string): Promise<readonly string[]> =>
    String(await control.client("LIST"))
      .split("\n")
      .filter((line) => line.includes(` name=${name} `));
  const subscribers = async (name: string): Promise<number> =>
    (await named(name)).filter((line) => / sub=[1-9]/.test(line)).length;
  const config = (connectionName: string): { config: object } => {
    const { hostname, port, password } = new URL(url);
    return { config: { host: hostname, port: Number(port), password, connectionName } };
  };

  it("is one for all subscriptions, and none without", async () => {
    const driver = redis.another(config("one-for-all"));
    const listening = (): Promise<number> => subscribers("one-for-all");
    const subscriptions = await Promise.all([subscribed(driver), subscribed(driver), subscribed(driver)]);
    expect(await listening()).toBe(1);
    await subscriptions[0]?.unsubscribe();
    await driver.hints?.publish(["still"]);
    expect(await subscriptions[1]?.heard.has("still")).toBe(true);
    expect(subscriptions[0]?.heard.taskIds.size).toBe(0);
    await subscriptions[1]?.unsubscribe();
    await subscriptions[2]?.unsubscribe();
    await pollUntil(async () => (await listening()) === 0, { what: "SUBSCRIBE to end" });
    const again = await subscribed(driver);
    await driver.hints?.publish(["again"]);
    expect(await again.heard.has("again")).toBe(true);
    await driver.close();
  });

  it("comes back after it was lost, with a gap", async () => {
    const driver = redis.another(config("comes-back"));
    const { heard } = await subscribed(driver);
    const [line = ""] = (await named("comes-back")).filter((each) => / sub=1/.test(each));
    await control.client("KILL", "ID", /^id=(\d+)/.exec(line)?.[1] ?? "");
    await pollUntil(() => heard.gaps > 0, { what: "the gap" });
    await driver.hints?.publish(["after"]);
    expect(await heard.has("after")).toBe(true);
    await driver.close();
  });

  it("cannot be had at first: the subscription tells of the gap once it works", async () => {
    await using proxy = await tcpProxy({ target: url });
    proxy.cut();
    const driver = redis.another({ connectionString: proxy.through(url) });
    const { heard } = await subscribed(driver);
    expect(heard.gaps).toBe(0);
    proxy.heal();
    await pollUntil(() => heard.gaps > 0, { what: "the gap" });
    await redis.driver.hints?.publish(["now"]);
    expect(await heard.has("now")).toBe(true);
    await driver.close();
  });

  it("ends with the driver, whatever state it is in", async () => {
    await using proxy = await tcpProxy({ target: url });
    const driver = redis.another({ connectionString: proxy.through(url) });
    await subscribed(driver);
    proxy.freeze();
    const closed = driver.close();
    await closed;
    await expect(driver.hints?.publish(["late"])).rejects.toMatchObject({ code: "CLOSED" });
    proxy.heal();
    await pollUntil(() => proxy.connections === 0, { what: "its connections to end" });
    expect(proxy.connections).toBe(0);
  });
});
