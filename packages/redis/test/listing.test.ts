/** Listings that are long, or whose entries lead nowhere; and on a cluster, entries that come before their tasks. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { PageQuery, TaskRecord } from "@mcp-task-store/core";
import { toMs } from "@mcp-task-store/core/transitions";
import { pollUntil, redisIsLeftOut } from "@mcp-task-store/services";
import { newId, newTask, plain } from "../../../conformance/src/driver-model/sample-tasks.ts";
import { ENTRY_WINDOW_US } from "../src/cluster-shards.ts";
import { entryOf, storedScope } from "../src/keys.ts";
import { SWEEP_EVERY_MS } from "../src/lua/listed.ts";
import { SCRIPTS } from "../src/scripts.ts";
import { ENTRIES_A_PAGE, insertAnswer, insertValues } from "../src/topology.ts";
import { scratchRedisCluster } from "./scratch-cluster.ts";
import { type ScratchRedis, scratchRedis } from "./scratch-redis.ts";

const QUERIES: readonly (readonly [string, Pick<PageQuery, "scope">])[] = [
  ["an owner's", { scope: "alice" }],
  ["everybody's", {}],
  ["those without an owner", { scope: null }],
];

function rows(
  count: number,
  query: Pick<PageQuery, "scope">,
  change: (at: number) => Partial<TaskRecord>,
): TaskRecord[] {
  return Array.from({ length: count }, (_, at) => ({
    ...plain(),
    taskId: newId("task"),
    scope: query.scope ?? null,
    createdAt: at,
    ...change(at),
  }));
}

describe.skipIf(redisIsLeftOut()).each([
  ["a single server", scratchRedis, ENTRIES_A_PAGE.single],
  ["a cluster", scratchRedisCluster, ENTRIES_A_PAGE.cluster],
] as const)("listing on %s", (_where, open, mostEntries) => {
  let redis: ScratchRedis;
  beforeAll(async () => {
    redis = await open();
  });
  beforeEach(() => redis.clear());
  afterAll(() => redis[Symbol.asyncDispose]());

  async function walk(query: PageQuery): Promise<readonly string[]> {
    const seen: string[] = [];
    for (let page = await redis.driver.page(query); ;) {
      seen.push(...page.rows.map(({ taskId }) => taskId));
      const last = page.rows.at(-1);
      if (page.rows.length < query.limit || last === undefined) return seen;
      page = await redis.driver.page({ ...query, after: last });
    }
  }

  /** Entries without tasks, newer than any that `rows` makes. */
  async function hollow({ scope }: Pick<PageQuery, "scope">, count: number): Promise<void> {
    const members = new Map<string, (string | number)[]>();
    for (let at = 0; at < count; at += 1) {
      const taskId = `hollow-${at}`;
      const { tag, all, unowned } = redis.keys.of(taskId);
      const entry = entryOf(1_000_000 + at, taskId);
      const index = typeof scope === "string" ? redis.keys.listing(storedScope(scope)) : scope === null ? unowned : all;
      const member = typeof scope === "string" ? `${entry}\0${tag}create-${at}` : entry;
      const scored = members.get(index) ?? [];
      scored.push(0, member);
      members.set(index, scored);
    }
    await Promise.all(
      [...members].map(async ([index, scored]) => {
        for (let from = 0; from < scored.length; from += 2_000) {
          await redis.client.zadd(index, ...scored.slice(from, from + 2_000));
        }
      }),
    );
  }

  const newestFirst = (tasks: readonly TaskRecord[]): readonly string[] =>
    tasks
      .toSorted((a, b) => b.createdAt - a.createdAt || Buffer.compare(Buffer.from(b.taskId), Buffer.from(a.taskId)))
      .map(({ taskId }) => taskId);

  describe.each(QUERIES)("%s tasks", (_what, query) => {
    it("is complete and in order, whatever the pages' size", async () => {
      // Many share an instant, and their ids lie in all shards.
      const tasks = rows(600, query, (at) => ({ createdAt: Math.floor(at / 50) }));
      await redis.plant(...tasks);
      const expected = newestFirst(tasks);
      for (const limit of [7, 64, 1_000]) expect(await walk({ ...query, limit })).toEqual(expected);
    });

    it("goes by the bytes of ids made in one instant", async () => {
      const ids = ["Z", "a", "B", "é", "😀", "~", "aa", "\uffff", "a b", "A", "-a", "_a", "a-", "a_"];
      const tasks = rows(ids.length, query, (at) => ({ taskId: ids[at] ?? "", createdAt: 7 }));
      await redis.plant(...tasks);
      for (const limit of [1, 3, 50]) expect(await walk({ ...query, limit })).toEqual(newestFirst(tasks));
    });

    it("finds the few that a filter wants behind the many that it does not", async () => {
      const tasks = rows(2_500, query, (at) => ({ status: at % 1_200 === 3 ? "failed" : "working" }));
      await redis.plant(...tasks);
      const failed = newestFirst(tasks.filter(({ status }) => status === "failed"));
      expect(failed).toHaveLength(3);
      for (const limit of [1, 2, 5]) expect(await walk({ ...query, limit, status: ["failed"] })).toEqual(failed);
    });

    it("passes over what has expired and was not purged yet", async () => {
      const tasks = rows(100, query, (at) => (at % 3 === 0 ? {} : { expiresAt: 5 }));
      await redis.plant(...tasks);
      const visible = newestFirst(tasks.filter(({ expiresAt }) => expiresAt === null));
      for (const limit of [1, 10, 100]) expect(await walk({ ...query, limit })).toEqual(visible);
      // Maintenance knows what belongs to them.
      expect(await redis.stored(tasks[1]?.taskId ?? "")).toBeDefined();
    });
  });

  it.each(QUERIES)("stops short behind so many entries of %s that show nothing", async (_, query) => {
    const [task] = rows(1, query, () => ({}));
    if (task === undefined) throw new Error("one was made");
    await redis.plant(task);
    await hollow(query, mostEntries + 1_000);
    const short = await redis.driver.page({ ...query, limit: 5 });
    expect(short).toMatchObject({ rows: [], reached: { createdAt: expect.any(Number), taskId: expect.any(String) } });
    const { reached: after } = short;
    if (after === undefined) throw new Error("it stopped short");
    const { rows: found, reached } = await redis.driver.page({ ...query, limit: 5, after });
    expect(found).toMatchObject([{ taskId: task.taskId }]);
    expect(reached).toBeUndefined();
  });

  it("shows a task that took the place of an expired one once, where it is now", async () => {
    const [old] = rows(1, { scope: "alice" }, () => ({ expiresAt: 5 }));
    if (old === undefined) throw new Error("one was made");
    await redis.plant(old);
    await redis.driver.insert(newTask({ taskId: old.taskId, scope: "bob", ttlMs: null }));
    for (const query of [{ scope: "bob" }, {}]) expect(await walk({ ...query, limit: 5 })).toEqual([old.taskId]);
    expect(await walk({ scope: "alice", limit: 5 })).toEqual([]);
  });

  it("keeps one entry for a task that is created again and again under its id", async () => {
    const first = newTask({ scope: "alice", ttlMs: null });
    await redis.driver.insert(first);
    for (let again = 0; again < 20; again += 1) {
      expect(await redis.driver.insert(newTask({ taskId: first.taskId, scope: "alice" }))).toMatchObject({
        kind: "exists",
      });
      expect(await redis.driver.insert(first)).toMatchObject({ kind: "inserted" });
    }
    const listing = redis.keys.listing(storedScope("alice"));
    await pollUntil(async () => (await redis.client.zcard(listing)) === 1, { what: "one entry" });
    expect(await walk({ scope: "alice", limit: 5 })).toEqual([first.taskId]);
  });
});

