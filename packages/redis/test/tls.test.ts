import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { freePort, pollUntil, redisIsLeftOut, type RedisService, startRedis } from "@mcp-task-store/services";
import type { TaskStore } from "@mcp-task-store/core";
import { createRedisTaskStore, type RedisTaskStoreOptions } from "../src/index.ts";
import { TLS_CERTIFICATE, TLS_KEY } from "./tls-fixture.ts";

const DONE = { status: "completed", result: {} } as const;

describe.skipIf(redisIsLeftOut())("TLS", () => {
  let directory: string;
  let service: RedisService;
  let port: number;
  let password: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "mcp-task-store-tls-"));
    const [certificate, key] = [join(directory, "cert.pem"), join(directory, "key.pem")];
    await Promise.all([writeFile(certificate, TLS_CERTIFICATE), writeFile(key, TLS_KEY, { mode: 0o600 })]);
    port = await freePort();
    service = await startRedis({
      fast: true,
      // It reads the files above, and its other port must be this machine's.
      notFrom: ["env", "docker"],
      settings: {
        "tls-port": String(port),
        "tls-cert-file": certificate,
        "tls-key-file": key,
        "tls-auth-clients": "no",
      },
    });
    ({ password } = new URL(service.url));
  });
  afterAll(async () => {
    await service.stop();
    await rm(directory, { recursive: true });
  });

  function open(options: RedisTaskStoreOptions): TaskStore {
    const store = createRedisTaskStore({ maintenance: false, callTimeoutMs: 30_000, onWarning: () => {}, ...options });
    onTestFinished(() => store.close());
    return store;
  }

  it("carries calls, waits and hints", async () => {
    const config = { host: "127.0.0.1", port, password, tls: { ca: TLS_CERTIFICATE } };
    const [worker, waiter] = [open({ config }), open({ config, safetyPollMs: 600_000 })];
    await worker.setup();
    const { taskId } = await worker.createTask();
    let seen = false;
    const watching = (async () => {
      for await (const task of waiter.watchTasks([taskId])) seen = task.taskId === taskId;
    })();
    const outcome = waiter.waitForOutcome(taskId);
    await pollUntil(() => seen, { what: "the waiter to have seen its task" });
    await worker.finishTask(taskId, DONE);
    expect(await outcome).toEqual(DONE);
    await watching;
  });

  it("refuses a server that it does not know, and says so", async () => {
    const strangers: readonly RedisTaskStoreOptions[] = [
      { config: { host: "127.0.0.1", port, password, tls: {} } },
      { connectionString: `rediss://:${password}@127.0.0.1:${port}` },
    ];
    for (const options of strangers) {
      await expect(open(options).createTask()).rejects.toMatchObject({
        code: "STORE_UNAVAILABLE",
        retryable: false,
        message: expect.stringContaining("DEPTH_ZERO_SELF_SIGNED_CERT"),
      });
    }
  });

  it("is asked for by rediss", async () => {
    const plain = new URL(service.url);
    const store = open({ connectionString: `rediss://:${password}@127.0.0.1:${plain.port}`, callTimeoutMs: 500 });
    await expect(store.createTask()).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  });
});
