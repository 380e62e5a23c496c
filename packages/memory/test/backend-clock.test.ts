import { describe, expect, it } from "vitest";
import { createMemoryBackend, createMemoryDriver } from "../src/index.ts";

async function readings(driver: ReturnType<typeof createMemoryDriver>, count: number): Promise<readonly number[]> {
  const found: number[] = [];
  for (let at = 0; at < count; at += 1) found.push((await driver.read([])).nowUs);
  return found;
}

describe("the backend's clock", () => {
  it("counts epoch µs, rising with every reading of any handle", async () => {
    const backend = createMemoryBackend();
    const [a, b] = [createMemoryDriver({ backend }), createMemoryDriver({ backend })];
    const found = [...(await readings(a, 500)), ...(await readings(b, 500)), ...(await readings(a, 1))];
    expect(found.every(Number.isSafeInteger)).toBe(true);
    expect(found.every((reading, at) => at === 0 || reading > (found[at - 1] ?? 0))).toBe(true);
    expect(Math.abs((found[0] ?? 0) / 1000 - Date.now())).toBeLessThan(60_000);
  });

  it("rises by 1 µs where its source stands still, and waits for one that falls back", async () => {
    let epochMs = 1_000;
    const driver = createMemoryDriver({ backend: createMemoryBackend({ clock: () => epochMs }) });
    expect(await readings(driver, 3)).toEqual([1_000_000, 1_000_001, 1_000_002]);
    epochMs = 10;
    expect(await readings(driver, 2)).toEqual([1_000_003, 1_000_004]);
    epochMs = 2_000.5;
    expect(await readings(driver, 2)).toEqual([2_000_500, 2_000_501]);
  });

  it("moves ahead by advance, and tasks expire by it to the ms", async () => {
    const backend = createMemoryBackend({ clock: () => 1_000 });
    const driver = createMemoryDriver({ backend });
    await driver.insert({
      taskId: "t",
      createId: "c",
      scope: null,
      generation: null,
      statusMessage: null,
      ttlMs: 50,
      pollIntervalMs: 1,
      claimInMs: 10_000,
      metadata: null,
      request: null,
      notAfterUs: Number.MAX_SAFE_INTEGER,
    });
    backend.advance(49);
    expect((await driver.read(["t"])).rows).toHaveLength(1);
    backend.advance(1);
    expect((await driver.read(["t"])).rows).toHaveLength(0);
    expect(backend.size).toBe(1);
    expect(await driver.due(10, 1_000)).toMatchObject({ purged: ["t"], rows: [], more: false });
    expect(backend.size).toBe(0);
  });

  it("is moved by at least as much as was asked for, also where readings ran ahead of the source", async () => {
    const backend = createMemoryBackend({ clock: () => 1_000 });
    const driver = createMemoryDriver({ backend });
    const before = (await readings(driver, 1_500)).at(-1) ?? 0;
    backend.advance(2.5);
    expect(await readings(driver, 1)).toEqual([before + 2_501]);
  });

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY])("refuses to advance by %s", (ms) => {
    expect(() => createMemoryBackend().advance(ms)).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
  });
});

it("a driver refuses a backend that is none", () => {
  const backend = { size: 0, advance: () => {} };
  expect(() => createMemoryDriver({ backend })).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
});
