import { TaskStoreError, type TaskStore } from "@mcp-task-store/core";
import { expect, it } from "vitest";
import { describeRule, type Report, runConformance } from "../src/index.ts";
import { hang, overStore } from "../src/mutants/over-store.ts";
import { referenceStore, storeTarget } from "../src/targets.ts";

/** What a store that is not finished yet is told by some rules. */
async function reportOn(change: (store: TaskStore) => TaskStore, rules: readonly string[]): Promise<Report> {
  const target = storeTarget({
    name: "unfinished",
    opensTwice: false,
    open: (namespace, settings) => change(referenceStore(namespace, settings)),
  });
  return runConformance(target, { rules, seed: 7, replays: 1, timing: { minDeadlineMs: 2_500, rounds: 5 } });
}

it("fails soon where a handler cannot ask, instead of waiting for a question that never comes", async () => {
  const refusing = (store: TaskStore): TaskStore =>
    overStore(store, {
      root: () => ({
        requestInputs: async () => {
          throw new TaskStoreError("NOT_SUPPORTED", "not yet");
        },
      }),
    });
  const report = await reportOn(refusing, ["exec/inputs"]);
  expect(report.rules).toMatchObject([{ outcome: "fail", failure: { by: "call", wanted: "no error" } }]);
  const { did, calls = [] } = report.rules[0]?.failure ?? {};
  expect(did).toMatch(/^call A\.\w+, which must not fail here$/);
  expect(calls.some((call) => call.includes("requestInputs(") && call.endsWith("→ NOT_SUPPORTED"))).toBe(true);
});

it("fails a store that lets no task expire, and says why other rules could not run, and how to run them again", async () => {
  const eternal = (store: TaskStore): TaskStore =>
    overStore(store, {
      root: (inner) => ({
        createTask: async (params) => {
          const task = await inner.createTask({ ...params, ttlMs: null });
          return { ...task, ttlMs: params?.ttlMs ?? null };
        },
      }),
    });
  const report = await reportOn(eternal, ["ttl/gone", "ttl/no-return"]);
  const [gone, noReturn] = report.rules;
  expect(gone).toMatchObject({ id: "ttl/gone", outcome: "fail", failure: { by: "judge" } });
  expect(gone?.failure?.did).toMatch(/^create a task with a ttl of \d+ ms, and read it when .* later$/);
  expect(noReturn).toMatchObject({ id: "ttl/no-return", outcome: "could-not-run" });
  const text = noReturn === undefined ? "" : describeRule(noReturn, report);
  expect(text).toMatch(/^ {2}a task with a ttl of \d+ ms was still there \d+ ms after its end: see ttl\/gone$/m);
  expect(text).toMatch(/^ {2}again {3}npx mcp-task-store-conformance run TARGET_FILE --rule ttl\/no-return --seed 7$/m);
});

const noWaits: Readonly<Record<string, TaskStore["waitForUpdate"]>> = {
  "wakes nobody": (_taskId, { signal, timeoutMs }) => hang(signal, timeoutMs),
  "never ends a wait": () => hang(),
  "refuses to wait": async () => {
    throw new TaskStoreError("NOT_SUPPORTED", "not yet");
  },
  "throws at once": () => {
    throw new Error("not yet");
  },
};

it.concurrent.each(Object.entries(noWaits))("judges a store that %s", async (_, waitForUpdate) => {
  const unwaited = (store: TaskStore): TaskStore => overStore(store, { methods: () => ({ waitForUpdate }) });
  const report = await reportOn(unwaited, ["wait/hint-and-poll", "finish/final"]);
  expect(report.rules).toMatchObject([
    { id: "finish/final", outcome: "pass" },
    { id: "wait/hint-and-poll", outcome: "fail" },
  ]);
});
