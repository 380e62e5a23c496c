/** What calls cost on a cluster. Each node is counted for itself: what goes to several at once is no slower than one. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TaskStore } from "@mcp-task-store/core";
import { type FreshRedisCluster, freshTestRedisCluster, redisIsLeftOut } from "@mcp-task-store/services";
import { type Call, ONE, scene, TWO } from "../../../conformance/test/adapter-tests/call-costs.ts";
import { createRedisTaskStore } from "../src/index.ts";
import { type TurnCounter, turnCounter } from "./turn-counter.ts";

const PRIMARIES = 3;
/** They create for a principal, or list. */
const OTHERS: ReadonlySet<string> = new Set([
  "create for a principal",
  "create the same again",
  "list a page",
  "list by status",
]);

describe.skipIf(redisIsLeftOut())("round trips on a cluster", () => {
  let fresh: FreshRedisCluster;
  let counter: TurnCounter;
  let store: TaskStore;
  beforeAll(async () => {
    fresh = await freshTestRedisCluster();
    counter = await turnCounter(fresh.nodes);
    store = open(fresh.keyPrefix);
    await store.setup();
  });
  afterAll(async () => {
    await store.close();
    await counter[Symbol.asyncDispose]();
    await fresh[Symbol.asyncDispose]();
  });

  function open(keyPrefix: string): TaskStore {
    return createRedisTaskStore({
      cluster: { nodes: counter.nodes, natMap: counter.natMap, password: fresh.password },
      keyPrefix,
      maintenance: false,
      hints: "poll",
      onWarning: () => {},
    });
  }

  /** @returns those of each node that was asked */
  async function cost(call: Call): Promise<readonly number[]> {
    const stage = await scene(store);
    return await counter.during(() => call(stage).catch(() => {}));
  }

  const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);

  it.each(ONE.filter(([what]) => !OTHERS.has(what)))("one: %s", async (_, call) => {
    expect(await cost(call)).toEqual([1]);
  });

  it.each(TWO)("two: %s", async (_, call) => {
    expect(sum(await cost(call))).toBe(2);
  });

  it("two: create for a principal, the listing and the task", async () => {
    for (let round = 0; round < 20; round += 1) {
      expect(sum(await cost(({ store: own }) => own.scoped("alice").createTask()))).toBe(2);
    }
  });

  it("a page: one for the listing, and one for each node that has tasks of it", async () => {
    const alice = store.scoped("alice");
    await Promise.all(Array.from({ length: 60 }, () => alice.createTask()));
    const counts = await cost(() => alice.listTasks({ limit: 50 }));
    expect(counts.length).toBeLessThanOrEqual(PRIMARIES);
    expect(sum(counts)).toBeGreaterThan(1);
    expect(sum(counts)).toBeLessThanOrEqual(1 + PRIMARIES);
  });

  it("a page of everybody's tasks: two for each node, the indexes and the tasks", async () => {
    const counts = await cost(({ store: own }) => own.listTasks({ limit: 50 }));
    expect(counts).toHaveLength(PRIMARIES);
    expect(Math.max(...counts)).toBe(2);
  });

  it("a round of maintenance: one for each node, and one more where something is due", async () => {
    // Of keys of its own: those of the other tests fall due at any time.
    const quiet = open(`${fresh.keyPrefix}quiet:`);
    try {
      await quiet.maintain();
      expect(await counter.during(() => quiet.maintain())).toEqual([1, 1, 1]);
    } finally {
      await quiet.close();
    }
  });

  it("many waiters: one for each node", async () => {
    const tasks = await Promise.all(Array.from({ length: 100 }, () => store.createTask()));
    const waits = tasks.map(({ taskId, revision }) => store.waitForUpdate(taskId, { since: revision, timeoutMs: 1 }));
    const counts = await counter.during(() => Promise.all(waits));
    expect(counts).toEqual([1, 1, 1]);
  });
});
