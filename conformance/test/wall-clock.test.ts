import { setTimeout } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { atWallClock, trueEpochMs, withWallClock } from "../src/wall-clock.ts";

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

/** How far an instant lies from now, in whole minutes: machines may stand still for a while. */
function minutesAhead(atMs: number): number {
  // A zero without a sign.
  return Math.round((atMs - trueEpochMs()) / MINUTE_MS) + 0;
}

describe("a wrong wall clock", () => {
  it("shows in every reading of Date, and in no other use of it", () => {
    atWallClock(HOUR_MS, () => {
      expect(minutesAhead(Date.now())).toBe(60);
      expect(minutesAhead(new Date().getTime())).toBe(60);
      expect(minutesAhead(Date.parse(Date()))).toBe(60);
      expect(minutesAhead(performance.timeOrigin + performance.now())).toBe(60);
      expect(new Date(0).toISOString()).toBe("1970-01-01T00:00:00.000Z");
      expect(new Date()).toBeInstanceOf(Date);
      expect(Date.UTC(1970, 0, 1)).toBe(0);
      expect(minutesAhead(trueEpochMs())).toBe(0);
    });
    expect(minutesAhead(Date.now())).toBe(0);
    expect(minutesAhead(performance.timeOrigin + performance.now())).toBe(0);
  });

  it("stays with what was started under it, and keeps out of the rest", async () => {
    const later = atWallClock(-HOUR_MS, async () => {
      await setTimeout(1);
      return Date.now();
    });
    const other = atWallClock(2 * HOUR_MS, async () => (await Promise.resolve(), Date.now()));
    const mine = Date.now();
    expect([await later, await other, mine].map(minutesAhead)).toEqual([-60, 120, 0]);
  });

  it("is that of all methods of an object, and of those of what it hands out", async () => {
    const now = (): number => Date.now();
    const store = Object.freeze({
      name: "store",
      now,
      messages: { now },
      scoped: () => ({ now }),
      async *watchTasks() {
        yield Date.now();
        yield Date.now();
      },
    });
    const skewed = withWallClock(store, HOUR_MS);
    expect(skewed.name).toBe("store");
    expect(Object.keys(skewed)).toEqual(Object.keys(store));
    const seen = [skewed.now(), skewed.messages.now(), skewed.scoped().now(), { ...skewed }.now()];
    for await (const at of skewed.watchTasks()) seen.push(at);
    expect(seen.map(minutesAhead)).toEqual([60, 60, 60, 60, 60, 60]);
    expect(minutesAhead(store.now())).toBe(0);
  });
});
