/** Ids, owners and texts made of what Redis and Lua read as syntax: exact round trips under exact keys, or typed errors. */
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTaskStore, type TaskStore } from "@mcp-task-store/core";
import { pollUntil, redisIsLeftOut } from "@mcp-task-store/services";
import { newTask, pushTo, takeFrom, writeTo } from "../../../conformance/src/driver-model/sample-tasks.ts";
import { storedScope, tagOf } from "../src/keys.ts";
import { scratchRedisCluster } from "./scratch-cluster.ts";
import { type ScratchRedis, scratchRedis } from "./scratch-redis.ts";

const HOSTILE = [
  "{",
  "}",
  "{}",
  "{00}:t:victim",
  "}{ff}",
  "*",
  "?",
  "[a-z]",
  "\\",
  "a b",
  "a\nb",
  "a\r\nb",
  "*3\r\n$3\r\nDEL\r\n",
  "$-1",
  "'",
  '"',
  "%z",
  "%s%d",
  "^(.-)$",
  "]] return redis.call('FLUSHALL') --[[",
  "' .. redis.call('FLUSHALL') .. '",
  "nil",
  "false",
  "-1",
  "1e400",
  "__proto__",
  "constructor",
  "é",
  "e\u0301",
  "😀",
  "\uffff",
  "\u0001",
  "\u007f",
  " ",
  "=",
  "-",
  "a".repeat(255),
] as const;

describe.skipIf(redisIsLeftOut()).each([
  ["a single server", scratchRedis],
  ["a cluster", scratchRedisCluster],
] as const)("hostile values on %s", (_where, open) => {
  let redis: ScratchRedis;
  beforeAll(async () => {
    redis = await open();
  });
  afterAll(() => redis[Symbol.asyncDispose]());

  it("are ids of their own tasks, with keys of their own in one slot", async () => {
    await redis.clear();
    const payload = (text: string): string => JSON.stringify({ [text]: text });
    for (const taskId of HOSTILE) {
      const task = newTask({
        taskId,
        scope: taskId,
        metadata: payload(taskId),
        request: payload(taskId),
        statusMessage: taskId,
      });
      expect(await redis.driver.insert(task), taskId).toMatchObject({ kind: "inserted" });
      const set = { outcome: payload(taskId), inputs: payload(taskId), statusMessage: `${taskId}!` } as const;
      const alternatives = [{ when: {}, then: { set, lease: { take: taskId, forMs: 5_000, graceMs: 5 } } }] as const;
      const write = writeTo(taskId, { scope: taskId, writeId: `w${taskId}`, alternatives });
      expect(await redis.driver.write(write), taskId).toMatchObject({ kind: "written" });
      // Known again by its id, and no other's.
      expect(await redis.driver.write(write), taskId).toMatchObject({
        kind: "written",
        row: { ring: [{ writeId: `w${taskId}` }] },
      });
      const message = { messageId: taskId, text: payload(taskId) };
      expect(await redis.driver.messages?.push(pushTo(taskId, { message })), taskId).toMatchObject({ kind: "pushed" });
      expect(await redis.driver.messages?.take(takeFrom(taskId, { receipt: taskId })), taskId).toMatchObject({
        messages: [message],
      });
    }
    const { rows } = await redis.driver.read(HOSTILE, { request: true, outcome: true });
    expect(rows.toSorted(byId)).toMatchObject(
      HOSTILE.toSorted((a, b) => (a < b ? -1 : 1)).map((taskId) => ({
        taskId,
        scope: taskId,
        statusMessage: `${taskId}!`,
        metadata: payload(taskId),
        request: payload(taskId),
        inputs: payload(taskId),
        inputsId: `w${taskId}`,
        outcome: payload(taskId),
        lease: { holder: taskId },
      })),
    );
    for (const taskId of HOSTILE) {
      const page = await redis.driver.page({ scope: taskId, limit: 5 });
      expect(
        page.rows.map((row) => row.taskId),
        taskId,
      ).toEqual([taskId]);
    }
    const { rows: all } = await redis.driver.page({ limit: 100 });
    expect(all).toHaveLength(HOSTILE.length);

    const expected = HOSTILE.flatMap((id) => {
      const { task, messages, due, all: index } = redis.keys.of(id);
      const [listing, owners] = redis.keys.listed(storedScope(id));
      return [task, messages, due, index, listing, ...(redis.client instanceof Redis ? [] : [owners])];
    });
    expect(new Set(await redis.allKeys())).toEqual(new Set(expected));
    // Only servers of a cluster know of slots.
    if (redis.client instanceof Redis) return;
    for (const id of HOSTILE) {
      const { task, messages, due, all: index, unowned } = redis.keys.of(id);
      const names = [`{${tagOf(id)}}`, task, messages, due, index, unowned];
      const slots = await Promise.all(names.map((key) => redis.client.cluster("KEYSLOT", key)));
      expect(new Set(slots).size, id).toBe(1);
    }
  });

  it("are purged by their ids", async () => {
    await redis.clear();
    for (const taskId of HOSTILE) await redis.driver.insert(newTask({ taskId, scope: taskId, ttlMs: 1 }));
    const purged: string[] = [];
    await pollUntil(
      async () => {
        purged.push(...(await redis.driver.due(100, 10)).purged);
        return purged.length === HOSTILE.length;
      },
      { what: "all to be purged" },
    );
    expect(purged.toSorted()).toEqual([...HOSTILE].toSorted());
    await pollUntil(async () => (await redis.allKeys()).length === 0, { what: "nothing to be left" });
  });

  it.each([
    ["an unpaired surrogate", "a\ud800"],
    ["another", "\udc00a"],
    ["a NUL", "a\u0000b"],
  ])("are refused where two would become one: %s", async (_, text) => {
    const refused = { code: "INVALID_ARGUMENT" };
    await expect(redis.driver.insert(newTask({ taskId: text }))).rejects.toMatchObject({
      ...refused,
      argument: "taskId",
    });
    await expect(redis.driver.insert(newTask({ scope: text }))).rejects.toMatchObject({
      ...refused,
      argument: "scope",
    });
    await expect(redis.driver.write(writeTo(text, {}))).rejects.toMatchObject(refused);
    await expect(redis.driver.page({ scope: text, limit: 1 })).rejects.toMatchObject(refused);
  });
});

