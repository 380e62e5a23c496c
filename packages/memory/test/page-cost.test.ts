import type { PagePosition, TaskDriver } from "@mcp-task-store/core";
import { afterEach, expect, it, vi } from "vitest";
import { createMemoryBackend, createMemoryDriver } from "../src/index.ts";
import { ListingIndex } from "../src/listing-index.ts";

const LIMIT = 20;

async function fill(driver: TaskDriver, count: number, ttlMs: number, prefix: string): Promise<void> {
  for (let at = 0; at < count; at += 1) {
    await driver.insert({
      taskId: `${prefix}${at}`,
      createId: "c",
      scope: "p",
      generation: null,
      statusMessage: null,
      ttlMs,
      pollIntervalMs: 1,
      claimInMs: 1_000_000_000,
      metadata: null,
      request: null,
      notAfterUs: Number.MAX_SAFE_INTEGER,
    });
  }
}

afterEach(() => {
  vi.restoreAllMocks();
});

/** What one page costs. Time would tell of a busy machine. */
interface PageCost {
  readonly rows: number;
  /** Entries of the index that it walked over. */
  readonly walked: number;
  /** Entries that it compared with the cursor to find where to begin. */
  readonly compared: number;
}

async function costOfPage(driver: TaskDriver, after?: PagePosition): Promise<PageCost> {
  let [walked, compared] = [0, 0];
  const original = Reflect.get(ListingIndex.prototype, "behind");
  vi.spyOn(ListingIndex.prototype, "behind").mockImplementation(function* (this: unknown, position) {
    for (const entry of Reflect.apply(original, this, [position])) {
      walked += 1;
      yield entry;
    }
  });
  const cursor = after && {
    taskId: after.taskId,
    get createdAt(): number {
      compared += 1;
      return after.createdAt;
    },
  };
  const { rows } = await driver.page({ scope: "p", limit: LIMIT, ...(cursor && { after: cursor }) });
  vi.restoreAllMocks();
  return { rows: rows.length, walked, compared };
}

it("a page costs the same among 200,000 tasks, deleted ones and expired ones as among 100", async () => {
  const small = createMemoryDriver();
  await fill(small, 100, 1_000_000_000, "t");
  const backend = createMemoryBackend();
  const large = createMemoryDriver({ backend });
  await fill(large, 100_000, 1_000_000_000, "old");
  // In a ms of their own: the newest, listed before all others.
  backend.advance(1);
  await fill(large, 50_000, 1, "expired");
  await fill(large, 50_000, 1_000_000_000, "deleted");
  for (let at = 0; at < 50_000; at += 1)
    await large.remove({ taskId: `deleted${at}`, notAfterUs: Number.MAX_SAFE_INTEGER });
  backend.advance(10);

  expect(await costOfPage(small)).toEqual({ rows: LIMIT, walked: LIMIT, compared: 0 });
  // The first look walks over the expired ones, and no later one does.
  expect(await costOfPage(large)).toEqual({ rows: LIMIT, walked: 50_000 + LIMIT, compared: 0 });
  expect(await costOfPage(large)).toEqual({ rows: LIMIT, walked: LIMIT, compared: 0 });

  const [middle] = (await large.read(["old50000"])).rows;
  if (middle === undefined) throw new Error("the task is gone");
  const behind = await costOfPage(large, middle);
  expect(behind).toMatchObject({ rows: LIMIT, walked: LIMIT });
  expect(behind.compared).toBeGreaterThan(0);
  expect(behind.compared).toBeLessThan(100);
  expect(backend.size).toBe(150_000);
});
