import { taskExecution } from "@mcp-task-store/core";
import { Journal } from "../src/journal.ts";
import type { Kit } from "../src/kit.ts";
import { referenceTarget } from "../src/mutants.ts";
import { randomFrom } from "../src/random.ts";
import { Session } from "../src/session.ts";

/** A kit on the correct store, as a rule gets it. */
export async function referenceKit(
  options: { readonly seed?: number; readonly unitMs?: number; readonly deadlineMs?: number } = {},
): Promise<AsyncDisposable & { readonly kit: Kit }> {
  const { seed = 1, unitMs = 50, deadlineMs = 2_000 } = options;
  const namespace = await referenceTarget().namespace();
  const session = new Session({
    ruleId: "test/rule",
    target: {},
    namespace,
    handles: [await namespace.open(), await namespace.open()],
    settings: {},
    timing: { unitMs, deadlineMs, callMs: { p50: 0.1, p99: 1 }, inProcess: true },
    random: randomFrom(seed),
    journal: new Journal(),
    execute: taskExecution,
    orphans: [],
  });
  return {
    kit: session,
    async [Symbol.asyncDispose]() {
      await session.end();
      await namespace[Symbol.asyncDispose]();
    },
  };
}
