/** A test file for `node --test`: node-test.test.ts looks at what comes of it. */
import { describeConformance } from "../../src/node-test.ts";
import { referenceStore, storeTarget } from "../../src/targets.ts";

describeConformance(
  storeTarget({
    name: "cancels twice",
    open(namespaceId, settings) {
      const store = referenceStore(namespaceId, settings);
      return {
        ...store,
        cancelTask: async (taskId, options) => {
          const task = await store.getTask(taskId, options);
          return task?.status === "completed" ? task : store.cancelTask(taskId, options);
        },
        finishTask: async (taskId, outcome, options) => {
          const task = await store.getTask(taskId, options);
          return task?.status === "cancelled" ? task : store.finishTask(taskId, outcome, options);
        },
      };
    },
  }),
  {
    rules: ["lifecycle/times", "cancel/late-result", "cancel/terminal-rejected", "durable/reopen"],
    baseline: { "cancel/late-result": "issue 12" },
    seed: 7,
    replays: 1,
    timing: { minDeadlineMs: 2_500, rounds: 5 },
  },
);
