import { setImmediate } from "node:timers/promises";
import { checkHistory } from "../history/check-history.ts";
import type { History } from "../history/history-data.ts";
import { describeCall, witnessLines } from "../history/witness.ts";
import type { Witness } from "../rule.ts";
import { verbatim } from "../shown.ts";

/**
 * How many states the search for an order may look at, about twenty times what any history of the rules needs: what
 * takes more stays undecided, which is no failure.
 */
const MAX_STEPS = 2_000;

/** After so many histories others in this process have their turn. */
const BATCH = 20;

/**
 * The first of these histories that no order of its calls explains, as the proof against a store. What is wrong without
 * any calls at the same time is left to the rules about just that, unless the rule wants `every` one.
 */
export async function wrongHistory(histories: readonly History[], every = false): Promise<Witness | undefined> {
  for (const [index, history] of histories.entries()) {
    if (index % BATCH === BATCH - 1) await setImmediate();
    const verdict = checkHistory(history, { maxSteps: MAX_STEPS });
    if (verdict.linearizable !== false || (!every && !verdict.witness.overlaps)) continue;
    const { witness } = verdict;
    const { call, told, couldHaveBeenTold } = witness;
    return {
      did: `all ${witness.prefix.length} calls on a task up to call ${describeCall(history.calls[call], call)}`,
      seen: verbatim(told),
      wants: `an answer that some order of the calls explains: ${couldHaveBeenTold.join(", or ")}`,
      calls: witnessLines(history, witness),
    };
  }
  return undefined;
}
