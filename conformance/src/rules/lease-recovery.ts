import { setImmediate } from "node:timers/promises";
import type { Task } from "@mcp-task-store/core";
import { type Attempt, attempt } from "../attempt.ts";
import type { Kit } from "../kit.ts";
import { defineRule, type Rule } from "../rule.ts";
import { equalTo, fulfilled, refused, settled, which } from "../wants.ts";
import { COMPLETED } from "./endings.ts";

const HOUR_MS = 3_600_000;
const LEASE = which<unknown>("a lease", (seen) => seen !== undefined);

/** What becomes of three tasks of lost workers, if maintenance is limited to one and called while it says that there is more. */
async function oneByOne(kit: Kit): Promise<readonly (string | undefined)[]> {
  const tasks = await Promise.all([kit.task(), kit.task(), kit.task()]);
  for (const { taskId } of tasks) await kit.A.acquireLease(taskId, { holder: "worker", leaseMs: kit.timing.unitMs });
  await kit.elapse(kit.timing.unitMs);
  // A round may have to do with what has expired: more of them than there are tasks.
  for (let rounds = 0, more = true; more && rounds < 50; rounds += 1) ({ more } = await kit.B.maintain({ limit: 1 }));
  const after = await Promise.all(tasks.map(({ taskId }) => kit.A.getTask(taskId)));
  return after.map((task) => task?.status);
}

export const orphanFail: Rule = defineRule({
  id: "lease/orphan-fail",
  title: "The task of a lost worker fails, once, and whoever waits learns it",
  level: "promise",
  source: ["P8", "P4", "X-21"],
  mutants: ["orphan-ignored", "orphan-bare", "recover-twice", "orphan-no-wake", "more-unsaid"],
  settings: () => ({ orphanPolicy: "fail" }),
  async act(kit) {
    const { taskId } = await kit.task();
    const lease = await kit.A.acquireLease(taskId, { holder: "worker", leaseMs: kit.timing.unitMs });
    const waiting = kit.A.waitForUpdate(taskId, { since: lease?.task.revision ?? 0, signal: kit.signal });
    await kit.elapse(kit.timing.unitMs);
    await kit.B.maintain();
    const failed = await kit.B.getTask(taskId, { outcome: true });
    const woken = await kit.settles(waiting);
    await Promise.all([kit.A.maintain(), kit.B.maintain()]);
    return { failed, woken, again: await kit.A.getTask(taskId, { outcome: true }), steps: await oneByOne(kit) };
  },
  judge(expect, { failed, woken, again, steps }) {
    const whole = which<Task | undefined>(
      "failed, with an error and a message, without a lease",
      (task) =>
        task?.outcome?.status === "failed" &&
        "error" in task.outcome &&
        Boolean(task.statusMessage) &&
        task.lease === undefined,
    );
    expect("let a lease run out, maintain, read the task", failed, whole);
    expect("wait for it meanwhile", woken, settled);
    expect("wait for it meanwhile", woken, fulfilled(which("the failed task", (task) => task?.status === "failed")));
    expect("maintain again in both processes", again, equalTo(failed));
    expect(
      "let three leases run out, maintain one task at a time while there is more to do: their statuses",
      steps,
      equalTo(["failed", "failed", "failed"]),
    );
  },
});

function announcements(kit: Kit, taskId: string): number {
  return kit.orphans.filter((task) => task.taskId === taskId).length;
}

/** Waits until a task was announced that often; a store may call `onOrphan` after its maintenance has answered. */
function announced(kit: Kit, taskId: string, times: number): Promise<number> {
  return kit.until(
    async () => announcements(kit, taskId),
    (count) => count >= times,
  );
}

