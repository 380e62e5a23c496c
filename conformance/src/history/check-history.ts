import { fateOf } from "./answers.ts";
import type { History } from "./history-data.ts";
import { checkedHistory, checkedSteps, invalid } from "./history-schema.ts";
import { OrderSearch, type Piece } from "./order-search.ts";
import { type Showing, shownTask, stateOfShown } from "./shown-task.ts";
import { NO_TASK, type TaskState } from "./task-state.ts";
import { findWitness, type HistoryWitness } from "./witness.ts";

export interface CheckHistoryOptions {
  /** How many states of the search may be looked at before it gives up. @default 100,000; range 1 to 100,000,000 */
  readonly maxSteps?: number | undefined;
}

/** Whether some order of the calls explains every answer. `steps` is how many states of the search were looked at. */
export type HistoryVerdict =
  /** `order`: such an order, by the calls' places among the history's calls; those that did nothing are not in it. */
  | { readonly linearizable: true; readonly order: readonly number[]; readonly steps: number }
  | { readonly linearizable: false; readonly witness: HistoryWitness; readonly steps: number }
  /** Too many orders to try: that says nothing against the store. */
  | { readonly linearizable: "undecided"; readonly steps: number };

export const DEFAULT_MAX_STEPS = 100_000;

/**
 * Whether a history is linearizable: whether each call may have taken place at one instant between its start and its
 * end, such that the contract of `TaskStore` explains all the answers, those of losers too. A call that ended with
 * WRITE_OUTCOME_UNKNOWN, CLOSED or an error that is no store's, or that never ended, may have taken place at any time
 * after its start, or never; what a write shows of the task may be from a moment after it took place. A cancelled task
 * may vanish at any time. Everything else that is free in the contract is free here, too: a correct store, however it is
 * built, always passes.
 * @throws TaskStoreError INVALID_ARGUMENT naming what is wrong in the history or the options
 */
export function checkHistory(history: History, options: CheckHistoryOptions = {}): HistoryVerdict {
  const maxSteps = checkedSteps(options.maxSteps ?? DEFAULT_MAX_STEPS);
  const { taskId, before, calls, allows = {}, shows } = checkedHistory(history);
  const showing: Showing = { taskId, parts: shows && new Set(shows) };
  const pieces = calls.flatMap((call, index): readonly Piece[] => {
    const fate = fateOf(call, showing);
    if (fate.kind === "void") return [];
    const end = fate.kind === "unknown" ? Infinity : (call.end ?? Infinity);
    return [{ index, call, start: call.start, end, fate }];
  });
  const first = stateBefore(before, showing);
  const search = new OrderSearch(pieces, allows, maxSteps);
  const found = search.run(first);
  const { steps } = search;
  if (found.kind === "out-of-steps") return { linearizable: "undecided", steps };
  if (found.kind === "ordered") return { linearizable: true, order: found.order.map(({ index }) => index), steps };
  const witness = findWitness(history, { pieces, before: first, allows, maxSteps });
  return { linearizable: false, witness, steps };
}

function stateBefore(before: History["before"], showing: Showing): TaskState {
  if (before === null) return NO_TASK;
  const shown = shownTask(before, showing);
  if (shown === undefined) throw invalid("history.before", "must be this task, with the parts that its answers show");
  return stateOfShown(shown, before.lease !== undefined);
}
