import { TaskStoreError, type TaskStore } from "@mcp-task-store/core";
import { expect, it } from "vitest";
import { runConformance } from "../src/index.ts";
import { Journal, observed } from "../src/journal.ts";
import { overStore } from "../src/mutants/over-store.ts";
import { referenceStore, storeTarget } from "../src/targets.ts";

it("shows the call that a failure is about, however many came after it", async () => {
  const unforced = (store: TaskStore): TaskStore =>
    overStore(store, {
      root: (inner) => ({
        finishTask: (taskId, outcome, options) => inner.finishTask(taskId, outcome, { ...options, force: false }),
      }),
    });
  const target = storeTarget({ name: "unforced", open: (id, settings) => unforced(referenceStore(id, settings)) });
  const timing = { minDeadlineMs: 2_500, rounds: 5 };
  const report = await runConformance(target, { rules: ["lease/fenced"], replays: 0, timing });
  expect(report.rules).toMatchObject([{ outcome: "fail", failure: { did: "finish it by force" } }]);
  const calls = report.rules[0]?.failure?.calls ?? [];
  expect(calls.filter((call) => call.includes("force: true") && call.endsWith("→ LEASE_LOST"))).toHaveLength(1);
  expect(calls[0]).toMatch(/^… \d+ calls before$/);
  expect(calls.filter((call) => call.startsWith("…"))).toHaveLength(2);
  expect(calls).toHaveLength(12 + 1 + 2);
});

/** A store of one method, which answers as it is told. */
function answering(): { readonly journal: Journal; readonly store: { answer(value: unknown): Promise<unknown> } } {
  const journal = new Journal();
  const answer = async (value: unknown): Promise<unknown> => {
    if (value instanceof Error) throw value;
    return value;
  };
  return { journal, store: observed({ answer }, "A", journal, 60_000) };
}

it("shows each call once, in order, with the gaps between them", async () => {
  const { journal, store } = answering();
  const [first, second] = [{ first: true }, new TaskStoreError("CLOSED", "The store is closed.")];
  await store.answer("before");
  await store.answer(first);
  for (const value of ["between", "them"]) await store.answer(value);
  await expect(store.answer(second)).rejects.toBe(second);
  for (let nth = 1; nth <= 20; nth += 1) await store.answer(nth);
  const seen = { calls: [{ kind: "rejected", error: second }, { kind: "fulfilled", value: first }, second] };
  const lines = journal.callsAround(seen);
  expect(lines.slice(0, 6)).toEqual([
    "… 1 call before",
    "A.answer({ first: true }) → { first: true }",
    "… 2 calls",
    expect.stringMatching(/^A\.answer\(.*CLOSED.*\) → CLOSED$/),
    "… 8 calls",
    "A.answer(9) → 9",
  ]);
  expect(lines).toHaveLength(5 + 12);
  expect(journal.callsAround(undefined)).toEqual(["… 13 calls before", ...lines.slice(5)]);
});

it("runs nothing of what was seen to find its calls", () => {
  const { journal } = answering();
  const never = (): never => {
    throw new Error("looked at");
  };
  const hostile = new Proxy({}, { get: never, ownKeys: never, getOwnPropertyDescriptor: never, getPrototypeOf: never });
  const circular: Record<string, unknown> = {
    get value() {
      return never();
    },
    hostile,
  };
  circular["itself"] = circular;
  expect(journal.callsAround(circular)).toEqual([]);
});
