import { createContext, runInContext } from "node:vm";
import { describe, expect, it } from "vitest";
import type { TaskStore } from "@mcp-task-store/core";
import { type Report, runConformance } from "../src/index.ts";
import { mapTasks, overStore } from "../src/mutants/over-store.ts";
import { referenceStore, storeTarget } from "../src/targets.ts";
import { equalTo } from "../src/wants.ts";

const realm = createContext({});

/** As it is made in another realm, where Array, Object and Error are others: test runners give each file its own. */
function abroad<T>(value: T): T {
  const parse: (text: string) => T = runInContext("(text) => JSON.parse(text)", realm);
  return parse(JSON.stringify(value));
}

function judge(name: string, change: (store: TaskStore) => TaskStore, rules: readonly string[]): Promise<Report> {
  const target = storeTarget({ name, open: (id, settings) => change(referenceStore(id, settings)) });
  return runConformance(target, { seed: 1, rules, replays: 0, timing: { minDeadlineMs: 2_500, rounds: 5 } });
}

function ends(report: Report): readonly string[] {
  return report.rules.map(({ id, outcome, reason = "" }) => `${id} ${outcome} ${reason}`.trim());
}

describe("what comes of another realm", () => {
  it("is equal to what comes of this one", () => {
    const value = { list: [1, ["two", null]], deep: { empty: [], bare: {} } };
    expect(equalTo(value).holds(abroad(value))).toBe(true);
    expect(equalTo(value).holds(abroad({ ...value, list: [1] }))).toBe(false);
  });

  it("fails no store for its answers", async () => {
    const rules = ["finish/final", "lifecycle/copies-out"];
    expect(ends(await judge("answers", (store) => mapTasks(store, abroad), rules))).toEqual([
      "lifecycle/copies-out pass",
      "finish/final pass",
    ]);
  });

  it("fails no store for its errors", async () => {
    const make: () => Error = runInContext("() => new Error('made elsewhere')", realm);
    const elsewhere = (store: TaskStore): TaskStore =>
      overStore(store, {
        root: (inner) => ({
          finishTask: (taskId, outcome, options) =>
            inner.finishTask(taskId, outcome, options).catch((error: unknown) => {
              throw Object.assign(make(), described(error));
            }),
        }),
      });
    expect(ends(await judge("errors", elsewhere, ["finish/final"]))).toEqual(["finish/final pass"]);
  });

  it("may be what nobody can look at, and the run goes on", async () => {
    const trap = (): never => {
      throw new TypeError("nobody looks at this");
    };
    const closed = new Proxy({}, { get: trap, getPrototypeOf: trap, has: trap, ownKeys: trap });
    const throwing = (store: TaskStore): TaskStore =>
      overStore(store, { methods: () => ({ cancelTask: () => rejection(closed) }) });
    const [found] = (await judge("closed", throwing, ["cancel/race-finish"])).rules;
    expect(found?.outcome).toBe("fail");
  });
});

/** As a store without types may have it. */
function rejection(reason: unknown): Promise<never> {
  return new Promise((_resolve, reject: (reason: unknown) => void) => {
    const end: (reason: unknown) => void = reject;
    end(reason);
  });
}

/** All that an error says of itself, its brand included. */
function described(error: unknown): object {
  if (typeof error !== "object" || error === null) return {};
  const names = Reflect.ownKeys(error).filter((key) => key !== "stack");
  const own = names.map((key): [PropertyKey, unknown] => [key, Reflect.get(error, key)]);
  const brands = Object.getOwnPropertySymbols(Object.getPrototypeOf(error));
  return Object.fromEntries([...own, ...brands.map((key): [PropertyKey, unknown] => [key, Reflect.get(error, key)])]);
}
