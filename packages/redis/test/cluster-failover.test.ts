/** A cluster of its own loses a primary, and moves slots, while stores work on it. */
import { Cluster } from "ioredis";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { isTaskStoreError, type Task, type TaskStore } from "@mcp-task-store/core";
import { pollUntil, redisIsLeftOut, type RedisCluster, startRedisCluster } from "@mcp-task-store/services";
import { createRedisDriver, createRedisTaskStore, type RedisTaskStoreOptions } from "../src/index.ts";
import { Keys } from "../src/keys.ts";
import { beginMove, type Move } from "./slot-move.ts";

const DONE = { status: "completed", result: {} } as const;
const TASKS = 30;
const KEY_PREFIX = "failover:";
/** Once a failover is wanted; until then a busy machine's lost-looking primary must not make one. */
const HASTY_MS = 2_000;

describe.skipIf(redisIsLeftOut())("a cluster", () => {
  let cluster: RedisCluster;
  let client: Cluster;
  const keys = new Keys(KEY_PREFIX);
  const unhandled: unknown[] = [];
  const onUnhandled = (reason: unknown): void => void unhandled.push(reason);
  beforeAll(async () => {
    process.on("unhandledRejection", onUnhandled);
    cluster = await startRedisCluster();
    client = new Cluster([...cluster.nodes], { redisOptions: { password: cluster.password } });
    client.on("error", () => {});
  });
  afterAll(async () => {
    client.disconnect();
    await cluster.stop();
    process.off("unhandledRejection", onUnhandled);
  });

  function open(options: Partial<RedisTaskStoreOptions> = {}): TaskStore {
    const { nodes, password } = cluster;
    const store = createRedisTaskStore({
      cluster: { nodes, password, socketTimeout: 500 },
      keyPrefix: KEY_PREFIX,
      safetyPollMs: 500,
      callTimeoutMs: 60_000,
      onWarning: () => {},
      ...options,
    });
    onTestFinished(() => store.close());
    return store;
  }

  /** A client that knows the primaries as they are now. */
  async function freshClient(): Promise<Cluster> {
    const fresh = new Cluster([...cluster.nodes], { redisOptions: { password: cluster.password } });
    fresh.on("error", () => {});
    onTestFinished(() => fresh.disconnect());
    await fresh.ping();
    return fresh;
  }

  /** Each primary has a replica, and on it everything that was written so far. */
  async function replicated(): Promise<void> {
    const fresh = await freshClient();
    for (const primary of fresh.nodes("master")) {
      const [, offset = "0"] = /master_repl_offset:(\d+)/.exec(await primary.info("replication")) ?? [];
      const caughtUp = async (): Promise<boolean> =>
        [...(await primary.info("replication")).matchAll(/^slave\d+:.*state=online,offset=(\d+)/gm)].some(
          ([, replica]) => Number(replica) >= Number(offset),
        );
      await pollUntil(caughtUp, { what: "the replicas", deadlineMs: 60_000 });
    }
  }

  /** Until it takes effect; the task is there all the while. */
  async function untilDone(call: () => Promise<Task>): Promise<Task> {
    for (;;) {
      try {
        return await call();
      } catch (error) {
        if (isTaskStoreError(error, "TASK_TERMINAL") && error.task !== undefined) return error.task;
        if (!isTaskStoreError(error, "STORE_UNAVAILABLE") && !isTaskStoreError(error, "WRITE_OUTCOME_UNKNOWN"))
          throw error;
      }
    }
  }

  it.each([
    ["is killed", (index: number) => cluster.killNode(index), (index: number) => cluster.restartNode(index)],
    ["falls silent", (index: number) => cluster.pauseNode(index), (index: number) => cluster.resumeNode(index)],
  ])("goes on with the replica of a primary that %s, and who waits wakes", async (_, lose, mend) => {
    const [worker, waiter] = [open(), open()];
    await worker.setup();
    const scoped = worker.scoped("alice");
    const tasks = await Promise.all(Array.from({ length: TASKS }, () => scoped.createTask()));
    const ids = tasks.map(({ taskId }) => taskId);
    const seen = new Set<string>();
    const watching = (async () => {
      for await (const task of waiter.watchTasks(ids)) seen.add(task.taskId);
    })();
    const outcomes = Promise.all(ids.map((taskId) => waiter.waitForOutcome(taskId)));
    await pollUntil(() => seen.size === TASKS, { what: "the waiters to have seen their tasks" });
    await replicated();

    const [first = ""] = ids;
    const index = await cluster.primaryOf(keys.of(first).task);
    await lose(index);
    const hasty = open({ callTimeoutMs: 300 });
    const refused: unknown = await hasty.updateTask(first, { statusMessage: "now" }).catch((error: unknown) => error);
    expect(isTaskStoreError(refused, "STORE_UNAVAILABLE") || isTaskStoreError(refused, "WRITE_OUTCOME_UNKNOWN")).toBe(
      true,
    );
    await cluster.setNodeTimeout(HASTY_MS);
    const ended = await Promise.all(ids.map((taskId) => untilDone(() => worker.finishTask(taskId, DONE))));
    expect(ended.map(({ status }) => status)).toEqual(ids.map(() => "completed"));
    expect(await outcomes).toEqual(ids.map(() => DONE));
    await watching;
    await mend(index);
    await cluster.untilOk();
    await cluster.setNodeTimeout();

    const listed: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await worker.scoped("alice").listTasks({ limit: 7, ...(cursor && { cursor }) });
      listed.push(...page.tasks.map(({ taskId }) => taskId));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    expect(ids.filter((taskId) => !listed.includes(taskId))).toEqual([]);
    await Promise.all(ids.map((taskId) => worker.deleteTask(taskId)));
    expect(unhandled).toEqual([]);
  });

  it("comes back to stores that saw all its nodes go, with every task, and who waits wakes", async () => {
    const [worker, waiter] = [open(), open()];
    await worker.setup();
    const tasks = await Promise.all(Array.from({ length: TASKS }, () => worker.createTask()));
    const ids = tasks.map(({ taskId }) => taskId);
    const seen = new Set<string>();
    const watching = (async () => {
      for await (const task of waiter.watchTasks(ids)) seen.add(task.taskId);
    })();
    await pollUntil(() => seen.size === TASKS, { what: "the waiters to have seen their tasks" });
    await replicated();
    await Promise.all(cluster.nodes.map((_, index) => cluster.killNode(index)));
    await expect(open({ callTimeoutMs: 300 }).getTask(ids[0] ?? "")).rejects.toMatchObject({
      code: "STORE_UNAVAILABLE",
      retryable: true,
    });
    const finishing = Promise.all(ids.map((taskId) => untilDone(() => worker.finishTask(taskId, DONE))));
    await Promise.all(cluster.nodes.map((_, index) => cluster.restartNode(index)));
    await cluster.untilOk();
    expect((await finishing).map(({ status }) => status)).toEqual(ids.map(() => "completed"));
    await watching;
    expect(unhandled).toEqual([]);
  });

  it("moves a slot to another node while its tasks are written to, and no write is lost or done twice", async () => {
    const store = open();
    await store.setup();
    // Of one shard, since that is what moves.
    const tasks: Task[] = [];
    const { tag } = keys.of("the shard");
    while (tasks.length < 10) {
      const taskId = `moving-${Math.random()}`;
      if (keys.of(taskId).tag === tag) tasks.push(await store.createTask({ taskId }));
    }
    const slot = await client.cluster("KEYSLOT", keys.shard(tag).due);
    const over = new AbortController();
    const counts = new Map<string, number>();
    const write = async (taskId: string): Promise<void> => {
      while (!over.signal.aborted) {
        const lease = await store.acquireLease(taskId, { holder: "w" });
        if (lease === undefined) throw new Error("nobody else holds it");
        await store.messages.push(taskId, note(counts.get(taskId) ?? 0), { messageId: `m${counts.get(taskId) ?? 0}` });
        await store.releaseLease(taskId, lease.token);
        counts.set(taskId, (counts.get(taskId) ?? 0) + 1);
      }
    };
    const writing = Promise.all(tasks.map(({ taskId }) => write(taskId)));
    const busy = (least: number): Promise<unknown> =>
      pollUntil(() => counts.size === tasks.length && Math.min(...counts.values()) >= least, {
        what: "writes",
        deadlineMs: 60_000,
      });
    await busy(3);
    await move(slot);
    const atMove = Math.max(...counts.values());
    await busy(atMove + 3);
    over.abort();
    await writing;

    for (const { taskId } of tasks) {
      const count = counts.get(taskId) ?? 0;
      expect(await store.getTask(taskId)).toMatchObject({ status: "working", attempts: 0 });
      const messages = await store.messages.drain(taskId);
      expect(messages.map(({ timestamp }) => timestamp)).toEqual(Array.from({ length: count }, (_, at) => at));
    }
    expect(unhandled).toEqual([]);
  });

  it("renews leases of a slot whose move is held open, and creates and ends its tasks after it", async () => {
    const store = open();
    const { tag } = keys.of("held");
    const [late = "", ...ids] = idsOf("held", 5);
    for (const taskId of ids) await store.createTask({ taskId });
    const leases = await Promise.all(ids.map((taskId) => store.acquireLease(taskId, { holder: "w", leaseMs: 60_000 })));
    const slot = await client.cluster("KEYSLOT", keys.shard(tag).due);
    const move = await begin(slot, keys.shard(tag).due);
    // Two of them here, two there.
    await move.step(ids.slice(0, 2).map((taskId) => keys.of(taskId).task));
    await Promise.all(
      ids.map(async (taskId, at) => {
        const renewed = await store.renewLease(taskId, leases[at]?.token ?? 0, { leaseMs: 90_000, timeoutMs: 10_000 });
        expect(Date.parse(renewed.expiresAt)).toBeGreaterThan(Date.parse(leases[at]?.expiresAt ?? ""));
        await store.updateTask(
          taskId,
          { statusMessage: "still" },
          { lease: leases[at]?.token ?? 0, timeoutMs: 10_000 },
        );
      }),
    );
    const creating = store.createTask({ taskId: late });
    const finishing = ids.map((taskId, at) => store.finishTask(taskId, DONE, { lease: leases[at]?.token ?? 0 }));
    await move.end();
    expect((await creating).status).toBe("working");
    expect((await Promise.all(finishing)).map(({ status }) => status)).toEqual(ids.map(() => "completed"));
    expect(unhandled).toEqual([]);
  });

  it("shows tasks of a slot that is half moved, and wakes who waits for them", async () => {
    const store = open({ hints: "poll", safetyPollMs: 100 });
    const [here = "", there = ""] = idsOf("halves", 2);
    const { tag } = keys.of(here);
    for (const taskId of [here, there]) await store.createTask({ taskId, principal: "halves" });
    const slot = await client.cluster("KEYSLOT", keys.shard(tag).due);
    const moving = await begin(slot, keys.shard(tag).due);
    await moving.step([keys.of(there).task]);
    const outcomes = Promise.all([here, there].map((taskId) => store.waitForOutcome(taskId)));
    const { tasks } = await store.scoped("halves").listTasks();
    expect(tasks.map(({ taskId }) => taskId).toSorted()).toEqual([here, there].toSorted());
    const endings = [here, there].map((taskId) => store.finishTask(taskId, DONE));
    await moving.end();
    await Promise.all(endings);
    expect(await outcomes).toEqual([DONE, DONE]);
    expect(unhandled).toEqual([]);
  });

  it.each([
    ["the store's own client", false],
    ["a client of the user's", true],
  ])("outlives a node that is lost while a command is redirected to it: %s", async (_, isUsers) => {
    const [taskId = ""] = idsOf(`lost-${isUsers}`, 1);
    const users = new Cluster([...cluster.nodes], {
      redisOptions: { password: cluster.password, socketTimeout: 60_000 },
      retryDelayOnFailover: 0,
      clusterNodeRetryStrategy: null,
      lazyConnect: true,
    });
    users.on("error", () => {});
    onTestFinished(() => users.disconnect());
    const { nodes, password } = cluster;
    const source = isUsers ? { client: users } : { cluster: { nodes, password, socketTimeout: 60_000 } };
    const driver = createRedisDriver({ ...source, keyPrefix: KEY_PREFIX, hints: "poll", onWarning: () => {} });
    onTestFinished(() => driver.close());
    await driver.read([taskId]);
    const moving = await begin(await client.cluster("KEYSLOT", keys.of(taskId).task), keys.of(taskId).task);
    await cluster.pauseNode(moving.to);
    const before = await moving.redirections();
    const reading = driver.read([taskId], { signal: AbortSignal.timeout(60_000) }).catch((error: unknown) => error);
    await pollUntil(async () => (await moving.redirections()) > before, { what: "the redirection" });
    // Answered on the same connection, behind the redirection.
    await driver.read([await idOn(moving.from)]);
    await cluster.killNode(moving.to);
    await reading;
    await cluster.restartNode(moving.to);
    await cluster.untilOk();
    await moving.abandon();
    expect(unhandled).toEqual([]);
  });

  /** Ids of one shard. */
  function idsOf(name: string, count: number): readonly string[] {
    const { tag } = keys.of(name);
    const ids: string[] = [];
    while (ids.length < count) {
      const taskId = `${name}-${Math.random()}`;
      if (keys.of(taskId).tag === tag) ids.push(taskId);
    }
    return ids;
  }

  /** An id whose task would be on that node. */
  async function idOn(index: number): Promise<string> {
    for (;;) {
      const taskId = `there-${Math.random()}`;
      if ((await cluster.primaryOf(keys.of(taskId).task)) === index) return taskId;
    }
  }

  const note = (timestamp: number): Parameters<TaskStore["messages"]["push"]>[1] => ({
    type: "notification",
    message: { method: "note" },
    timestamp,
  });

  async function begin(slot: number, key: string): Promise<Move> {
    return await beginMove(cluster, freshClient, { slot, key });
  }

  /** As redis-cli --cluster reshard does it: key by key, the slot half here and half there meanwhile. */
  async function move(slot: number): Promise<void> {
    const moving = await begin(slot, keys.of("the shard").task);
    await moving.end();
  }
});
