import { isTerminal, type Lease, type Task, type TaskStore } from "@mcp-task-store/core";
import { type Attempt, attempt } from "../attempt.ts";
import type { Kit, Wired } from "../kit.ts";
import { questionFor } from "../question.ts";
import { defineRule, type Rule } from "../rule.ts";
import { fulfilled, refused, unchanged } from "../wants.ts";
import { COMPLETED } from "./endings.ts";
import { leasedTask } from "./leased-task.ts";
import { unmaintained } from "./unmaintained.ts";
import { turnsOn, warm } from "./wired-calls.ts";

const HOUR_MS = 3_600_000;
/** More turns than a write of any store is expected to take. */
const MAX_TURNS = 4;

/** What a worker writes with its token, and how to see that it was applied before another tried to take the task. */
interface LeasedWrite {
  readonly send: (store: TaskStore, taskId: string, token: number) => Promise<unknown>;
  readonly shows: (task: Task, granted: Lease, taken: Lease | undefined) => boolean;
}

const LEASED_WRITES: Readonly<Record<string, LeasedWrite>> = {
  finish: {
    send: (store, taskId, lease) => store.finishTask(taskId, COMPLETED, { lease }),
    shows: ({ status }) => status === "completed",
  },
  report: {
    send: (store, taskId, lease) => store.updateTask(taskId, { statusMessage: "late" }, { lease }),
    shows: ({ statusMessage }) => statusMessage === "late",
  },
  ask: {
    send: (store, taskId, lease) => store.requestInputs(taskId, { late: questionFor("late") }, { lease }),
    shows: ({ status }) => status === "input_required",
  },
  renew: {
    send: (store, taskId, token) => store.renewLease(taskId, token, { leaseMs: HOUR_MS }),
    shows: ({ lease }, granted, taken) =>
      taken === undefined && lease !== undefined && Date.parse(lease.expiresAt) > Date.parse(granted.expiresAt),
  },
};

interface LateWrite {
  readonly did: string;
  /** Whether it had been applied before its lease ran out. */
  readonly landed: boolean;
  readonly end: Attempt<unknown>;
  /** The task as another took it once the lease had run out; where it could not, as it was then. */
  readonly before: Task | undefined;
  readonly after: Task | undefined;
}

/** A task that this handle has taken, with nothing of that on its way any more: what is not answered hides a turn. */
async function leased(kit: Kit, { store }: Wired, leaseMs: number): Promise<Lease> {
  const lease = await leasedTask(kit, store, leaseMs);
  await store.getTask(lease.taskId);
  return lease;
}

/** Holds a write at one turn of its wire, reached in time, until its lease has run out and another has the task. */
async function writeLate(kit: Kit, name: string, { send, shows }: LeasedWrite, turn: number): Promise<LateWrite> {
  const wired = await warm(kit, unmaintained());
  const did = `${name}, held before turn ${turn} until the lease had run out and another had the task`;
  return kit.within(async (leaseMs, fromNow) => {
    const startedAt = performance.now();
    const lease = await leased(kit, wired, leaseMs);
    const { taskId } = lease;
    const held = wired.wire.holdTurn(turn, "request");
    const call = attempt(send(wired.store, taskId, lease.token));
    await kit.settles(Promise.race([held.arrived, call]));
    const isLate = performance.now() - startedAt >= leaseMs;
    await kit.elapse(leaseMs);
    const taken = await kit.B.acquireLease(taskId, { holder: "next", leaseMs: HOUR_MS });
    const before = taken?.task ?? (await kit.B.getTask(taskId));
    held.release();
    const settled = await kit.settles(call);
    const end = settled.kind === "fulfilled" ? settled.value : settled;
    const landed = before !== undefined && shows(before, lease, taken);
    const after = await kit.B.getTask(taskId);
    fromNow();
    return isLate ? undefined : { did, landed, end, before, after };
  });
}

/** Each write, held before each of its turns. */
async function allLateWrites(kit: Kit): Promise<readonly LateWrite[]> {
  const wired = await warm(kit, unmaintained());
  const plans: (() => Promise<LateWrite>)[] = [];
  for (const [name, write] of Object.entries(LEASED_WRITES)) {
    const turns = await turnsOn(wired, name, async () => {
      const { taskId, token } = await leased(kit, wired, HOUR_MS);
      return () => write.send(wired.store, taskId, token);
    });
    for (let turn = 1; turn <= Math.min(MAX_TURNS, turns); turn += 1) {
      plans.push(() => writeLate(kit, name, write, turn));
    }
  }
  return Promise.all(plans.map((play) => play()));
}

export const lateFinish: Rule = defineRule({
  id: "lease/late-finish",
  title: "A write that was on its way when its lease passed to another changes nothing",
  level: "promise",
  source: ["P1", "P8"],
  needs: ["via"],
  mutants: ["lapse-check-write", "lapse-check-ask", "lapse-check-renew"],
  settings: unmaintained,
  act: allLateWrites,
  judge(expect, seen) {
    for (const { did, landed, end, before, after } of seen) {
      if (landed) {
        expect(`${did}: it had landed before`, end, fulfilled());
      } else {
        // A store that cannot be told to leave maintenance to the kit may have failed the task meanwhile.
        const ended = before === undefined || isTerminal(before.status);
        expect(did, end, ended ? refused("LEASE_LOST", "TASK_TERMINAL", "TASK_NOT_FOUND") : refused("LEASE_LOST"));
      }
      if (before !== undefined) expect(`${did}, then read`, after, unchanged(before));
    }
  },
});
