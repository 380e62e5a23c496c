import type { JsonObject, Task } from "@mcp-task-store/core";
import { type Attempt, attempt, CouldNotRun } from "../attempt.ts";
import { deferred } from "../deferred.ts";
import type { Kit } from "../kit.ts";
import { defineRule, type Rule } from "../rule.ts";
import { settled, unchanged } from "../wants.ts";
import { takenAgain } from "./unmaintained.ts";

/** How a worker ends that has lost its lease without knowing it. */
const ENDS: Readonly<Record<string, () => JsonObject | undefined>> = {
  throws: () => {
    throw new Error("the work failed");
  },
  "returns a result": () => ({ answer: 42 }),
  "returns nothing": () => undefined,
};

const NOT_TAKEN =
  "no other could take the task of a run whose heartbeats were held: it keeps its lease by other calls, or is handed to nobody";

interface LostLease {
  readonly end: string;
  readonly aborted: Attempt<void>;
  readonly run: Attempt<unknown>;
  readonly taken: Task;
  readonly after: readonly (Task | undefined)[];
}

/** A run whose heartbeats are held until another process has taken its task. */
async function loseLease(kit: Kit, end: string, finish: () => JsonObject | undefined): Promise<LostLease> {
  const { taskId } = await kit.task();
  const gate = kit.gate(kit.A);
  const [started, heard, free] = [deferred(), deferred(), deferred()];
  const run = attempt(
    kit.execute(
      gate.store,
      taskId,
      async ({ signal }) => {
        signal.addEventListener("abort", () => heard.resolve());
        started.resolve();
        await free.promise;
        return finish();
      },
      { leaseMs: kit.timing.unitMs },
    ),
  );
  await Promise.race([started.promise, run]);
  const heartbeats = gate.holdAll("renewLease");
  await kit.elapse(kit.timing.unitMs);
  // A heartbeat may have been on its way already.
  const lease = await kit.until(
    () => kit.B.acquireLease(taskId, { holder: "next", leaseMs: 3_600_000 }),
    (found) => found !== undefined,
    kit.timing.unitMs,
  );
  if (lease === undefined) throw new CouldNotRun(NOT_TAKEN);
  const aborted = await kit.settles(heard.promise);
  free.resolve();
  const ended = await kit.settles(run);
  const after = [await kit.B.getTask(taskId)];
  heartbeats.release();
  // The held heartbeats are answered before this read is.
  after.push(await kit.A.getTask(taskId), await kit.B.getTask(taskId));
  return { end, aborted, run: ended, taken: lease.task, after };
}

export const lostLease: Rule = defineRule({
  id: "exec/lost-lease",
  title: "A worker that has lost its lease stops, and writes nothing more",
  level: "promise",
  source: ["P8"],
  mutants: ["exec-writes-after-loss"],
  settings: takenAgain,
  act: (kit) => Promise.all(Object.entries(ENDS).map(([end, finish]) => loseLease(kit, end, finish))),
  judge(expect, seen) {
    for (const { end, aborted, run, taken, after } of seen) {
      const did = `hold the heartbeats of a run in A until B has taken its task; then its handler ${end}`;
      expect(`${did}: its signal`, aborted, settled);
      expect(`${did}: the run`, run, settled);
      for (const read of after) expect(`${did}, then read the task of B`, read, unchanged(taken));
    }
  },
});
