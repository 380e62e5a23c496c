/** A server that cannot do what it is asked, or not now: typed errors, nothing half-done, and it goes on afterwards. */
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { createTaskStore, TaskStoreError } from "@mcp-task-store/core";
import { pollUntil, redisIsLeftOut, type RedisService, startRedis } from "@mcp-task-store/services";
import {
  newId,
  newTask,
  plain,
  pushTo,
  takeFrom,
  writeTo,
} from "../../../conformance/src/driver-model/sample-tasks.ts";
import { createRedisTaskStore } from "../src/index.ts";
import { type ScratchRedis, scratchRedis } from "./scratch-redis.ts";
import { tcpProxy } from "../../../conformance/src/wire/tcp-proxy.ts";

const HOUR_MS = 3_600_000;
const DONE = { status: "completed", result: { answer: 42 } } as const;
const KEY_PREFIX = "troubled:";
/** 400 µs for each key, 12 s for all, until it is told to hurry; it looks at its clients after every 1,024 keys. */
const SLOW_TO_LOAD = { "key-load-delay": "400" };
const hurry = (loading: Redis): Promise<unknown> => loading.config("SET", "key-load-delay", "0");
const FILL = "for n = 1, 30000 do redis.call('SET', 'filler:' .. n, 'x') end";
const unavailable = (code: string): object => ({
  code: "STORE_UNAVAILABLE",
  retryable: true,
  cause: expect.objectContaining({ code }),
});

