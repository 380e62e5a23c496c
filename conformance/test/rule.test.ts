import { setTimeout } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { attempt, CouldNotRun } from "../src/attempt.ts";
import type { Kit } from "../src/kit.ts";
import { randomFrom, ruleSeed } from "../src/random.ts";
import { defineRule } from "../src/rule.ts";
import { equalTo, which } from "../src/wants.ts";
import { referenceKit } from "./reference-kit.ts";

const header = { id: "test/rule", title: "A rule", level: "must", source: ["S-01", "P3"], mutants: [] } as const;

describe("a rule", () => {
  it("derives its promises from its sources", () => {
    const rule = defineRule({ ...header, act: async () => 1, judge: () => undefined });
    expect(rule.promises).toEqual(["P3"]);
    expect(rule).toMatchObject({ since: "0.1.0", generation: "both", needs: [], guards: [], isolated: false });
  });

  it("is isolated when it has settings", () => {
    const rule = defineRule({ ...header, settings: () => ({}), act: async () => 1, judge: () => undefined });
    expect(rule.isolated).toBe(true);
  });

  it("passes and fails only by what judge expects", async () => {
    await using kit = await referenceKit();
    const seeing = (value: number) =>
      defineRule({ ...header, act: async () => value, judge: (expect, seen) => expect("count", seen, equalTo(1)) });
    expect(await seeing(1).play(kit.kit)).toEqual({ kind: "passed" });
    expect(await seeing(2).play(kit.kit)).toEqual({ kind: "failed", witness: { did: "count", seen: 2, wants: "1" } });
  });

  it("says at which stage something was thrown", async () => {
    await using kit = await referenceKit();
    const error = new TypeError("oops");
    const fail = (): never => {
      throw error;
    };
    const arrange = async (): Promise<number> => 1;
    const plays = await Promise.all(
      [
        defineRule({ ...header, arrange: async () => fail(), act: async () => 1, judge: () => undefined }),
        defineRule({ ...header, arrange, act: async () => fail(), judge: () => undefined }),
        defineRule({ ...header, arrange, act: async () => 1, judge: () => fail() }),
      ].map((rule) => rule.play(kit.kit)),
    );
    expect(plays).toEqual(["arrange", "act", "judge"].map((stage) => ({ kind: "threw", stage, error })));
  });
});

describe("the kit of a rule", () => {
  it("waits by the backend's clock, not by sleeping alone", async () => {
    await using kit = await referenceKit();
    const { taskId } = await kit.kit.task({ ttlMs: 60 });
    await kit.kit.elapse(60);
    expect(await kit.kit.B.getTask(taskId)).toBeUndefined();
  });

  it("doubles its time until an attempt is fast enough, and gives up after five times", async () => {
    await using kit = await referenceKit({ unitMs: 100 });
    const all = [100, 200, 400, 800, 1_600, 3_200];
    const tried: number[] = [];
    const slow = async (ms: number, limit: number): Promise<true> => {
      tried.push(ms);
      const untilMs = performance.now() + (ms < limit ? ms : 0);
      while (performance.now() < untilMs) await setTimeout(1);
      return true;
    };
    await kit.kit.within((ms) => slow(ms, 400));
    // More only where this machine stood still in the third.
    expect(tried.length).toBeGreaterThanOrEqual(3);
    expect(tried).toEqual(all.slice(0, tried.length));
    tried.length = 0;
    await expect(kit.kit.within((ms) => slow(ms, Infinity))).rejects.toBeInstanceOf(CouldNotRun);
    expect(tried).toEqual(all);
  });

  it("calls a call pending only when a control worked", async () => {
    await using kit = await referenceKit({ deadlineMs: 1_000 });
    expect(await kit.kit.settles(new Promise(() => undefined))).toEqual({ kind: "pending" });
    expect(await kit.kit.settles(Promise.resolve(7))).toEqual({ kind: "fulfilled", value: 7 });
    await kit.kit.A.close();
    await expect(kit.kit.settles(new Promise(() => undefined))).rejects.toThrow("the control failed");
  });

  it("lets two calls race in both orders at every distance of a few turns", async () => {
    await using kit = await referenceKit({ onlyStores: true });
    const order: string[] = [];
    const bouts = await kit.kit.duel({
      over: async () => order.splice(0),
      left: async () => order.push("left"),
      right: async () => order.push("right"),
      after: async () => [...order],
    });
    expect(bouts.every((bout) => bout.after.length === 2 && bout.after[0] === bout.first)).toBe(true);
    expect(new Set(bouts.map((bout) => bout.pause)).size).toBeGreaterThan(70);
  });

  it("keeps the order of answers of scrambled calls", async () => {
    await using kit = await referenceKit();
    const ends = await kit.kit.scramble([1, 2, 3, 4].map((n) => async () => n));
    expect(ends).toEqual([1, 2, 3, 4].map((value) => ({ kind: "fulfilled", value })));
  });

  it("names principals and ids of its own", async () => {
    await using one = await referenceKit({ seed: 1 });
    await using two = await referenceKit({ seed: 2 });
    const names = (kit: Kit): readonly string[] => [kit.principal("p1"), kit.taskId("t")];
    expect(names(one.kit)).toEqual(names(one.kit));
    expect(names(one.kit)).not.toEqual(names(two.kit));
  });
});

describe("attempt", () => {
  it("hands on how a call ended, and does not take an absent backend for an answer", async () => {
    const error = new Error("no");
    expect(await attempt(Promise.reject(error))).toEqual({ kind: "rejected", error });
    await expect(attempt(Promise.reject(new CouldNotRun("slow")))).rejects.toThrow("slow");
  });
});

describe("random choices", () => {
  it("are the same for the same seed and spread evenly", () => {
    const draw = (seed: number): readonly number[] => {
      const random = randomFrom(seed);
      return Array.from({ length: 1_000 }, () => random.integer(10));
    };
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
    const counts = Array.from({ length: 10 }, (_, value) => draw(3).filter((drawn) => drawn === value).length);
    expect(counts).toSatisfy((all: readonly number[]) => all.every((count) => count > 60 && count < 140));
  });

  it("differ between rules and rounds of one run", () => {
    const seeds = [ruleSeed(1, "a", 0), ruleSeed(1, "b", 0), ruleSeed(1, "a", 1), ruleSeed(2, "a", 0)];
    expect(new Set(seeds).size).toBe(4);
    expect(
      which("32 bits", (seed: number) => Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32).holds(seeds[0] ?? -1),
    ).toBe(true);
  });
});
