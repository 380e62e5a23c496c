import { getEventListeners } from "node:events";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { pollUntil, redisIsLeftOut } from "@mcp-task-store/services";
import type { TaskDriver } from "@mcp-task-store/core";
import { NEVER, newTask, plain, writeTo } from "../../../conformance/src/driver-model/sample-tasks.ts";
import { type ScratchRedis, scratchRedis } from "./scratch-redis.ts";
import { tcpProxy, type TcpProxy } from "../../../conformance/src/wire/tcp-proxy.ts";

const change = { when: { open: true }, then: { attempts: 1 } } as const;

describe.skipIf(redisIsLeftOut())("giving up and closing", () => {
  let redis: ScratchRedis;
  let url: string;
  beforeAll(async () => {
    redis = await scratchRedis();
    url = redis.source.connectionString ?? "";
    await redis.driver.setup();
  });
  afterAll(() => redis[Symbol.asyncDispose]());

  async function behindProxy(): Promise<{ readonly proxy: TcpProxy; readonly driver: TaskDriver }> {
    const proxy = await tcpProxy({ target: url });
    const driver = redis.another({ connectionString: proxy.through(url) });
    onTestFinished(async () => {
      await driver.close();
      await proxy.close();
    });
    await driver.read([]);
    return { proxy, driver };
  }

  async function task(): Promise<string> {
    const { taskId } = plain();
    await redis.plant({ taskId });
    return taskId;
  }

  it("does not know about a write in flight, and reads no answer for another's", async () => {
    const { proxy, driver } = await behindProxy();
    const taskId = await task();
    const held = proxy.holdAnswers({ whenRequestIncludes: taskId });
    const abort = new AbortController();
    const write = driver.write(writeTo(taskId, { alternatives: [change] }), { signal: abort.signal });
    const settled = write.catch((error: unknown) => error);
    await held.arrived;
    abort.abort();
    expect(await settled).toMatchObject({ code: "WRITE_OUTCOME_UNKNOWN" });
    // Behind the write that was given up, on the same connection: this answer is its own.
    const read = driver.read([taskId]);
    proxy.heal();
    expect(await read).toMatchObject({ rows: [{ taskId, attempts: 1 }] });
  });

  it("has sent nothing while it waits for a connection, and never will", async () => {
    const { proxy, driver } = await behindProxy();
    const taskId = await task();
    proxy.cut();
    await pollUntil(
      () =>
        driver.read([]).then(
          () => false,
          () => true,
        ),
      { what: "the loss to be noticed" },
    );
    const write = driver.write(writeTo(taskId, { alternatives: [change] }), { signal: AbortSignal.timeout(200) });
    await expect(write).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    proxy.heal();
    const read = (): Promise<unknown> => driver.read([taskId]).catch(() => undefined);
    expect(await pollUntil(read, { what: "a connection" })).toMatchObject({ rows: [{ attempts: 0 }] });
  });

  it("sends nothing when it is given up beforehand", async () => {
    const taskId = await task();
    const write = redis.driver.write(writeTo(taskId, { alternatives: [change] }), { signal: AbortSignal.abort() });
    await expect(write).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    expect(await redis.stored(taskId)).toMatchObject({ attempts: 0 });
  });

  it("gives up a read", async () => {
    const { proxy, driver } = await behindProxy();
    proxy.freeze();
    const read = driver.read(["a"], { signal: AbortSignal.timeout(50) });
    await expect(read).rejects.toMatchObject({ code: "STORE_UNAVAILABLE", retryable: true });
    proxy.heal();
  });

  it("finds out by itself that a server has fallen silent, and connects anew", async () => {
    const proxy = await tcpProxy({ target: url });
    const { hostname, port, password } = new URL(proxy.through(url));
    const config = { host: hostname, port: Number(port), password, socketTimeout: 200 };
    const driver = redis.another({ config });
    const taskId = await task();
    const read = (): Promise<unknown> => driver.read([taskId]).catch(() => undefined);
    // On a busy machine an answer may take longer than it is waited for.
    await pollUntil(read, { what: "a connection" });
    proxy.freeze();
    const write = driver.write(writeTo(taskId, { alternatives: [change] }));
    await expect(write).rejects.toMatchObject({ code: "WRITE_OUTCOME_UNKNOWN" });
    proxy.heal();
    expect(await pollUntil(read, { what: "another connection" })).toMatchObject({
      rows: [{ taskId }],
    });
    await driver.close();
    await proxy.close();
  });

  it("leaves no listener on a signal that lives on", async () => {
    const { signal } = new AbortController();
    await redis.driver.read([], { signal });
    await new Promise((resolve) => setImmediate(resolve));
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });

  it("may have hundreds of calls wait for a connection, and in flight, without a warning of Node's", async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning);
    process.on("warning", onWarning);
    onTestFinished(() => void process.off("warning", onWarning));
    const client = new Redis(url, { autoResendUnfulfilledCommands: false, lazyConnect: true });
    for (const driver of [redis.another(), redis.another({ client })]) {
      const { signal } = new AbortController();
      const reads = Array.from({ length: 300 }, () => driver.read([], { signal }));
      expect(await Promise.all(reads)).toHaveLength(300);
      await driver.close();
    }
    client.disconnect();
    expect(warnings).toEqual([]);
  });

  it("lets calls in flight settle when it closes, and refuses new ones", async () => {
    const { proxy, driver } = await behindProxy();
    const taskId = await task();
    const held = proxy.holdAnswers({ whenRequestIncludes: taskId });
    const inFlight = driver.write(writeTo(taskId, { alternatives: [change] }));
    await held.arrived;
    const closed = driver.close();
    await expect(driver.read([])).rejects.toMatchObject({ code: "CLOSED" });
    proxy.heal();
    expect(await inFlight).toMatchObject({ kind: "written" });
    await closed;
  });

  it("refuses those that still wait for a connection when it closes", async () => {
    const { proxy, driver } = await behindProxy();
    proxy.freeze();
    const other = redis.another({ connectionString: proxy.through(url) });
    const waiting = other.read([]).catch((error: unknown) => error);
    await other.close();
    expect(await waiting).toMatchObject({ code: "CLOSED" });
    proxy.heal();
    await driver.read([]);
  });

  it.each<readonly [string, (driver: TaskDriver) => Promise<unknown>]>([
    ["setup", (driver) => driver.setup()],
    ["insert", (driver) => driver.insert(newTask())],
    ["read", (driver) => driver.read([])],
    ["write", (driver) => driver.write(writeTo("a", {}))],
    ["remove", (driver) => driver.remove({ taskId: "a", notAfterUs: NEVER })],
    ["page", (driver) => driver.page({ limit: 1 })],
    ["due", (driver) => driver.due(1, 1)],
    ["publish", async (driver) => driver.hints?.publish(["a"])],
    ["subscribe", async (driver) => driver.hints?.subscribe({ onHint: () => {}, onGap: () => {} })],
  ])("is CLOSED to %s afterwards", async (_, call) => {
    const driver = redis.another();
    await driver.hints?.subscribe({ onHint: () => {}, onGap: () => {} });
    const closed = driver.close();
    await expect(call(driver)).rejects.toMatchObject({ code: "CLOSED" });
    await closed;
    await driver.close();
    await expect(call(driver)).rejects.toMatchObject({ code: "CLOSED" });
  });

  it("ends its own connections", async () => {
    const { hostname, port, password } = new URL(url);
    const config = { host: hostname, port: Number(port), password, connectionName: "closing-test" };
    const driver = redis.another({ config });
    const control = new Redis(url);
    const left = async (): Promise<number> =>
      String(await control.client("LIST")).split(" name=closing-test ").length - 1;
    await driver.hints?.subscribe({ onHint: () => {}, onGap: () => {} });
    await Promise.all([driver.read([]), driver.read([])]);
    expect(await left()).toBe(2);
    await driver.close();
    expect(await pollUntil(async () => (await left()) === 0, { what: "its connections to end" })).toBe(true);
    control.disconnect();
  });
});
