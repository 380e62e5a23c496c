/** One primary of a cluster of its own falls silent, and nobody takes over: the others' tasks go on as ever. */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import type { TaskStore } from "@mcp-task-store/core";
import { pollUntil, redisIsLeftOut, type RedisCluster, startRedisCluster } from "@mcp-task-store/services";
import { createRedisDriver, createRedisTaskStore, type RedisTaskStoreOptions } from "../src/index.ts";
import { Keys } from "../src/keys.ts";

const DONE = { status: "completed", result: {} } as const;
const KEY_PREFIX = "silent:";
const HOUR_MS = 3_600_000;

describe.skipIf(redisIsLeftOut())("a cluster with a primary that falls silent", () => {
  let cluster: RedisCluster;
  const keys = new Keys(KEY_PREFIX);
  beforeAll(async () => {
    cluster = await startRedisCluster({ nodeTimeoutMs: 600_000, fast: true });
  });
  afterAll(() => cluster.stop());

  function source(): Pick<RedisTaskStoreOptions, "cluster" | "keyPrefix"> {
    const { nodes, password } = cluster;
    // Its connections stay: what is sent to it has no answer and no end.
    return { cluster: { nodes, password, socketTimeout: HOUR_MS }, keyPrefix: KEY_PREFIX };
  }

  function open(): TaskStore {
    const options = { hints: "poll", safetyPollMs: 500, callTimeoutMs: HOUR_MS, maintenance: false } as const;
    const store = createRedisTaskStore({ ...source(), ...options, onWarning: () => {} });
    onTestFinished(() => store.close({ graceMs: 0 }));
    return store;
  }

  it("wakes who waits for tasks of the others at the next safety poll, also who comes later", async () => {
    const [worker, waiter] = [open(), open()];
    const ids = await Promise.all(Array.from({ length: 30 }, async () => (await worker.createTask()).taskId));
    const homes = new Map(
      await Promise.all(ids.map(async (taskId) => [taskId, await cluster.primaryOf(keys.of(taskId).task)] as const)),
    );
    const [first = ""] = ids;
    const silent = homes.get(first) ?? 0;
    const there = ids.filter((taskId) => homes.get(taskId) === silent);
    const elsewhere = ids.filter((taskId) => homes.get(taskId) !== silent);
    expect(elsewhere.length).toBeGreaterThan(1);
    const [later = "", ...early] = elsewhere;

    const seen = new Set<string>();
    const watching = (async () => {
      for await (const task of waiter.watchTasks(ids)) seen.add(task.taskId);
    })();
    await pollUntil(() => seen.size === ids.length, { what: "the waiters to have seen their tasks" });
    const woken = new Set<string>();
    const outcome = async (taskId: string): Promise<void> => {
      await waiter.waitForOutcome(taskId);
      woken.add(taskId);
    };
    const outcomes = early.map(outcome);
    await cluster.pauseNode(silent);
    try {
      await Promise.all(early.map((taskId) => worker.finishTask(taskId, DONE)));
      await pollUntil(() => early.every((taskId) => woken.has(taskId)), { what: "the others' waiters to wake" });
      // More reads without an answer than may be under way at once.
      for (const taskId of there) {
        outcomes.push(outcome(taskId));
        await new Promise((resolve) => setImmediate(resolve));
      }
      outcomes.push(outcome(later));
      await worker.finishTask(later, DONE);
      await pollUntil(() => woken.has(later), { what: "a later waiter to wake" });
      expect(there.filter((taskId) => woken.has(taskId))).toEqual([]);
    } finally {
      await cluster.resumeNode(silent);
    }
    await Promise.all(there.map((taskId) => worker.finishTask(taskId, DONE)));
    await Promise.all(outcomes);
    await watching;
  });

  it("publishes hints by another one", async () => {
    const driver = createRedisDriver(source());
    onTestFinished(() => driver.close());
    await driver.read([]);
    await cluster.pauseNode(1);
    try {
      // By chance none of them would go to the silent one once in a hundred times.
      for (let at = 0; at < 12; at += 1) await expect(driver.hints?.publish(["a"])).resolves.toBeUndefined();
    } finally {
      await cluster.resumeNode(1);
    }
  });
});
