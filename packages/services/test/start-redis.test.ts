import { once } from "node:events";
import { existsSync } from "node:fs";
import { connect } from "node:net";
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { dockerWorks } from "../src/docker-container.ts";
import { pollUntil, redisIsLeftOut, type RedisService, type StartedRedisOrigin, startRedis } from "../src/index.ts";
import { isAlive } from "../src/processes.ts";
import { installedRedis, redisFromApt } from "../src/redis-installation.ts";
import { runDirectoriesOf, serversOfThisProcess } from "./run-directories.ts";

// These tests end servers: not one that was given.
delete process.env["REDIS_URL"];
if (process.env["MCP_TASK_STORE_REDIS"] === "env") delete process.env["MCP_TASK_STORE_REDIS"];

const allOrigins: readonly { origin: StartedRedisOrigin; here: boolean }[] = [
  { origin: "path", here: installedRedis() !== undefined },
  { origin: "docker", here: await dockerWorks() },
  // Only where it is installed: a test changes nothing on the machine.
  { origin: "apt", here: existsSync("/usr/bin/redis-check-rdb") && (await redisFromApt(() => {})) !== undefined },
];
const origins = allOrigins.filter(({ here }) => here);
for (const { origin } of allOrigins.filter((each) => !origins.includes(each))) {
  process.stdout.write(`redis of origin ${origin}: not on this machine, so not tested\n`);
}

/** Without attempts to connect again or to repeat a command: what it says is what happened. */
async function connected(url: string): Promise<Redis> {
  const redis = new Redis(url, {
    lazyConnect: true,
    enableReadyCheck: false,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  redis.on("error", () => {});
  onTestFinished(() => redis.disconnect());
  await redis.connect();
  return redis;
}

afterEach(() => {
  vi.unstubAllEnvs();
});

describe.skipIf(redisIsLeftOut()).each(origins)("a Redis server of origin $origin", ({ origin }) => {
  const lines: string[] = [];
  const directoriesBefore = runDirectoriesOf(process.pid);
  const serversBefore = serversOfThisProcess();
  let service: RedisService;

  beforeAll(async () => {
    service = await startRedis({ origin, log: (line) => lines.push(line) });
  });

  // For a run in which a test before the last one failed.
  afterAll(() => service.stop());

  it("says in one line what it is, without the password", () => {
    const { host, password } = new URL(service.url);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^(redis|valkey) \d+\.\d+\.\d+ \(.+\) on 127\.0\.0\.1:\d+$/);
    expect(lines[0]).toContain(host);
    expect(password).not.toBe("");
    expect(lines[0]).not.toContain(password);
    expect(service).toMatchObject({ origin, kind: expect.stringMatching(/^(redis|valkey)$/) });
  });

  it("listens on loopback only, and takes nobody without the password", async () => {
    const { hostname, port } = new URL(service.url);
    expect(hostname).toBe("127.0.0.1");
    const socket = connect({ host: hostname, port: Number(port) });
    onTestFinished(() => void socket.destroy());
    socket.write("GET a\r\n");
    const [answer]: Buffer[] = await once(socket, "data");
    expect(answer?.toString()).toMatch(/^-NOAUTH /);
  });

  it("keeps all that it acknowledged when it is killed in the midst of writes, at the same address", async () => {
    const redis = await connected(service.url);
    const acknowledged: string[] = [];
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      for (let index = 0; ; index += 1) {
        const key = `note-${writer}-${index}`;
        await redis.set(key, "kept");
        acknowledged.push(key);
      }
    });
    const ended = Promise.allSettled(writers);
    await pollUntil(() => acknowledged.length > 200, { what: "the first writes", everyMs: 1 });
    await service.kill("SIGKILL");
    await ended;
    await service.restart();
    const again = await connected(service.url);
    expect(await again.mget(acknowledged)).toEqual(acknowledged.map(() => "kept"));
  });

  it("keeps its data over a restart in good order", async () => {
    await (await connected(service.url)).set("note", "kept");
    await service.restart();
    expect(await (await connected(service.url)).get("note")).toBe("kept");
  });

  it("paused answers nobody, and lets go on where it was", async () => {
    const redis = await connected(service.url);
    await service.pause();
    let answered = false;
    const answer = redis.set("note", "late").finally(() => {
      answered = true;
    });
    // Another server's whole start takes far longer than an answer of this one would.
    await using _ = await startRedis({ origin, fast: true });
    expect(answered).toBe(false);
    await service.resume();
    expect(await answer).toBe("OK");
  });

  it("leaves no process and no file once stopped, however often it is told", async () => {
    await Promise.all([service.stop(), service.stop()]);
    expect(serversOfThisProcess().filter((pid) => isAlive(pid) && !serversBefore.includes(pid))).toEqual([]);
    expect(runDirectoriesOf(process.pid)).toEqual(directoriesBefore);
    await expect(connected(service.url)).rejects.toThrow(/closed/);
  });
});

