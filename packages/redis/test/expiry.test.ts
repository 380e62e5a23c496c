/** What the server itself deletes, and what is left behind: nothing but entries of indexes, and those not for long. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { TaskRecord } from "@mcp-task-store/core";
import { pollUntil, redisIsLeftOut } from "@mcp-task-store/services";
import {
  NEVER,
  newId,
  newTask,
  plain,
  pushTo,
  takeFrom,
  writeTo,
} from "../../../conformance/src/driver-model/sample-tasks.ts";
import { storedScope, TAGS } from "../src/keys.ts";
import { scratchRedisCluster } from "./scratch-cluster.ts";
import { type ScratchRedis, scratchRedis } from "./scratch-redis.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Longer than a busy machine takes between two calls. */
const MINUTE_MS = 60_000;

describe.skipIf(redisIsLeftOut()).each([
  ["a single server", scratchRedis],
  ["a cluster", scratchRedisCluster],
] as const)("expiry on %s", (_where, open) => {
  let redis: ScratchRedis;
  beforeAll(async () => {
    redis = await open();
  });
  beforeEach(() => redis.clear());
  afterAll(() => redis[Symbol.asyncDispose]());

  /** When the server deletes the keys of a task by itself, epoch ms; -1: never; -2: there is no such key. */
  async function nativeExpiry(taskId: string): Promise<{ task: number; messages: number }> {
    const { task, messages } = redis.keys.of(taskId);
    const read = async (key: string): Promise<number> =>
      Number(
        await redis.client.eval(
          "local left = redis.call('PTTL', KEYS[1]) if left < 0 then return left end local t = redis.call('TIME') return t[1] * 1000 + math.floor(t[2] / 1000) + left",
          1,
          key,
        ),
      );
    return { task: await read(task), messages: await read(messages) };
  }

  /** As if the server had deleted it by itself, long after its expiry. */
  async function vanish(taskId: string): Promise<void> {
    const { task, messages } = redis.keys.of(taskId);
    await redis.client.unlink(task);
    await redis.client.unlink(messages);
  }

  /** Entries of all indexes that name a task. */
  async function entriesOf(taskId: string): Promise<readonly string[]> {
    const found: string[] = [];
    for (const key of await redis.allKeys()) {
      if ((await redis.client.type(key)) !== "zset") continue;
      const members = await redis.client.zrange(key, "0", "-1");
      if (members.some((member) => member.slice(16).split("\0")[0] === taskId)) found.push(key);
    }
    return found;
  }

  const change = (taskId: string, then: object): Promise<unknown> =>
    redis.driver.write(writeTo(taskId, { alternatives: [{ when: {}, then }] }));

  /** Within the time that passes between two readings of the clock. */
  function near(instant: number): unknown {
    return {
      asymmetricMatch: (value: unknown) => typeof value === "number" && Math.abs(value - instant) < 5_000,
      toString: () => `about ${instant}`,
    };
  }

  async function row(taskId: string): Promise<TaskRecord> {
    const stored = await redis.stored(taskId);
    if (stored === undefined) throw new Error("the task is there");
    return stored;
  }

  it("is the server's own too, an hour later, for everything of a task", async () => {
    const { taskId } = newTask();
    await redis.driver.insert(newTask({ taskId, ttlMs: DAY_MS }));
    await redis.driver.messages?.push(pushTo(taskId));
    const { expiresAt } = await row(taskId);
    const instant = near((expiresAt ?? 0) + HOUR_MS);
    expect(await nativeExpiry(taskId)).toEqual({ task: instant, messages: instant });
  });

  it("is moved by a live lease, by the end and by a new ttl, also for the messages", async () => {
    const { taskId } = newTask();
    await redis.driver.insert(newTask({ taskId, ttlMs: MINUTE_MS }));
    await redis.driver.messages?.push(pushTo(taskId));
    const expected = async (): Promise<unknown> => {
      const { expiresAt } = await row(taskId);
      const instant = expiresAt === null ? -1 : near(expiresAt + HOUR_MS);
      return { task: instant, messages: instant };
    };
    await change(taskId, { lease: { take: "w", forMs: DAY_MS, graceMs: DAY_MS } });
    expect((await row(taskId)).expiresAt).toBeGreaterThan(Date.now() + DAY_MS);
    expect(await nativeExpiry(taskId)).toEqual(await expected());
    await change(taskId, { lease: { extendMs: 3 * DAY_MS, graceMs: DAY_MS } });
    expect(await nativeExpiry(taskId)).toEqual(await expected());
    await change(taskId, { lease: null, ttl: "restart" });
    expect((await row(taskId)).expiresAt).toBeLessThan(Date.now() + HOUR_MS);
    expect(await nativeExpiry(taskId)).toEqual(await expected());
    await change(taskId, { set: { ttlMs: null }, ttl: "restart" });
    expect(await nativeExpiry(taskId)).toEqual({ task: -1, messages: -1 });
    await change(taskId, { set: { ttlMs: DAY_MS }, ttl: "restart" });
    expect(await nativeExpiry(taskId)).toEqual(await expected());
  });

  it("there is none for a task that lives for ever, nor for its messages", async () => {
    const { taskId } = newTask();
    await redis.driver.insert(newTask({ taskId, ttlMs: null }));
    await redis.driver.messages?.push(pushTo(taskId));
    expect(await nativeExpiry(taskId)).toEqual({ task: -1, messages: -1 });
  });

  it.each([
    ["an owned task", "alice"],
    ["a task without an owner", null],
  ])("leaves nothing of %s that is deleted, purged or replaced", async (_, scope) => {
    const ends: Readonly<Record<string, (taskId: string) => Promise<unknown>>> = {
      deleted: (taskId) => redis.driver.remove({ taskId, notAfterUs: NEVER }),
      purged: async (taskId) => (await redis.expire(taskId), await redis.driver.due(10, 10)),
      replaced: async (taskId) => {
        await redis.expire(taskId);
        await redis.driver.insert(newTask({ taskId, scope: "bob" }));
        await redis.driver.remove({ taskId, notAfterUs: NEVER });
      },
    };
    for (const [name, end] of Object.entries(ends)) {
      const { taskId } = newTask();
      await redis.driver.insert(newTask({ taskId, scope }));
      await redis.driver.messages?.push(pushTo(taskId));
      await redis.driver.messages?.take(takeFrom(taskId));
      expect(await redis.allKeys(), name).not.toEqual([]);
      await end(taskId);
      // In a cluster the entry of the listing goes a little later.
      await pollUntil(async () => (await redis.allKeys()).length === 0, { what: `nothing to be left (${name})` });
    }
    expect(await redis.allKeys()).toEqual([]);
  });

  it("leaves entries of what the server deleted by itself, which the next look removes", async () => {
    const tasks = ["alice", null].map((scope) => ({ ...plain(), taskId: newId("task"), scope, dueAt: 5 }));
    await redis.plant(...tasks);
    for (const { taskId } of tasks) await vanish(taskId);
    for (const { taskId } of tasks) expect(await entriesOf(taskId)).toHaveLength(3);
    expect(await redis.driver.due(10, 10)).toMatchObject({ rows: [], purged: [], more: false });
    await pollUntil(async () => (await redis.allKeys()).length === 0, { what: "the entries to go" });
    expect(await redis.allKeys()).toEqual([]);
  });

  it.each([
    ["an owner's", { scope: "alice" }],
    ["all", {}],
    ["those without an owner", { scope: null }],
  ])(
    "leaves entries of what the server deleted by itself, which the next listing passes over and removes: %s",
    async (_, query) => {
      const scope = "scope" in query ? query.scope : "alice";
      const tasks = Array.from({ length: 40 }, (_each, at) => ({
        ...plain(),
        taskId: newId("task"),
        scope,
        createdAt: at,
      }));
      await redis.plant(...tasks);
      const gone = tasks.filter((_each, at) => at % 2 === 0);
      for (const { taskId } of gone) await vanish(taskId);
      const page = await redis.driver.page({ ...query, limit: 15 });
      const alive = tasks.filter((_each, at) => at % 2 === 1).map(({ taskId }) => taskId);
      expect(page.rows.map(({ taskId }) => taskId)).toEqual(alive.toReversed().slice(0, 15));
      const index = "scope" in query ? 1 : 0;
      const left = async (): Promise<number> => {
        const keys =
          index === 1 && scope !== null
            ? [redis.keys.listing(storedScope(scope))]
            : TAGS.map((tag) => redis.keys.shard(tag)[scope === null ? "unowned" : "all"]);
        const counts = await Promise.all(keys.map((key) => redis.client.zcard(key)));
        return counts.reduce((sum, count) => sum + count, 0);
      };
      await redis.driver.page({ ...query, limit: 40 });
      await pollUntil(async () => (await left()) === alive.length, { what: "the entries to go" });
      expect(await left()).toBe(alive.length);
    },
  );

  it("takes away as much in one look as its limit says, and thousands of entries without a task beside", async () => {
    const tasks = Array.from({ length: 300 }, (_, at) => ({ ...plain(), taskId: newId("task"), dueAt: at }));
    await redis.plant(...tasks);
    for (const { taskId } of tasks) await vanish(taskId);
    let looks = 0;
    do {
      await redis.driver.due(100, 10);
      looks += 1;
    } while ((await redis.allKeys()).length > 0);
    expect(looks).toBeLessThanOrEqual(3);
  });

  it("of an entry whose score is wrong is mended by the look that finds it", async () => {
    const later = Date.now() + DAY_MS;
    const early = { ...plain(), dueAt: later, claimBy: later };
    await redis.plant(early);
    const { due } = redis.keys.of(early.taskId);
    const [member = ""] = await redis.client.zrange(due, "0", "-1");
    await redis.client.zadd(due, 5, member);
    expect(await redis.driver.due(10, 10)).toMatchObject({ rows: [], purged: [] });
    expect(await redis.client.zscore(due, member)).toBe(String(later));
    expect(await redis.stored(early.taskId)).toEqual(early);
  });
});
