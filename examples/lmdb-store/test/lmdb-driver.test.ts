import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Insert, type TaskDriver, TaskStoreError, type Write } from "@mcp-task-store/core";
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import { createLmdbDriver } from "../src/lmdb-driver.ts";
import { DriverProcess } from "../src/remote-drivers.ts";

const HOUR_MS = 3_600_000;
const directory = mkdtempSync(join(tmpdir(), "lmdb-driver-"));
afterAll(() => rmSync(directory, { recursive: true }));
afterEach(() => vi.useRealTimers());

function freshPath(): string {
  return join(directory, randomUUID());
}

function insertOf(taskId: string, more: Partial<Insert> = {}): Insert {
  return {
    taskId,
    createId: randomUUID(),
    scope: null,
    generation: null,
    statusMessage: null,
    ttlMs: null,
    pollIntervalMs: 500,
    claimInMs: HOUR_MS,
    metadata: null,
    request: null,
    notAfterUs: Number.MAX_SAFE_INTEGER,
    ...more,
  };
}

function reportOf(taskId: string, statusMessage: string): Write {
  const alternatives = [{ when: {}, then: { set: { statusMessage } } }];
  return { taskId, writeId: randomUUID(), notAfterUs: Number.MAX_SAFE_INTEGER, alternatives };
}

async function messageOf(driver: TaskDriver, taskId: string): Promise<string | null | undefined> {
  return (await driver.read([taskId])).rows[0]?.statusMessage;
}

describe("the machine's clock is set back", () => {
  it("and readings go on from where they were, in every process", async () => {
    const path = freshPath();
    const [first, second] = [createLmdbDriver(path), createLmdbDriver(path)];
    vi.useFakeTimers({ toFake: ["Date"] });
    await first.insert(insertOf("a"));
    const before = await first.write(reportOf("a", "before"));
    vi.setSystemTime(Date.now() - HOUR_MS);
    const after = await second.write(reportOf("a", "after"));
    if (before.kind !== "written" || after.kind !== "written") throw new Error("a write was refused");
    expect(after.nowUs).toBeGreaterThan(before.nowUs);
    expect(after.row.revision).toBeGreaterThan(before.row.revision);
    expect(after.row.lastUpdatedAt).toBeGreaterThanOrEqual(before.row.lastUpdatedAt);
    await Promise.all([first.close(), second.close()]);
  });

  it.each(["read", "page"] as const)("and a task that a %s did not show stays gone", async (how) => {
    const driver = createLmdbDriver(freshPath());
    vi.useFakeTimers({ toFake: ["Date"] });
    await driver.insert(insertOf("short", { ttlMs: 1_000 }));
    const look = async (): Promise<number> => {
      const { rows } = await (how === "read" ? driver.read(["short"]) : driver.page({ limit: 10 }));
      return rows.length;
    };
    expect(await look()).toBe(1);
    vi.setSystemTime(Date.now() + 2_000);
    expect(await look()).toBe(0);
    vi.setSystemTime(Date.now() - HOUR_MS);
    expect(await look()).toBe(0);
    await driver.close();
  });
});

describe("a process that is killed while it writes", () => {
  it("leaves all that it acknowledged, nothing in half, and no lock", async () => {
    const path = freshPath();
    const victim = new DriverProcess();
    const remote = victim.driver(path);
    await remote.insert(insertOf("first"));
    const acknowledged: string[] = [];
    let killed: Promise<void> | undefined;
    const ends = await Promise.allSettled(
      Array.from({ length: 400 }, async (_, n) => {
        await remote.insert(insertOf(`task ${n}`, { scope: "p" }));
        acknowledged.push(`task ${n}`);
        if (acknowledged.length >= 100) killed ??= victim.kill();
        await remote.write(reportOf(`task ${n}`, "written"));
      }),
    );
    await killed;
    const lost = ends.flatMap((end) => (end.status === "rejected" ? [end.reason] : []));
    expect(lost.length).toBeGreaterThan(0);
    for (const error of lost) expect(error).toBeInstanceOf(TaskStoreError);

    const survivor = createLmdbDriver(path);
    const { rows } = await survivor.read(acknowledged);
    expect(rows.map(({ taskId }) => taskId).toSorted()).toEqual(acknowledged.toSorted());
    const listed = await survivor.page({ scope: "p", limit: 1_000 });
    const all = await survivor.read(Array.from({ length: 400 }, (_, n) => `task ${n}`));
    expect(listed.rows.map(({ taskId }) => taskId).toSorted()).toEqual(all.rows.map(({ taskId }) => taskId).toSorted());
    await survivor.write(reportOf("first", "goes on"));
    expect(await messageOf(survivor, "first")).toBe("goes on");
    await survivor.close();
  });
});

describe("a step", () => {
  it("that was given up before its turn does nothing, then or later", async () => {
    const driver = createLmdbDriver(freshPath());
    await driver.insert(insertOf("a"));
    const abort = new AbortController();
    const given = driver.write(reportOf("a", "too late"), { signal: abort.signal });
    abort.abort();
    await expect(given).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    await driver.write(reportOf("a", "later"));
    expect(await messageOf(driver, "a")).toBe("later");
    expect((await driver.read(["a"])).rows[0]?.ring).toHaveLength(1);
    await driver.close();
  });

  it("that only reads is never in doubt: given up when it had begun, it is not available", async () => {
    const driver = createLmdbDriver(freshPath());
    const abort = new AbortController();
    const ids = ["a"];
    // Asked for within the transaction.
    Object.defineProperty(ids, Symbol.iterator, {
      value: () => {
        abort.abort();
        return [].values();
      },
    });
    await expect(driver.read(ids, { signal: abort.signal })).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    await driver.close();
  });

  it("that fails on its way leaves nothing behind", async () => {
    const driver = createLmdbDriver(freshPath());
    // Longer than any key may be.
    const scope = "s".repeat(3_000);
    await expect(driver.insert(insertOf("a", { scope }))).rejects.toMatchObject({ code: "WRITE_OUTCOME_UNKNOWN" });
    expect((await driver.read(["a"])).rows).toEqual([]);
    expect((await driver.page({ limit: 10 })).rows).toEqual([]);
    await driver.close();
  });

  it("of a closed driver is refused, and another driver on the directory works on", async () => {
    const path = freshPath();
    const [first, second] = [createLmdbDriver(path), createLmdbDriver(path)];
    await first.insert(insertOf("a"));
    await first.close();
    await first.close();
    await expect(first.read(["a"])).rejects.toMatchObject({ code: "CLOSED" });
    expect((await second.read(["a"])).rows).toHaveLength(1);
    await second.close();
    const third = createLmdbDriver(path);
    expect((await third.read(["a"])).rows).toHaveLength(1);
    await third.close();
  });
});
