import type { Lease, Task } from "@mcp-task-store/core";
import { type Attempt, attempt, CouldNotRun } from "../attempt.ts";
import type { Kit } from "../kit.ts";
import { defineRule, type Rule } from "../rule.ts";
import { fulfilled, refused, unchanged, which } from "../wants.ts";
import { COMPLETED } from "./endings.ts";
import { turnsOn, warm } from "./wired-calls.ts";

const HOUR_MS = 3_600_000;
/** More turns than a finish of any store is expected to take. */
const MAX_TURNS = 4;

interface LateFinish {
  readonly turn: number;
  readonly end: Attempt<Task>;
  /** What another got of the task after the lease; undefined: it had ended by then. */
  readonly taken: Lease | undefined;
  readonly after: Task | undefined;
}

/** Holds a finish at one turn of its wire until its lease has run out and another has the task. */
async function finishLate(kit: Kit, turn: number): Promise<LateFinish> {
  const { store, wire } = await warm(kit);
  const { taskId } = await kit.task();
  const { unitMs } = kit.timing;
  const lease = await store.acquireLease(taskId, { holder: "slow", leaseMs: unitMs });
  if (lease === undefined) throw new CouldNotRun("a fresh task could not be leased");
  const held = wire.holdTurn(turn, "request");
  const call = attempt(store.finishTask(taskId, COMPLETED, { lease: lease.token }));
  await kit.settles(Promise.race([held.arrived, call]));
  await kit.elapse(unitMs);
  const taken = await kit.B.acquireLease(taskId, { holder: "next", leaseMs: HOUR_MS });
  held.release();
  const settled = await kit.settles(call);
  const end = settled.kind === "fulfilled" ? settled.value : settled;
  return { turn, end, taken, after: await kit.B.getTask(taskId) };
}

/** How many turns a finish under a lease takes. */
async function turnsOfFinish(kit: Kit): Promise<number> {
  const wired = await warm(kit);
  return turnsOn(wired, "finish", async () => {
    const { taskId } = await kit.task();
    const lease = await wired.store.acquireLease(taskId, { holder: "quick", leaseMs: HOUR_MS });
    return () => wired.store.finishTask(taskId, COMPLETED, { lease: lease?.token });
  });
}

export const lateFinish: Rule = defineRule({
  id: "lease/late-finish",
  title: "A finish that was on its way when its lease passed to another changes nothing",
  level: "promise",
  source: ["P1", "P8"],
  needs: ["via"],
  mutants: ["lapse-check-write"],
  async act(kit) {
    const turns = Math.min(MAX_TURNS, await turnsOfFinish(kit));
    return Promise.all(Array.from({ length: turns }, (_, index) => finishLate(kit, index + 1)));
  },
  judge(expect, seen) {
    for (const { turn, end, taken, after } of seen) {
      const did = `finish, held before turn ${turn} until the lease had run out and another had the task`;
      if (taken === undefined) {
        expect(`${did}: it had landed before`, end, fulfilled());
        expect(
          `${did}: it had landed before, then read`,
          after,
          which("completed", (task) => task?.status === "completed"),
        );
      } else {
        expect(did, end, refused("LEASE_LOST"));
        expect(`${did}, then read`, after, unchanged(taken.task));
      }
    }
  },
});
