import { getEventListeners } from "node:events";
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { mongoIsLeftOut, pollUntil } from "@mcp-task-store/services";
import type { TaskDriver } from "@mcp-task-store/core";
import {
  NEVER,
  newTask,
  plain,
  pushTo,
  takeFrom,
  writeTo,
} from "../../../conformance/src/driver-model/sample-tasks.ts";
import { type ScratchMongo, scratchMongo } from "./scratch-mongo.ts";
import { type TcpProxy, tcpProxy } from "../../../conformance/src/wire/tcp-proxy.ts";

const change = { when: {}, then: { attempts: 1 } } as const;

describe.skipIf(mongoIsLeftOut())("giving up and closing", () => {
  let mongo: ScratchMongo;
  let proxy: TcpProxy;
  beforeAll(async () => {
    mongo = await scratchMongo();
  });
  afterAll(() => mongo[Symbol.asyncDispose]());
  beforeEach(async () => {
    proxy = await tcpProxy({ target: mongo.url });
    onTestFinished(() => proxy.close());
  });

  /** Connected, through the proxy. */
  async function behindProxy(): Promise<TaskDriver> {
    const driver = mongo.another({ connectionString: proxy.through(mongo.url), hints: "poll" });
    await driver.read([]);
    return driver;
  }

  async function task(): Promise<string> {
    const { taskId } = plain();
    await mongo.plant({ taskId });
    return taskId;
  }

  it("says that it does not know about a write that was sent, and knows about one that was not", async () => {
    const client = mongo.client({ maxPoolSize: 1 }, proxy.through(mongo.url));
    const driver = mongo.another({ client, hints: "poll" });
    await driver.read([]);
    const taskId = await task();
    const [first, second] = [new AbortController(), new AbortController()];
    const held = proxy.holdAnswers({ whenRequestIncludes: taskId });
    const write = (signal: AbortSignal): Promise<unknown> =>
      driver.write(writeTo(taskId, { alternatives: [change] }), { signal }).catch((error: unknown) => error);
    const sent = write(first.signal);
    await held.arrived;
    const waits = write(second.signal);
    await new Promise((resolve) => setImmediate(resolve));
    second.abort();
    expect(await waits).toMatchObject({ code: "STORE_UNAVAILABLE", retryable: true });
    first.abort();
    expect(await sent).toMatchObject({ code: "WRITE_OUTCOME_UNKNOWN" });
    proxy.heal();
    expect(await driver.read([taskId])).toMatchObject({ rows: [{ taskId }] });
  });

  it("sends nothing when it is given up beforehand", async () => {
    const taskId = await task();
    const write = mongo.driver.write(writeTo(taskId, { alternatives: [change] }), { signal: AbortSignal.abort() });
    await expect(write).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    expect(await mongo.stored(taskId)).toMatchObject({ attempts: 0 });
  });

  it("gives up a read, and the connection serves the next", async () => {
    const driver = await behindProxy();
    const taskId = await task();
    const held = proxy.holdAnswers({ whenRequestIncludes: taskId });
    const abort = new AbortController();
    const read = driver.read([taskId], { signal: abort.signal }).catch((error: unknown) => error);
    await held.arrived;
    abort.abort();
    expect(await read).toMatchObject({ code: "STORE_UNAVAILABLE" });
    proxy.heal();
    expect(await driver.read([taskId])).toMatchObject({ rows: [{ taskId }] });
  });

  it("leaves no listener on a signal that lives on", async () => {
    const { signal } = new AbortController();
    await mongo.driver.read([], { signal });
    await mongo.driver.insert(newTask(), { signal });
    await new Promise((resolve) => setImmediate(resolve));
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });

  it("lets calls in flight settle when it closes", async () => {
    const driver = await behindProxy();
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

  it("refuses calls that still wait for a connection when it closes", async () => {
    proxy.cut();
    const driver = mongo.another({ connectionString: proxy.through(mongo.url) });
    const waits = driver.insert(newTask()).catch((error: unknown) => error);
    const connected = driver.write(writeTo("a", {})).catch((error: unknown) => error);
    await driver.close();
    for (const call of [waits, connected]) {
      expect(await call).toMatchObject({ code: expect.stringMatching(/^(?:CLOSED|STORE_UNAVAILABLE)$/) });
    }
  });

  it("closes although the server is silent", async () => {
    const driver = mongo.another({ connectionString: proxy.through(mongo.url) });
    await driver.hints?.subscribe({ onHint: () => {}, onGap: () => {} });
    await driver.read([]);
    proxy.freeze();
    const read = driver.read([]).catch((error: unknown) => error);
    await driver.close();
    expect(await read).toMatchObject({ code: "STORE_UNAVAILABLE" });
  });

  it.each<readonly [string, (driver: TaskDriver) => Promise<unknown>]>([
    ["setup", (driver) => driver.setup()],
    ["insert", (driver) => driver.insert(newTask())],
    ["read", (driver) => driver.read([])],
    ["write", (driver) => driver.write(writeTo("a", {}))],
    ["remove", (driver) => driver.remove({ taskId: "a", notAfterUs: NEVER })],
    ["page", (driver) => driver.page({ limit: 1 })],
    ["due", (driver) => driver.due(1, 1)],
    ["push", async (driver) => driver.messages?.push(pushTo("a"))],
    ["take", async (driver) => driver.messages?.take(takeFrom("a"))],
    ["subscribe", async (driver) => driver.hints?.subscribe({ onHint: () => {}, onGap: () => {} })],
  ])("is CLOSED to %s afterwards", async (_, call) => {
    const driver = mongo.another();
    await driver.hints?.subscribe({ onHint: () => {}, onGap: () => {} });
    const closed = driver.close();
    await expect(call(driver)).rejects.toMatchObject({ code: "CLOSED" });
    await closed;
    await driver.close();
    await expect(call(driver)).rejects.toMatchObject({ code: "CLOSED" });
  });

  it("ends its own connections", async () => {
    const driver = mongo.another({ connectionString: proxy.through(mongo.url), poolSize: 3 });
    await driver.hints?.subscribe({ onHint: () => {}, onGap: () => {} });
    await Promise.all([driver.read([]), driver.read([])]);
    expect(proxy.connections).toBeGreaterThan(0);
    await driver.close();
    expect(await pollUntil(() => proxy.connections === 0, { what: "its connections to end" })).toBe(true);
  });

  it("never closes a client that it was given", async () => {
    const client = mongo.client();
    const driver = mongo.another({ client });
    await driver.hints?.subscribe({ onHint: () => {}, onGap: () => {} });
    await driver.read([]);
    await driver.close();
    expect(await client.db(mongo.database).command({ ping: 1 })).toMatchObject({ ok: 1 });
  });
});