describe.skipIf(redisIsLeftOut())("a Redis server that was started", () => {
  it("waits for the disk unless told otherwise, and takes settings", async () => {
    await using durable = await startRedis();
    await using fast = await startRedis({ fast: true, settings: { "maxmemory-policy": "volatile-lru" } });
    const setting = async (url: string, name: string): Promise<unknown> => (await connected(url)).config("GET", name);
    expect(await setting(durable.url, "appendfsync")).toEqual(["appendfsync", "always"]);
    expect(await setting(fast.url, "appendfsync")).toEqual(["appendfsync", "everysec"]);
    expect(await setting(fast.url, "maxmemory-policy")).toEqual(["maxmemory-policy", "volatile-lru"]);
  });

  it("ends for good in the midst of a restart too", async () => {
    const before = runDirectoriesOf(process.pid);
    const serversBefore = serversOfThisProcess();
    const service = await startRedis({ fast: true });
    const restarted = service.restart();
    await Promise.all([restarted, service.stop()]);
    expect(serversOfThisProcess().filter(isAlive)).toEqual(serversBefore);
    expect(runDirectoriesOf(process.pid)).toEqual(before);
    await expect(service.restart()).rejects.toThrow(/stopped for good/);
  });

  it("says what is wrong with a setting", async () => {
    await expect(startRedis({ settings: { maxmemory: "a lot" } })).rejects.toThrow(/did not start[^]*maxmemory/);
  });

  it("of REDIS_URL is used, never ended", async () => {
    await using server = await startRedis({ fast: true });
    vi.stubEnv("REDIS_URL", server.url);
    vi.stubEnv("MCP_TASK_STORE_REDIS", undefined);
    const service = await startRedis();
    expect(service).toMatchObject({ origin: "env", url: server.url, version: server.version });
    await expect(service.restart()).rejects.toThrow(/not ours/);
    await service.stop();
    expect(await (await connected(server.url)).ping()).toBe("PONG");
  });

  it("is another one than that of REDIS_URL for who may not use that, wherever this machine has one", async () => {
    await using server = await startRedis({ fast: true });
    vi.stubEnv("REDIS_URL", server.url);
    for (const wanted of [undefined, "env"]) {
      vi.stubEnv("MCP_TASK_STORE_REDIS", wanted);
      await using own = await startRedis({ fast: true, notFrom: ["env"] });
      expect(own.url).not.toBe(server.url);
      expect(own.origin).toBe(server.origin);
    }
  });
});

describe("the choice of a Redis server", () => {
  it("refuses a variable it does not know", async () => {
    vi.stubEnv("MCP_TASK_STORE_REDIS", "paht");
    await expect(startRedis()).rejects.toThrow(/"paht"; give env, path, docker or apt/);
  });

  it("tries no origin that does not do", async () => {
    vi.stubEnv("MCP_TASK_STORE_REDIS", "path");
    await expect(startRedis({ notFrom: ["env", "path", "docker", "apt"] })).rejects.toThrow(/found no Redis server/);
  });

  it("says what to install when there is none", async () => {
    vi.stubEnv("REDIS_URL", undefined);
    await expect(startRedis({ origin: "env" })).rejects.toThrow(/set REDIS_URL.*apt install redis-server/);
  });

  it("finds a program by the PATH alone", () => {
    vi.stubEnv("PATH", "/nowhere");
    expect(installedRedis()).toBeUndefined();
  });
});
