/** A store that neither lists nor keeps messages is judged by the rest of what rules about these look at. */
import { TaskStoreError, type TaskStore } from "@mcp-task-store/core";
import { expect, it } from "vitest";
import { runConformance } from "../src/index.ts";
import { mutants } from "../src/mutants.ts";
import type { Target } from "../src/targets.ts";

async function notSupported(): Promise<never> {
  throw new TaskStoreError("NOT_SUPPORTED", "This store cannot do that.");
}

function withLess(store: TaskStore): TaskStore {
  return {
    ...store,
    capabilities: { ...store.capabilities, listing: false, messages: false },
    messages: { push: notSupported, shift: notSupported, drain: notSupported },
    listTasks: notSupported,
    scoped: (principal) => ({ ...store.scoped(principal), listTasks: notSupported }),
  };
}

function narrowed(target: Target): Target {
  return {
    ...target,
    async namespace() {
      const namespace = await target.namespace();
      return { ...namespace, open: async (options) => withLess(await namespace.open(options)) };
    },
  };
}

it.each([
  ["scope-casefold", "scope/exact"],
  ["scope-joined-key", "scope/exact"],
  ["scope-from-params", "scope/owner"],
  ["unowned-public", "scope/owner"],
  ["inputs-outlive", "ttl/all-gone"],
  ["outcome-outlives", "ttl/all-gone"],
])("%s is found in a store that neither lists nor keeps messages, by %s", async (name, rule) => {
  const mutant = mutants.find((one) => one.name === name);
  if (mutant === undefined) throw new Error(`no mutant is called ${name}`);
  const options = { rules: [rule], replays: 0, timing: { minDeadlineMs: 2_500, rounds: 5 } };
  const report = await runConformance(narrowed(mutant.plant().target), options);
  expect(report.rules).toMatchObject([{ id: rule, outcome: "fail", failure: { by: "judge" } }]);
});