describe.skipIf(redisIsLeftOut())("an entry that comes before its task", () => {
  let redis: ScratchRedis;
  beforeAll(async () => {
    redis = await scratchRedisCluster();
  });
  beforeEach(() => redis.clear());
  afterAll(() => redis[Symbol.asyncDispose]());

  const SCOPE = storedScope("alice");
  const listed = async (): Promise<readonly string[]> =>
    (await redis.driver.page({ scope: "alice", limit: 5 })).rows.map(({ taskId }) => taskId);
  const entries = (): Promise<number> => redis.client.zcard(redis.keys.listing(SCOPE));

  /** The second half of a create: stores the task whose entry was made then. */
  async function store(task: ReturnType<typeof newTask>, us: number): Promise<ReturnType<typeof insertAnswer>> {
    const keys = redis.keys.of(task.taskId);
    const values = insertValues(task, keys, "", { us, windowUs: ENTRY_WINDOW_US });
    const names = [keys.task, keys.messages, keys.due, keys.all, keys.unowned];
    const reply: unknown = await redis.client.callBuffer(
      "EVAL",
      SCRIPTS.insert.text,
      names.length,
      ...names,
      ...values,
    );
    return insertAnswer(task.taskId, reply);
  }

  /** The first half. */
  async function plan({ taskId, createId }: ReturnType<typeof newTask>): Promise<number> {
    const { tag } = redis.keys.of(taskId);
    const { text } = SCRIPTS.planEntry;
    const [listing, owners] = redis.keys.listed(SCOPE);
    return Number(await redis.client.eval(text, 2, listing, owners, taskId, tag, createId, SCOPE));
  }

  it("is passed over and left alone by listers meanwhile, and then leads to it", async () => {
    const task = newTask({ scope: "alice" });
    const us = await plan(task);
    expect(await listed()).toEqual([]);
    expect(await entries()).toBe(1);
    const answer = await store(task, us);
    expect(answer).toMatchObject({ kind: "inserted", nowUs: us, row: { createdAt: toMs(us), revision: us } });
    expect(await listed()).toEqual([task.taskId]);
  });

  it("is too old for it after a while: nothing is stored then", async () => {
    const task = newTask({ scope: "alice" });
    const us = (await plan(task)) - ENTRY_WINDOW_US - 1;
    expect(await store(task, us)).toMatchObject({ kind: "late" });
    expect(await redis.stored(task.taskId)).toBeUndefined();
    expect((await redis.allKeys()).toSorted()).toEqual([...redis.keys.listed(SCOPE)].slice(0, 2).toSorted());
  });

  it("is removed by the next listing once no task can come for it any more", async () => {
    const task = newTask({ scope: "alice" });
    const listing = redis.keys.listing(SCOPE);
    const { nowUs } = await redis.driver.read([]);
    const { tag } = redis.keys.of(task.taskId);
    const member = (us: number): string => `${entryOf(toMs(us), task.taskId)}\0${tag}${task.createId}`;
    // Younger than twice the window by a minute, and older by a second.
    await redis.client.zadd(listing, 0, member(nowUs - 2 * ENTRY_WINDOW_US + 60_000_000));
    await redis.client.zadd(listing, 0, member(nowUs - 2 * ENTRY_WINDOW_US - 1_000_000));
    expect(await listed()).toEqual([]);
    await pollUntil(async () => (await entries()) === 1, { what: "the old one to go" });
    expect(await redis.client.zscore(listing, member(nowUs - 2 * ENTRY_WINDOW_US + 60_000_000))).toBe("0");
  });

  it("of another attempt at the same id in the same instant shows nothing twice", async () => {
    const [mine, theirs] = [newTask({ scope: "alice" }), newTask({ scope: "alice" })];
    const rival = { ...theirs, taskId: mine.taskId };
    const us = await plan(mine);
    const { tag } = redis.keys.of(mine.taskId);
    await redis.client.zadd(redis.keys.listing(SCOPE), 0, `${entryOf(toMs(us), mine.taskId)}\0${tag}${rival.createId}`);
    expect(await store(mine, us)).toMatchObject({ kind: "inserted" });
    expect(await store(rival, us)).toMatchObject({ kind: "exists", row: { createId: mine.createId } });
    expect(await listed()).toEqual([mine.taskId]);
  });

  it("is answered for at its own instant: a task that lived then is not replaced", async () => {
    const { nowUs } = await redis.driver.read([]);
    const old = { ...plain(), scope: "alice", expiresAt: toMs(nowUs) + 1 };
    await redis.plant(old);
    await pollUntil(async () => (await redis.driver.read([old.taskId])).rows.length === 0, {
      what: "its expiry",
      everyMs: 2,
    });
    const again = { ...newTask({ scope: "alice" }), taskId: old.taskId };
    expect(await store(again, nowUs)).toMatchObject({ kind: "exists", nowUs, row: { createId: old.createId } });
    const { nowUs: laterUs } = await redis.driver.read([]);
    expect(await store(again, laterUs)).toMatchObject({ kind: "inserted", nowUs: laterUs });
  });
});

