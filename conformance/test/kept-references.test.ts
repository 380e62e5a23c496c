import type { TaskOutcome, TaskStore } from "@mcp-task-store/core";
import { expect, it } from "vitest";
import { runConformance } from "../src/index.ts";
import { overStore } from "../src/mutants/over-store.ts";
import { COMPLETED } from "../src/rules/endings.ts";
import { referenceStore, storeTarget } from "../src/targets.ts";

/** Gives out the very outcome that it was given, which a caller may then write over. */
function keepingOutcomes(store: TaskStore): TaskStore {
  const kept = new Map<string, TaskOutcome>();
  return overStore(store, {
    root: (inner) => ({
      async finishTask(taskId, outcome, options) {
        const task = await inner.finishTask(taskId, outcome, options);
        kept.set(taskId, outcome);
        return task;
      },
    }),
    methods: (inner) => ({
      getOutcome: async (taskId, options) => kept.get(taskId) ?? inner.getOutcome(taskId, options),
      getTask: async (taskId, options) => {
        const task = await inner.getTask(taskId, options);
        const outcome = options?.outcome === true ? kept.get(taskId) : undefined;
        return task === undefined || outcome === undefined ? task : { ...task, outcome };
      },
    }),
  });
}

it("blames a store that keeps references for that alone, and shows calls as they were when they were made", async () => {
  const before = structuredClone(COMPLETED);
  const target = storeTarget({
    name: "keeps outcomes",
    opensTwice: false,
    open: (namespace, settings) => keepingOutcomes(referenceStore(namespace, settings)),
  });
  const report = await runConformance(target, {
    rules: ["lifecycle/copies-out", "lifecycle/terminal-final", "cancel/terminal-rejected"],
    concurrency: 1,
    replays: 1,
    timing: { minDeadlineMs: 2_500, rounds: 5 },
  });
  expect(COMPLETED).toEqual(before);
  expect(report.rules.filter(({ outcome }) => outcome !== "pass").map(({ id }) => id)).toEqual([
    "lifecycle/copies-out",
  ]);
  const [failed] = report.rules.filter(({ id }) => id === "lifecycle/copies-out");
  const calls = failed?.failure?.calls ?? [];
  const finish = calls.find((call) => call.includes("finishTask("));
  expect(finish).toContain("{ status: 'completed', result: { answer: 42");
  expect(calls.find((call) => call.includes("getOutcome("))).toContain("→ { status: 'completed'");
});

it("writes over no task of others, even if a store lists them", async () => {
  const others = { taskId: "another rule's", outcome: COMPLETED };
  const listing = (store: TaskStore): TaskStore =>
    overStore(store, {
      methods: (inner) => ({
        async listTasks(page, options) {
          const { tasks } = await inner.listTasks(page, options);
          return { tasks: tasks.flatMap((task) => [{ ...task, ...others }, task]) };
        },
      }),
    });
  const target = storeTarget({
    name: "lists others",
    opensTwice: false,
    open: (namespace, settings) => listing(referenceStore(namespace, settings)),
  });
  const before = structuredClone(COMPLETED);
  await runConformance(target, { rules: ["lifecycle/copies-out"], replays: 0, timing: { rounds: 5 } });
  expect(COMPLETED).toEqual(before);
});