export const orphanRelease: Rule = defineRule({
  id: "lease/orphan-release",
  title: "With policy release another worker goes on, but not for ever",
  level: "promise",
  source: ["P8"],
  mutants: ["release-keeps-token", "orphan-unannounced", "attempts-unbounded", "attempts-reset"],
  settings: ({ announce }) => ({ orphanPolicy: "release", maxAttempts: 3, onOrphan: announce }),
  async act(kit) {
    const { taskId } = await kit.task();
    const rounds: {
      readonly token: number | undefined;
      readonly after: Task | undefined;
      readonly stale: Attempt<unknown>;
      readonly told: number;
    }[] = [];
    for (let round = 0; round < 3; round += 1) {
      const lease = await kit.A.acquireLease(taskId, { holder: "worker", leaseMs: kit.timing.unitMs });
      await kit.elapse(kit.timing.unitMs);
      await kit.B.maintain();
      const after = await kit.A.getTask(taskId, { outcome: true });
      const stale = await attempt(kit.A.finishTask(taskId, COMPLETED, { lease: lease?.token ?? 1 }));
      const told = round < 2 ? await announced(kit, taskId, round + 1) : 0;
      rounds.push({ token: lease?.token, after, stale, told });
    }
    const given = await kit.task();
    for (let round = 0; round < 5; round += 1) {
      const lease = await kit.A.acquireLease(given.taskId, { holder: "polite" });
      if (lease !== undefined) await kit.A.releaseLease(given.taskId, lease.token);
    }
    return { rounds, polite: await attempt(kit.B.acquireLease(given.taskId, { holder: "sixth" })) };
  },
  judge(expect, { rounds, polite }) {
    let before = 0;
    for (const [index, { token, after, stale, told }] of rounds.entries()) {
      const did = `let lease ${index + 1} of 3 lapse, maintain`;
      expect(
        `${did}: its token`,
        token,
        which(`above ${before}`, (seen) => seen !== undefined && seen > before),
      );
      before = token ?? 0;
      expect(`${did}: the task`, after?.status, equalTo(index < 2 ? "working" : "failed"));
      expect(`${did}: its lease`, after?.lease, equalTo(undefined));
      expect(`${did}: finish with the old token`, stale, refused("LEASE_LOST", "TASK_TERMINAL"));
      if (index < 2)
        expect(
          `${did}: calls of onOrphan so far`,
          told,
          which(`${index + 1} or more`, (seen) => seen > index),
        );
    }
    expect("take and give back a task five times, take it again", polite, fulfilled(LEASE));
  },
});

export const claim: Rule = defineRule({
  id: "lease/claim",
  title: "A task that nobody claims is announced again, and never failed for it",
  level: "promise",
  source: ["P8"],
  mutants: ["claim-forgotten", "claim-fails", "claim-from-create", "orphan-unannounced"],
  settings: ({ timing, announce }) => ({ claimWithinMs: timing.unitMs, onOrphan: announce }),
  async act(kit) {
    const { unitMs } = kit.timing;
    const fresh = await kit.task();
    const asked = await kit.asked(["k"]);
    const answered = await kit.asked(["k"]);
    const released = await kit.task();
    const lease = await kit.A.acquireLease(released.taskId, { holder: "polite", leaseMs: HOUR_MS });
    await kit.elapse(unitMs);
    await kit.B.maintain();
    const first = await announced(kit, fresh.taskId, 1);
    const created = {
      fresh: first,
      asked: announcements(kit, asked.taskId),
      released: announcements(kit, released.taskId),
    };
    await kit.A.answerInputs(answered.taskId, { k: { action: "accept" } });
    if (lease !== undefined) await kit.A.releaseLease(released.taskId, lease.token);
    await kit.elapse(unitMs);
    await kit.B.maintain();
    const tasks = await Promise.all([fresh, asked, answered, released].map((task) => kit.A.getTask(task.taskId)));
    return {
      created,
      answered: await announced(kit, answered.taskId, 1),
      released: await announced(kit, released.taskId, 1),
      again: await announced(kit, fresh.taskId, 2),
      tasks,
    };
  },
  judge(expect, { created, answered, released, again, tasks }) {
    const once = which<number>("one call of onOrphan or more", (count) => count > 0);
    expect("let the claim period go by after create, maintain", created.fresh, once);
    expect("the same with a task in input_required", created.asked, equalTo(0));
    expect("the same with a leased task", created.released, equalTo(0));
    expect("let it go by after the last answer, maintain", answered, once);
    expect("let it go by after a release, maintain", released, once);
    expect(
      "let it go by once more for the first task",
      again,
      which("two or more", (count) => count > 1),
    );
    const statuses = tasks.map((task) => task?.status);
    expect("read all those tasks", statuses, equalTo(["working", "input_required", "working", "working"]));
  },
});