describe.skipIf(redisIsLeftOut())("a listing in a cluster that its owner never asks for", () => {
  let redis: ScratchRedis;
  beforeAll(async () => {
    redis = await scratchRedisCluster();
  });
  beforeEach(() => redis.clear());
  afterAll(() => redis[Symbol.asyncDispose]());

  const SCOPE = storedScope("alice");
  const hollow = (at: number): string => {
    const taskId = `hollow-${at}`;
    return `${entryOf(at, taskId)}\0${redis.keys.of(taskId).tag}create-${at}`;
  };

  /** As processes leave it that die between a task and its entry. @param since when it is to be looked through, epoch ms */
  async function left(count: number, since = 5): Promise<void> {
    const [listing, owners] = redis.keys.listed(SCOPE);
    const scored = Array.from({ length: count }, (_, at) => [0, hollow(at)]).flat();
    await redis.client.zadd(listing, ...scored);
    await redis.client.zadd(owners, since, SCOPE);
  }
  const entries = (): Promise<number> => redis.client.zcard(redis.keys.listing(SCOPE));

  it("is looked through by maintenance, which removes what leads nowhere, and nothing else", async () => {
    const alive = newTask({ scope: "alice" });
    await redis.driver.insert(alive);
    const expired = { ...plain(), scope: "alice", expiresAt: 5, dueAt: null };
    const reborn = { ...plain(), scope: "bob" };
    await redis.plant(expired, reborn);
    const [listing] = redis.keys.listed(SCOPE);
    const { tag } = redis.keys.of(reborn.taskId);
    await redis.client.zadd(listing, 0, `${entryOf(reborn.createdAt, reborn.taskId)}\0${tag}another`);
    await left(20);
    expect(await entries()).toBe(23);
    await redis.driver.due(10, 10);
    expect(await entries()).toBe(2);
    const { rows: shown } = await redis.driver.page({ scope: "alice", limit: 5 });
    expect(shown).toMatchObject([{ taskId: alive.taskId }]);
    expect(await redis.stored(expired.taskId)).toBeDefined();
  });

  it("leaves nothing behind, not even that it was there", async () => {
    await left(20);
    await redis.driver.due(10, 10);
    expect(await redis.allKeys()).toEqual([]);
  });

  it("is looked through piece by piece, however long it is", async () => {
    await left(1_100);
    const counts = [];
    for (let round = 0; round < 6 && (await entries()) > 0; round += 1) {
      await redis.driver.due(10, 10);
      counts.push(await entries());
    }
    expect(counts).toEqual([850, 600, 350, 100, 0]);
    expect(await redis.allKeys()).toEqual([]);
  });

  it("waits until its time has come, which the first entry and each look through it set", async () => {
    const { nowUs } = await redis.driver.read([]);
    await left(3, toMs(nowUs) + 60_000);
    await redis.driver.due(10, 10);
    expect(await entries()).toBe(3);
    const task = newTask({ scope: "alice" });
    await redis.driver.insert(task);
    const [, owners, places] = redis.keys.listed(SCOPE);
    expect(await redis.client.zscore(owners, SCOPE)).toBe(String(toMs(nowUs) + 60_000));
    await redis.client.zadd(owners, 5, SCOPE);
    await redis.driver.due(10, 10);
    expect(await entries()).toBe(1);
    expect(Number(await redis.client.zscore(owners, SCOPE))).toBeGreaterThan(toMs(nowUs) + SWEEP_EVERY_MS - 1);
    expect(await redis.client.exists(places)).toBe(0);
  });

  it("keeps a young entry, for which a task may still come", async () => {
    const { nowUs } = await redis.driver.read([]);
    const { taskId, createId } = newTask();
    const [listing, owners] = redis.keys.listed(SCOPE);
    const { tag } = redis.keys.of(taskId);
    await redis.client.zadd(listing, 0, `${entryOf(toMs(nowUs), taskId)}\0${tag}${createId}`);
    await redis.client.zadd(owners, 5, SCOPE);
    await redis.driver.due(10, 10);
    expect(await entries()).toBe(1);
  });

  it("does not keep tasks from maintenance while its node answers nothing useful", async () => {
    const [listing, owners] = redis.keys.listed(SCOPE);
    await redis.client.set(listing, "of somebody else");
    await redis.client.zadd(owners, 5, SCOPE);
    const task = { ...plain(), scope: null, expiresAt: 5, dueAt: 5 };
    await redis.plant(task);
    expect(await redis.driver.due(10, 10)).toMatchObject({ purged: [task.taskId] });
  });
});