describe.skipIf(redisIsLeftOut())("a server in trouble", () => {
  let service: RedisService;
  let redis: ScratchRedis;
  let control: Redis;
  beforeAll(async () => {
    service = await startRedis({ fast: true, notFrom: ["env"] });
    redis = await scratchRedis({ url: service.url, keyPrefix: KEY_PREFIX });
    control = new Redis(service.url);
    control.on("error", () => {});
  });
  beforeEach(() => redis.driver.setup());
  afterAll(async () => {
    control.disconnect();
    await redis[Symbol.asyncDispose]();
    await service.stop();
  });

  async function configured(name: string, value: string): Promise<() => Promise<unknown>> {
    const [, before = ""] = await control.config("GET", name);
    await control.config("SET", name, value);
    const undo = (): Promise<unknown> => control.config("SET", name, before);
    onTestFinished(async () => void (await undo()));
    return undo;
  }

  /** A task with a message, and calls that write to it. */
  async function scene(): Promise<{ taskId: string; writes: Readonly<Record<string, () => Promise<unknown>>> }> {
    const task = newTask({ scope: "alice" });
    await redis.driver.insert(task);
    const { taskId } = task;
    await redis.driver.messages?.push(pushTo(taskId));
    const alternatives = [{ when: {}, then: { set: { statusMessage: "half" }, claimInMs: 5 } }] as const;
    return {
      taskId,
      writes: {
        insert: () => redis.driver.insert(newTask({ scope: "alice" })),
        write: () => redis.driver.write(writeTo(taskId, { alternatives })),
        push: async () => redis.driver.messages?.push(pushTo(taskId)),
        take: async () => redis.driver.messages?.take(takeFrom(taskId)),
      },
    };
  }

  /** Everything that is stored. */
  async function contents(): Promise<unknown> {
    const keys = (await redis.allKeys()).toSorted();
    return await Promise.all(keys.map(async (key) => [key, await valueOf(key)]));
  }

  async function valueOf(key: string): Promise<unknown> {
    // The fields of a large hash move within it when Redis finds time to make its table larger.
    if ((await control.type(key)) === "hash") return await control.hgetallBuffer(key);
    return (await control.dumpBuffer(key))?.toString("hex");
  }

  describe.each([
    ["its memory is full", "OOM", async () => configured("maxmemory", "1")],
    ["it cannot write to its disk", "MISCONF", breakSnapshots],
    ["too few replicas are connected", "NOREPLICAS", async () => configured("min-replicas-to-write", "1")],
    ["it has become a replica", "READONLY", becomeReplica],
  ] as const)("%s", (_, code, breakIt) => {
    it("refuses writes, changes nothing, serves reads, and takes writes again", async () => {
      // Redis before 7 asks no script whether there are replicas.
      if (code === "NOREPLICAS" && service.version.startsWith("6.")) return;
      const { taskId, writes } = await scene();
      const before = await contents();
      const mend = await breakIt();
      for (const [name, write] of Object.entries(writes)) {
        await expect(write(), name).rejects.toMatchObject(unavailable(code));
      }
      expect(await read(taskId)).toMatchObject({ rows: [{ taskId, statusMessage: null }] });
      expect(await contents()).toEqual(before);
      await mend();
      for (const write of Object.values(writes)) {
        await pollUntil(() => write().catch(() => undefined), { what: "the server to take writes again" });
      }
      expect(await read(taskId)).toMatchObject({ rows: [{ statusMessage: "half" }] });
    });
  });

  /** A client that finds a replica looks for the primary anew, and may be on its way. */
  const read = (taskId: string): Promise<unknown> =>
    pollUntil(() => redis.driver.read([taskId]).catch(() => undefined), { what: "a read" });

  /** A snapshot that fails; from then on writes are refused until one works. */
  async function breakSnapshots(): Promise<() => Promise<unknown>> {
    await configured("save", "3600 1");
    const [, directory = ""] = await control.config("GET", "dir");
    const [, name = ""] = await control.config("GET", "dbfilename");
    // A directory is in its place.
    await mkdir(join(directory, name, "full"), { recursive: true });
    const undo = (): Promise<void> => rm(join(directory, name), { recursive: true, force: true });
    onTestFinished(undo);
    const snapshot = (result: string): Promise<unknown> =>
      pollUntil(
        async () => {
          await control.bgsave().catch(() => {});
          return (await control.info("persistence")).includes(`rdb_last_bgsave_status:${result}`);
        },
        { what: `a snapshot to be ${result}` },
      );
    await snapshot("err");
    return async () => {
      await undo();
      await snapshot("ok");
    };
  }

  async function becomeReplica(): Promise<() => Promise<unknown>> {
    // Of nobody: it never connects, and keeps what it has.
    await control.replicaof("127.0.0.1", 1);
    const undo = async (): Promise<unknown> => control.call("REPLICAOF", "NO", "ONE");
    onTestFinished(async () => void (await undo()));
    return undo;
  }

  it("that a script keeps busy refuses everything for a while", async () => {
    const { taskId } = await scene();
    await configured("lua-time-limit", "50");
    const busy = new Redis(service.url);
    const loop = busy.eval("while true do end", 0).catch((error: unknown) => error);
    const refused = async (): Promise<unknown> =>
      redis.driver.read([taskId]).then(
        () => undefined,
        (error: unknown) => error,
      );
    expect(await pollUntil(refused, { what: "it to be busy" })).toMatchObject(unavailable("BUSY"));
    await control.script("KILL");
    await loop;
    busy.disconnect();
    expect(await redis.driver.read([taskId])).toMatchObject({ rows: [{ taskId }] });
  });

  it("that reads its data from the disk is waited for", async () => {
    await using slow = await startRedis({ fast: true, notFrom: ["env"], settings: SLOW_TO_LOAD });
    const filler = new Redis(slow.url, { enableReadyCheck: false });
    filler.on("error", () => {});
    await filler.eval(FILL, 0);
    const source = { connectionString: slow.url, keyPrefix: KEY_PREFIX, maintenance: false } as const;
    const [patient, hasty] = [
      createRedisTaskStore({ ...source, callTimeoutMs: 60_000 }),
      createRedisTaskStore({ ...source, callTimeoutMs: 300 }),
    ];
    onTestFinished(async () => {
      filler.disconnect();
      await Promise.all([patient.close(), hasty.close()]);
    });
    const { taskId } = await patient.createTask();
    await hasty.getTask(taskId);
    const restarted = slow.restart();
    const isLoading = async (): Promise<boolean> =>
      (await filler.info("persistence").catch(() => "")).includes("loading:1");
    await pollUntil(isLoading, { what: "it to read its data", deadlineMs: 60_000, everyMs: 5 });
    const waiting = patient.getTask(taskId);
    const refused: unknown = await hasty.getTask(taskId).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "STORE_UNAVAILABLE", retryable: true });
    await hurry(filler);
    expect(await waiting).toMatchObject({ taskId });
    await restarted;
  });

  it("that reads its data says so to a client that does not wait", async () => {
    await using slow = await startRedis({ fast: true, notFrom: ["env"], settings: SLOW_TO_LOAD });
    const client = new Redis(slow.url, { enableReadyCheck: false, autoResendUnfulfilledCommands: false });
    client.on("error", () => {});
    await client.eval(FILL, 0);
    const driver = redis.another({ client });
    const restarted = slow.restart();
    const refused = (): Promise<unknown> =>
      driver.read([]).then(
        () => undefined,
        (error: unknown) => error instanceof TaskStoreError && error.message.includes("LOADING") && error,
      );
    const loading = { what: "it to read its data", deadlineMs: 60_000, everyMs: 5 } as const;
    expect(await pollUntil(refused, loading)).toMatchObject(unavailable("LOADING"));
    await hurry(client);
    await restarted;
    await driver.close();
    client.disconnect();
  });

  it("that has no room for a connection is unavailable, not wrong", async () => {
    await configured(
      "maxclients",
      String(
        String(await control.client("LIST"))
          .trim()
          .split("\n").length,
      ),
    );
    const driver = redis.another();
    await expect(driver.read([])).rejects.toMatchObject({ code: "STORE_UNAVAILABLE", retryable: true });
  });

  it("whose clock was set back takes reports and workers all the same", async () => {
    const aheadUs = (Date.now() + HOUR_MS) * 1000;
    const ring = Array.from({ length: 8 }, (_, at) => ({ writeId: newId("write"), revision: aheadUs + at }));
    const { taskId } = { ...plain(), taskId: newId("task") };
    await redis.plant({ taskId, ring, revision: aheadUs + 7, lastUpdatedAt: Date.now() + HOUR_MS });
    const store = createTaskStore(redis.another(), { maintenance: false });
    onTestFinished(() => store.close());
    const reported = await store.updateTask(taskId, { statusMessage: "still here" });
    expect(reported.revision).toBeGreaterThan(aheadUs + 7);
    expect(Date.parse(reported.lastUpdatedAt)).toBeGreaterThanOrEqual(Date.now() + HOUR_MS - 60_000);
    expect(await store.acquireLease(taskId, { holder: "w" })).toMatchObject({ holder: "w" });
  });

  it("that refuses for good is not asked again until the time is over", async () => {
    const { hostname, port } = new URL(service.url);
    const address = { host: hostname, port: Number(port) };
    const refused = { code: "STORE_UNAVAILABLE", retryable: false };
    for (const config of [
      address,
      { ...address, password: "wrong" },
      { ...address, username: "nobody", password: "x" },
    ]) {
      const stranger = createRedisTaskStore({ config, maintenance: false, callTimeoutMs: HOUR_MS });
      await expect(stranger.getTask("any")).rejects.toMatchObject(refused);
      await expect(stranger.createTask()).rejects.toMatchObject(refused);
      await stranger.close();
    }
    // A key of ours that is somebody else's.
    await control.set(redis.keys.of("taken").task, "a text");
    const store = createTaskStore(redis.another(), { maintenance: false, callTimeoutMs: HOUR_MS });
    await expect(store.getTask("taken")).rejects.toMatchObject({ ...refused, cause: { code: "WRONGTYPE" } });
    await store.close();
  });

  it("that goes away between a wake-up and its outcome delays the wait, and does not end it", async () => {
    const proxy = await tcpProxy({ target: service.url });
    const away = createRedisTaskStore({
      connectionString: proxy.through(service.url),
      keyPrefix: KEY_PREFIX,
      maintenance: false,
      callTimeoutMs: 30_000,
      safetyPollMs: 50,
    });
    const here = createTaskStore(redis.another(), { maintenance: false });
    onTestFinished(async () => {
      await Promise.all([away.close({ graceMs: 100 }), here.close()]);
      await proxy[Symbol.asyncDispose]();
    });
    const { taskId } = await here.createTask();
    const outcome = away.waitForOutcome(taskId);
    // The first look is over once another read came back.
    await away.getTask(taskId);
    const held = proxy.holdAnswers({ whenRequestIncludes: "outcome" });
    await here.finishTask(taskId, DONE);
    await held.arrived;
    proxy.cut();
    await expect(away.getTask(taskId, { timeoutMs: 500 })).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    proxy.heal();
    expect(await outcome).toEqual(DONE);
  });
});