describe.skipIf(redisIsLeftOut())("huge values", () => {
  let redis: ScratchRedis;
  let store: TaskStore;
  beforeAll(async () => {
    redis = await scratchRedis();
    store = createTaskStore(redis.another(), {
      maintenance: false,
      maxPayloadBytes: 16 * 1024 * 1024,
      callTimeoutMs: 60_000,
    });
  });
  afterAll(async () => {
    await store.close();
    await redis[Symbol.asyncDispose]();
  });

  it("come back as they were, up to what the driver says that it takes", async () => {
    const text = 'é€😀\\"\n'.repeat(800_000);
    const { taskId } = await store.createTask({ metadata: { text: text.slice(0, 4_000_000) } });
    await store.finishTask(taskId, { status: "completed", result: { text: text.slice(0, 4_000_000) } });
    const task = await store.getTask(taskId, { outcome: true });
    expect(task?.metadata?.["text"] === text.slice(0, 4_000_000)).toBe(true);
    expect(task?.outcome?.status === "completed" && task.outcome.result["text"] === text.slice(0, 4_000_000)).toBe(
      true,
    );
  });

  it("of 512 MB are refused before anything is sent, and the connection stays", async () => {
    const huge = "x".repeat(512 * 1024 * 1024 - 64);
    await expect(store.createTask({ metadata: { huge } })).rejects.toMatchObject({ code: "PAYLOAD_TOO_LARGE" });
    await expect(store.getTask(huge)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(() => store.scoped(huge)).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
    const inserted = redis.driver.insert(newTask({ metadata: huge }));
    await expect(inserted).rejects.toMatchObject({ code: "PAYLOAD_TOO_LARGE" });
    expect(await redis.driver.read([])).toMatchObject({ rows: [] });
  });
});

function byId(a: { readonly taskId: string }, b: { readonly taskId: string }): number {
  return a.taskId < b.taskId ? -1 : 1;
}
