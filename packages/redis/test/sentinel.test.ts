/** A primary is lost, or falls silent, and the sentinels make its replica the primary. */
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { isTaskStoreError, type TaskStore } from "@mcp-task-store/core";
import { pollUntil, redisIsLeftOut, type RedisSentinel, startRedisSentinel } from "@mcp-task-store/services";
import { createRedisTaskStore, type RedisTaskStoreOptions } from "../src/index.ts";

const DONE = { status: "completed", result: {} } as const;
const TASKS = 20;
/** Once a failover is wanted; until then a busy machine's lost-looking primary must not make one. */
const HASTY_MS = 1_000;

describe.skipIf(redisIsLeftOut())("sentinels", () => {
  let group: RedisSentinel;
  const unhandled: unknown[] = [];
  const onUnhandled = (reason: unknown): void => void unhandled.push(reason);
  beforeAll(async () => {
    process.on("unhandledRejection", onUnhandled);
    group = await startRedisSentinel({ fast: true });
  });
  afterAll(async () => {
    await group.stop();
    process.off("unhandledRejection", onUnhandled);
  });

  function open(options: Partial<RedisTaskStoreOptions> = {}): TaskStore {
    const { sentinels, name, password } = group;
    const store = createRedisTaskStore({
      config: { sentinels, name, password, socketTimeout: 500 },
      safetyPollMs: 500,
      callTimeoutMs: 60_000,
      onWarning: () => {},
      ...options,
    });
    onTestFinished(() => store.close());
    return store;
  }

  /** Everything that was written so far is on the replica too. */
  async function replicated(): Promise<void> {
    const primary = new Redis({ ...(await group.primary()), password: group.password });
    await primary.incr("mark");
    expect(await primary.wait(1, 30_000)).toBe(1);
    primary.disconnect();
  }

  it.each([
    ["is killed", (sentinel: RedisSentinel) => sentinel.killPrimary()],
    ["falls silent", (sentinel: RedisSentinel) => sentinel.pausePrimary()],
  ])("when the primary %s: work goes on at the new one, and who waits wakes", async (_, lose) => {
    const [worker, waiter] = [open(), open()];
    await worker.setup();
    const tasks = await Promise.all(Array.from({ length: TASKS }, () => worker.createTask()));
    const ids = tasks.map(({ taskId }) => taskId);
    const seen = new Set<string>();
    const watching = (async () => {
      for await (const task of waiter.watchTasks(ids)) seen.add(task.taskId);
    })();
    const outcomes = Promise.all(ids.map((taskId) => waiter.waitForOutcome(taskId)));
    await pollUntil(() => seen.size === TASKS, { what: "the waiters to have seen their tasks" });
    await replicated();

    const lost = await lose(group);
    const hasty = open({ callTimeoutMs: 300 });
    const refused: unknown = await hasty
      .updateTask(ids[0] ?? "", { statusMessage: "now" })
      .catch((error: unknown) => error);
    expect(isTaskStoreError(refused, "STORE_UNAVAILABLE") || isTaskStoreError(refused, "WRITE_OUTCOME_UNKNOWN")).toBe(
      true,
    );
    await group.setDownAfter(HASTY_MS);
    await Promise.all(ids.map((taskId) => worker.finishTask(taskId, DONE)));
    expect(await outcomes).toEqual(ids.map(() => DONE));
    await watching;

    const now = await group.untilFailedOver(lost);
    expect(now.port).not.toBe(lost.port);
    await group.reviveAll();
    // The old primary is a replica now; what the store writes is at the new one.
    const { taskId } = await worker.createTask();
    expect(await open().getTask(taskId)).toMatchObject({ taskId });
    expect(unhandled).toEqual([]);
    await replicatedAgain();
    await group.setDownAfter();
  });

  /** The group is whole again: the next test may lose its primary. */
  async function replicatedAgain(): Promise<void> {
    await pollUntil(
      async () => {
        const primary = new Redis({ ...(await group.primary()), password: group.password });
        primary.on("error", () => {});
        try {
          return (await primary.info("replication")).includes("state=online");
        } finally {
          primary.disconnect();
        }
      },
      { what: "the replica to be back", deadlineMs: 60_000, everyMs: 200 },
    );
  }
});
