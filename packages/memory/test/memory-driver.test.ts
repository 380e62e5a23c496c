import type { Insert, TaskDriver, Write } from "@mcp-task-store/core";
import { describe, expect, it } from "vitest";
import { createMemoryBackend, createMemoryDriver } from "../src/index.ts";

const FAR = Number.MAX_SAFE_INTEGER;

function insertOf(taskId: string, changes: Partial<Insert> = {}): Insert {
  return {
    taskId,
    createId: `create ${taskId}`,
    scope: null,
    generation: null,
    statusMessage: null,
    ttlMs: 1_000,
    pollIntervalMs: 500,
    claimInMs: 60_000,
    metadata: null,
    request: '{"method":"tools/call"}',
    notAfterUs: FAR,
    ...changes,
  };
}

function writeOf(taskId: string): Write {
  const then = { set: { status: "completed", outcome: '{"result":{}}' } } as const;
  return { taskId, writeId: "w", notAfterUs: FAR, alternatives: [{ when: { open: true }, then }] };
}

/** Every method once. */
const CALLS: readonly (readonly [string, (driver: TaskDriver, signal?: AbortSignal) => Promise<unknown>])[] = [
  ["setup", (driver, signal) => driver.setup(signal && { signal })],
  ["insert", (driver, signal) => driver.insert(insertOf("new"), signal && { signal })],
  ["read", (driver, signal) => driver.read(["t"], signal && { signal })],
  ["write", (driver, signal) => driver.write(writeOf("t"), signal && { signal })],
  ["remove", (driver, signal) => driver.remove({ taskId: "t", notAfterUs: FAR }, signal && { signal })],
  ["page", (driver, signal) => driver.page({ limit: 1 }, signal && { signal })],
  ["due", (driver, signal) => driver.due(1, 1, signal && { signal })],
];

describe("memory driver", () => {
  it.each(CALLS)("%s is not applied when its signal has fired before", async (_name, call) => {
    const driver = createMemoryDriver();
    await driver.insert(insertOf("t"));
    const before = await driver.read(["t", "new"], { request: true, outcome: true });
    await expect(call(driver, AbortSignal.abort())).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    const { rows } = await driver.read(["t", "new"], { request: true, outcome: true });
    expect(rows).toEqual(before.rows);
  });

  it.each(CALLS)("%s is CLOSED after close, and only for the handle that was closed", async (_name, call) => {
    const backend = createMemoryBackend();
    const [driver, other] = [createMemoryDriver({ backend }), createMemoryDriver({ backend })];
    await driver.insert(insertOf("t"));
    await driver.close();
    await driver.close();
    await expect(call(driver)).rejects.toMatchObject({ code: "CLOSED" });
    await expect(other.read(["t"])).resolves.toMatchObject({ rows: [{ taskId: "t" }] });
  });

  it("leaves request and outcome out of every answer that did not ask for them", async () => {
    const driver = createMemoryDriver();
    const inserted = await driver.insert(insertOf("t"));
    const written = await driver.write(writeOf("t"));
    const [read, page] = [await driver.read(["t"]), await driver.page({ limit: 1 })];
    const answered = [inserted, written].flatMap((answer) => ("row" in answer ? [answer.row] : []));
    const all = [...answered, ...read.rows, ...page.rows];
    expect(all).toHaveLength(4);
    for (const row of all) expect(Object.keys(row).filter((key) => ["request", "outcome"].includes(key))).toEqual([]);
    const { rows } = await driver.read(["t"], { request: true, outcome: true });
    expect(rows).toMatchObject([{ request: '{"method":"tools/call"}', outcome: '{"result":{}}' }]);
  });

  it("gives frozen rows", async () => {
    const driver = createMemoryDriver();
    await driver.insert(insertOf("t"));
    const then = { lease: { take: "w", forMs: 1_000, graceMs: 0 } } as const;
    const answer = await driver.write({
      taskId: "t",
      writeId: "w",
      notAfterUs: FAR,
      alternatives: [{ when: {}, then }],
    });
    if (answer.kind !== "written") throw new Error(answer.kind);
    const { row } = answer;
    for (const part of [row, row.ring, row.ring[0], row.lease]) expect(Object.isFrozen(part)).toBe(true);
  });
});

describe("hints", () => {
  it("reach every handle of the backend, the publisher's own too, after the publishing call, until they unsubscribe", async () => {
    const backend = createMemoryBackend();
    const [a, b, c] = [
      createMemoryDriver({ backend }),
      createMemoryDriver({ backend }),
      createMemoryDriver({ backend }),
    ];
    const elsewhere = createMemoryDriver();
    const heard: string[] = [];
    const listen = async (name: string, driver: TaskDriver): Promise<(() => Promise<void>) | undefined> =>
      await driver.hints?.subscribe({ onHint: (ids) => heard.push(`${name} ${ids.join()}`), onGap: () => {} });
    await listen("a", a);
    const unsubscribe = await listen("b", b);
    await listen("c", c);
    await listen("elsewhere", elsewhere);
    const published = a.hints?.publish(["t", "u"]);
    expect(heard).toEqual([]);
    await published;
    await Promise.resolve();
    expect(heard).toEqual(["a t,u", "b t,u", "c t,u"]);
    heard.length = 0;
    await unsubscribe?.();
    await unsubscribe?.();
    await c.close();
    await b.hints?.publish(["v"]);
    await Promise.resolve();
    expect(heard).toEqual(["a v"]);
  });
});
