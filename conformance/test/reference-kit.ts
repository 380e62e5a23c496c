import { taskExecution } from "@mcp-task-store/core";
import type { HistoryAllowances } from "../src/history.ts";
import { Journal } from "../src/journal.ts";
import type { Kit } from "../src/kit.ts";
import { referenceTarget } from "../src/mutants.ts";
import { randomFrom } from "../src/random.ts";
import { Session } from "../src/session.ts";
import type { Target, TargetNamespace } from "../src/target.ts";

/** A kit on the correct store, as a rule gets it. */
export async function referenceKit(
  options: {
    readonly seed?: number;
    readonly unitMs?: number;
    readonly deadlineMs?: number;
    /** The target does not open bare drivers: nothing holds its calls. */
    readonly onlyStores?: true;
    /** @default the correct store */
    readonly target?: Target;
    /** The rule wants its histories judged. */
    readonly histories?: HistoryAllowances;
  } = {},
): Promise<AsyncDisposable & { readonly kit: Kit }> {
  const { seed = 1, unitMs = 50, deadlineMs = 2_000 } = options;
  const whole = await (options.target ?? referenceTarget()).namespace();
  const stores: TargetNamespace = {
    open: (wanted) => whole.open(wanted),
    [Symbol.asyncDispose]: () => whole[Symbol.asyncDispose](),
  };
  const namespace = options.onlyStores === true ? stores : whole;
  const session = new Session({
    ruleId: "test/rule",
    target: {},
    namespace,
    handles: [await namespace.open(), await namespace.open()],
    settings: {},
    able: (settings) => settings,
    timing: { unitMs, deadlineMs, callMs: { p50: 0.1, p99: 1 }, inProcess: true },
    random: randomFrom(seed),
    journal: new Journal(),
    execute: taskExecution,
    orphans: [],
    opensTwice: true,
    via: false,
    histories: options.histories,
  });
  return {
    kit: session,
    async [Symbol.asyncDispose]() {
      await session.end();
      await namespace[Symbol.asyncDispose]();
    },
  };
}
