import { setTimeout } from "node:timers/promises";
import { fulfilledValues } from "../attempt.ts";
import type { Kit } from "../kit.ts";
import { defineRule, type Rule } from "../rule.ts";
import { equalTo, fulfilled, unchanged } from "../wants.ts";

/** Leases that are let run out at a time. */
const BATCH = 24;
/** The shortest ttl to wait for. */
const SHORT_MS = 10;

/** Leaves maintenance nothing to do. */
async function flush(kit: Kit): Promise<void> {
  await kit.until(
    () => kit.A.maintain(),
    ({ more }) => !more,
  );
}

/**
 * Tasks whose leases have run out. A round of maintenance that is limited to one looks at just the one that was given
 * out last.
 */
function lapsed(kit: Kit): () => Promise<string> {
  let ready: string[] = [];
  return async () => {
    if (ready.length === 0) ready = await lapsedOnes(kit, BATCH);
    const [next = "", ...rest] = ready;
    ready = rest;
    return next;
  };
}

async function lapsedOnes(kit: Kit, count: number): Promise<string[]> {
  await flush(kit);
  const leaseMs = Math.max(kit.timing.unitMs, kit.A.capabilities.minLeaseMs);
  const made: string[] = [];
  while (made.length < count) {
    const { taskId } = await kit.task();
    await kit.A.acquireLease(taskId, { holder: "lost", leaseMs });
    made.push(taskId);
    // No two of them at the same ms: maintenance is to come to them in this order.
    await setTimeout(2);
  }
  await kit.elapse(leaseMs);
  return made;
}

/** A task that has expired, and nothing else for maintenance to do. */
async function expired(kit: Kit): Promise<string> {
  await flush(kit);
  const { taskId } = await kit.task({ ttlMs: Math.max(SHORT_MS, kit.A.capabilities.minTtlMs) });
  await kit.until(
    () => kit.B.getTask(taskId),
    (task) => task === undefined,
  );
  return taskId;
}

/** Processes that maintain at once, what they said that they did, and the task that they failed, read before and after more. */
async function together(kit: Kit): Promise<{ readonly failed: number; readonly reads: readonly unknown[] }> {
  const [taskId = ""] = await lapsedOnes(kit, 1);
  const reports = await kit.scramble([() => kit.A.maintain(), () => kit.B.maintain(), () => kit.A.maintain()]);
  const failed = fulfilledValues(reports).reduce((sum, report) => sum + report.failed, 0);
  const first = await kit.B.getTask(taskId);
  await kit.B.maintain();
  return { failed, reads: [first, await kit.A.getTask(taskId)] };
}

export const maintainRace: Rule = defineRule({
  id: "ttl/maintain-race",
  title: "Maintenance looks again before it acts: what was taken or made again meanwhile lives",
  level: "promise",
  source: ["P1", "P7", "P8"],
  mutants: ["purge-by-id", "recover-by-id"],
  histories: { expiry: true, lapse: true },
  settings: () => ({ maintenance: false, orphanPolicy: "fail" }),
  async act(kit) {
    const taken = await kit.duel({
      isCostly: true,
      over: lapsed(kit),
      left: () => kit.A.maintain({ limit: 1 }),
      right: (taskId) => kit.B.acquireLease(taskId, { holder: "next", leaseMs: 3_600_000 }),
      after: (taskId) => kit.B.getTask(taskId),
    });
    const remade = await kit.duel({
      isCostly: true,
      over: () => expired(kit),
      left: () => kit.A.maintain(),
      right: (taskId) => kit.B.createTask({ taskId, statusMessage: "again" }),
      after: (taskId) => kit.B.getTask(taskId),
    });
    const stopped = await kit.duel({
      isCostly: true,
      over: lapsed(kit),
      left: () => kit.A.maintain({ limit: 1 }),
      right: (taskId) => kit.B.cancelTask(taskId),
      after: (taskId) => kit.B.getTask(taskId),
    });
    return { taken, remade, stopped, once: await together(kit) };
  },
  judge(expect, { taken, remade, stopped, once }) {
    for (const { right, after, pause } of stopped) {
      const did = `maintain by A while B cancels a task whose lease ran out (${pause})`;
      if (after !== undefined)
        expect(`${did}, then read`, after.status, equalTo(right.kind === "fulfilled" ? "cancelled" : "failed"));
    }
    for (const { right, after, pause } of taken) {
      const did = `maintain by A while B takes a task whose lease ran out (${pause})`;
      if (right.kind !== "fulfilled" || right.value === undefined) {
        expect(`${did}: it was not taken; its status`, after?.status, equalTo("failed"));
      } else {
        expect(`${did}: it was taken; the task`, after, unchanged(right.value.task));
      }
    }
    for (const { right, after, pause } of remade) {
      const did = `maintain by A while B makes a task again that has expired (${pause})`;
      expect(did, right, fulfilled());
      if (right.kind === "fulfilled") expect(`${did}, then read`, after, unchanged(right.value));
    }
    const did = "maintain three times at once over two handles, with one task whose worker was lost";
    expect(`${did}: how many they failed together`, once.failed, equalTo(1));
    const [first, second] = once.reads;
    expect(`${did}, and once more: the task`, second, equalTo(first));
  },
});