export const handedOn: Rule = defineRule({
  id: "lease/handed-on",
  title: "A worker that gives a task back may have it announced sooner",
  level: "promise",
  source: ["P8"],
  mutants: ["release-claim-ignored"],
  settings: ({ announce }) => ({ claimWithinMs: HOUR_MS, onOrphan: announce }),
  async act(kit) {
    const { unitMs } = kit.timing;
    const [hurried, calm, busy] = await Promise.all([kit.task(), kit.task(), kit.task()]);
    const give = async ({ taskId }: Task, claimWithinMs?: number): Promise<void> => {
      const lease = await kit.A.acquireLease(taskId, { holder: "polite", leaseMs: HOUR_MS });
      if (lease !== undefined) await kit.A.releaseLease(taskId, lease.token, { claimWithinMs });
    };
    await Promise.all([give(hurried, unitMs), give(calm)]);
    const stopping = new AbortController();
    const run = kit.execute(
      kit.A,
      busy.taskId,
      async ({ signal }) => {
        stopping.abort();
        signal.throwIfAborted();
      },
      { leaseMs: HOUR_MS, signal: stopping.signal },
    );
    const stopped = await kit.settles(run);
    await kit.elapse(unitMs);
    await kit.B.maintain();
    return {
      hurried: await announced(kit, hurried.taskId, 1),
      busy: await announced(kit, busy.taskId, 1),
      calm: announcements(kit, calm.taskId),
      stopped,
    };
  },
  judge(expect, { hurried, busy, calm, stopped }) {
    const once = which<number>("one call of onOrphan or more", (count) => count > 0);
    expect("release with a short claim period, let it go by, maintain", hurried, once);
    expect("release without one", calm, equalTo(0));
    expect("let a worker shut down midway", stopped, fulfilled(which("working", (task) => task.status === "working")));
    expect("maintain then", busy, once);
  },
});

export const refusedHandOver: Rule = defineRule({
  id: "lease/refused-hand-over",
  title: "A task whose hand-over failed is announced again soon",
  level: "promise",
  source: ["P8"],
  mutants: ["hand-over-swallowed"],
  settings: ({ announce }) => {
    const refused = new Set<string>();
    return {
      claimWithinMs: HOUR_MS,
      onOrphan(task) {
        if (refused.has(task.taskId)) return announce(task);
        refused.add(task.taskId);
        throw new Error("this process is about to stop");
      },
    };
  },
  async act(kit) {
    const { unitMs } = kit.timing;
    const { taskId } = await kit.task();
    const lease = await kit.A.acquireLease(taskId, { holder: "polite", leaseMs: HOUR_MS });
    if (lease !== undefined) await kit.A.releaseLease(taskId, lease.token, { claimWithinMs: unitMs });
    await kit.elapse(unitMs);
    return kit.until(
      async () => {
        await kit.B.maintain();
        await setImmediate();
        return announcements(kit, taskId);
      },
      (count) => count > 0,
    );
  },
  judge(expect, count) {
    const once = which<number>("one call of onOrphan or more", (seen) => seen > 0);
    expect("let onOrphan throw once, then maintain on: the calls after that", count, once);
  },
});

export const claimKept: Rule = defineRule({
  id: "lease/claim-kept",
  title: "Answers that nobody asked for do not put off when a task is handed out again",
  level: "promise",
  source: ["P8", "X-34"],
  mutants: ["stranger-moves-claim"],
  settings: () => ({ claimWithinMs: HOUR_MS }),
  async act(kit) {
    const { taskId } = await kit.asked(["closed"]);
    const before = await kit.A.answerInputs(taskId, { closed: { action: "accept" } });
    await kit.elapse(kit.timing.unitMs);
    const late = { closed: { action: "decline" }, unknown: { action: "accept" } };
    return { before, call: await attempt(kit.B.answerInputs(taskId, late)), after: await kit.A.getTask(taskId) };
  },
  judge(expect, { before, call, after }) {
    const did = "answer the last open key of a task that nobody holds; later that key and an unknown one";
    expect(did, call, fulfilled());
    expect(`${did}, then read: claimBy, as after the last answer`, after?.claimBy, equalTo(before.claimBy));
  },
});
