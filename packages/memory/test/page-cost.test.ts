import type { TaskDriver } from "@mcp-task-store/core";
import { expect, it } from "vitest";
import { createMemoryBackend, createMemoryDriver } from "../src/index.ts";

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

/** The fastest of several, so that a busy machine does not decide. */
async function fastestPageMs(driver: TaskDriver): Promise<number> {
  let fastest = Infinity;
  for (let round = 0; round < 50; round += 1) {
    const startMs = performance.now();
    const { rows } = await driver.page({ scope: "p", limit: 20 });
    fastest = Math.min(fastest, performance.now() - startMs);
    expect(rows).toHaveLength(20);
  }
  return fastest;
}

it(
  "a page costs the same among 200,000 tasks, deleted ones and expired ones as among 100",
  { timeout: 60_000 },
  async () => {
    const small = createMemoryDriver();
    await fill(small, 100, 1_000_000_000, "t");
    const backend = createMemoryBackend();
    const large = createMemoryDriver({ backend });
    await fill(large, 100_000, 1_000_000_000, "old");
    await fill(large, 50_000, 1, "expired");
    await fill(large, 50_000, 1_000_000_000, "deleted");
    for (let at = 0; at < 50_000; at += 1)
      await large.remove({ taskId: `deleted${at}`, notAfterUs: Number.MAX_SAFE_INTEGER });
    backend.advance(10);
    const [smallMs, largeMs] = [await fastestPageMs(small), await fastestPageMs(large)];
    expect(largeMs).toBeLessThan(smallMs * 20 + 0.2);
    expect(backend.size).toBe(150_000);
  },
);
