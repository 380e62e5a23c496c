import { isTerminal, type Task } from "@mcp-task-store/core";
import { type Attempt, attempt, fulfilledValues, rejectedErrors } from "../attempt.ts";
import { deferred } from "../deferred.ts";
import type { Kit } from "../kit.ts";
import { defineRule, type Rule, type Want } from "../rule.ts";
import {
  cancelledOrGone,
  equalTo,
  fulfilled,
  refused,
  refusedAsEnded,
  settled,
  unchangedOrGone,
  which,
} from "../wants.ts";
import { CANCELLED, COMPLETED, ENDINGS, FAILED } from "./endings.ts";

const HOUR_MS = 3_600_000;

export const terminalRejected: Rule = defineRule({
  id: "cancel/terminal-rejected",
  title: "A task that has ended cannot be cancelled",
  level: "must",
  source: ["S-55"],
  guards: ["https://github.com/modelcontextprotocol/python-sdk/pull/3003"],
  mutants: ["cancel-overwrites", "cancel-silent"],
  arrange: (kit) => Promise.all(ENDINGS.map((ending) => kit.ended(ending))),
  act: (kit, ended) =>
    Promise.all(
      ended.map(async (before) => ({
        before,
        cancel: await attempt(kit.B.cancelTask(before.taskId)),
        after: await kit.A.getTask(before.taskId, { outcome: true }),
      })),
    ),
  judge(expect, seen) {
    for (const { before, cancel, after } of seen) {
      const did = `cancel a task that is ${before.status}`;
      if (before.status === "cancelled") expect(did, cancel, refused("TASK_TERMINAL", "TASK_NOT_FOUND"));
      else expect(did, cancel, refusedAsEnded(before));
      expect(`${did}, then read it`, after, unchangedOrGone(before));
    }
  },
});

export const raceFinish: Rule = defineRule({
  id: "cancel/race-finish",
  title: "Of a racing cancel and finish, or two cancels, one takes effect",
  level: "must",
  source: ["S-24", "P1"],
  guards: ["https://github.com/a2aproject/a2a-js/pull/636", "https://github.com/a2aproject/a2a-rs/pull/126"],
  mutants: ["cancel-toctou", "refusal-stale", "cancel-both-win"],
  histories: {},
  async act(kit) {
    const over = async (): Promise<string> => (await kit.task()).taskId;
    const after = (taskId: string): Promise<Task | undefined> => kit.B.getTask(taskId, { outcome: true });
    const finishes = await kit.duel({
      over,
      left: (taskId) => kit.A.finishTask(taskId, COMPLETED),
      right: (taskId) => kit.B.cancelTask(taskId),
      after,
    });
    const cancels = await kit.duel({
      over,
      left: (taskId) => kit.A.cancelTask(taskId),
      right: (taskId) => kit.B.cancelTask(taskId),
      after,
    });
    return [...finishes, ...cancels];
  },
  judge(expect, bouts) {
    for (const { left, right, after, first, pause } of bouts) {
      const did = `race A's ending against B's cancel (${first} first, ${pause})`;
      const [winner] = fulfilledValues([left, right]);
      const [lost] = rejectedErrors([left, right]);
      expect(
        did,
        [left, right],
        which("one success", () => winner !== undefined && lost !== undefined),
      );
      if (winner === undefined) continue;
      const gone = winner.status === "cancelled" && after === undefined;
      const kept = after?.status === winner.status && after.revision === winner.revision;
      expect(
        `${did}, then read it`,
        after,
        which(`${winner.status} at revision ${winner.revision}, as the winner was told`, () => gone || kept),
      );
      if (gone) continue;
      expect(`${did}; the loser`, left.kind === "rejected" ? left : right, refusedAsEnded(winner));
      const complete = after?.status === "completed";
      expect(`${did}, then read the outcome`, after?.outcome, equalTo(complete ? COMPLETED : CANCELLED));
    }
  },
});

export const lateResult: Rule = defineRule({
  id: "cancel/late-result",
  title: "A cancelled task gets no result any more",
  level: "promise",
  source: ["S-58", "X-20", "P2"],
  mutants: ["late-result-kept"],
  arrange: (kit) => kit.ended(CANCELLED),
  act: async (kit, { taskId }) => ({
    finish: await attempt(kit.B.finishTask(taskId, COMPLETED)),
    fail: await attempt(kit.A.finishTask(taskId, FAILED)),
    outcome: await attempt(kit.B.getOutcome(taskId)),
    after: await kit.B.getTask(taskId, { outcome: true }),
  }),
  judge(expect, { finish, fail, outcome, after }, before) {
    expect("complete a cancelled task", finish, refused("TASK_TERMINAL", "TASK_NOT_FOUND"));
    expect("fail a cancelled task", fail, refused("TASK_TERMINAL", "TASK_NOT_FOUND"));
    expect("read it afterwards", after, unchangedOrGone(before));
    if (after === undefined) return;
    expect("read its outcome", outcome, fulfilled(equalTo(CANCELLED)));
  },
});

export const coop: Rule = defineRule({
  id: "cancel/coop",
  title: "A requested cancellation leaves the end to the worker, if there is one",
  level: "promise",
  source: ["X-38", "X-40", "P9"],
  mutants: ["coop-hard", "coop-waits-for-none", "coop-from-cache", "coop-restamps", "coop-throws"],
  async act(kit) {
    const leased = await kit.task();
    const lease = await kit.A.acquireLease(leased.taskId, { holder: "worker", leaseMs: HOUR_MS });
    const asked = await kit.B.requestCancellation(leased.taskId);
    const read = await kit.A.getTask(leased.taskId);
    const stamped = Date.parse(asked.cancelRequestedAt ?? "");
    await kit.until(
      () => kit.B.createTask(),
      (later) => Number.isNaN(stamped) || Date.parse(later.createdAt) > stamped,
    );
    const again = await kit.A.requestCancellation(leased.taskId);
    const won = await attempt(kit.A.finishTask(leased.taskId, COMPLETED, { lease: lease?.token }));
    const late = await attempt(kit.B.requestCancellation(leased.taskId));
    const unleased = await kit.task();
    const atOnce = await kit.B.requestCancellation(unleased.taskId);
    const stale = await kit.task();
    await kit.A.getTask(stale.taskId);
    await kit.B.acquireLease(stale.taskId, { holder: "worker", leaseMs: HOUR_MS });
    const fresh = await kit.A.requestCancellation(stale.taskId);
    return { asked, read, again, won, late, atOnce, fresh };
  },
  judge(expect, { asked, read, again, won, late, atOnce, fresh }) {
    const intent = which<Task | undefined>(
      "working, with cancelRequestedAt",
      (task) => task?.status === "working" && task.cancelRequestedAt !== undefined,
    );
    expect("ask to cancel a leased task", asked, intent);
    expect("read it in the worker's process", read, intent);
    expect("ask again", again.cancelRequestedAt, equalTo(asked.cancelRequestedAt));
    expect("complete it all the same", won, fulfilled(which("completed", (task) => task.status === "completed")));
    const ended = won.kind === "fulfilled" ? won.value.revision : 0;
    expect(
      "ask once it has completed",
      late,
      fulfilled(which("the completed task unchanged", (task) => task.revision === ended)),
    );
    expect("ask to cancel a task that nobody works on", atOnce.status, equalTo("cancelled"));
    expect("ask in a process that read the task before another took it", fresh, intent);
  },
});

export const coopOrphan: Rule = defineRule({
  id: "cancel/coop-orphan",
  title: "A wish to cancel outlives the worker",
  level: "promise",
  source: ["P8", "P9"],
  mutants: ["coop-forgotten", "intent-handed-on", "cancelled-counted-failed"],
  isolated: true,
  async act(kit) {
    const made: string[] = [];
    const counted = await askedUnderLease(kit, made);
    await kit.elapse(counted.leaseMs);
    // There are no other tasks yet. A store that maintains by itself may have been here before.
    const report = await kit.B.maintain();
    const tasks = await Promise.all(made.map((taskId) => kit.A.getTask(taskId)));
    const count = { told: report.failed, seen: tasks.filter((task) => task?.status === "failed").length };
    const [asked, taken] = [await askedUnderLease(kit), await askedUnderLease(kit)];
    const late = await kit.task();
    const leaseMs = kit.timing.unitMs;
    await kit.A.acquireLease(late.taskId, { holder: "worker", leaseMs });
    await kit.elapse(Math.max(leaseMs, asked.leaseMs, taken.leaseMs));
    // The rule has not called maintain yet; a store may have done so by itself.
    const next = await attempt(kit.B.acquireLease(taken.taskId, { holder: "next", leaseMs: HOUR_MS }));
    const lapsed = await attempt(kit.A.requestCancellation(late.taskId));
    await kit.B.maintain();
    const handed = { next, after: await kit.A.getTask(taken.taskId) };
    return { count, after: await kit.A.getTask(asked.taskId, { outcome: true }), handed, lapsed };
  },
  judge(expect, { count, after, handed, lapsed }) {
    expect("ask to cancel a leased task, let the lease run out, maintain", after, cancelledOrGone);
    expect(
      "ask to cancel the only task there is, which is leased, let the lease run out, maintain: how many that says it failed",
      count.told,
      which(`${count.seen} at most: so many are failed`, (told) => told <= count.seen),
    );
    const nothing = orGone(fulfilled(equalTo<unknown>(undefined)));
    expect("ask to cancel a leased task, let the lease run out, take it", handed.next, nothing);
    expect("ask to cancel a leased task, let the lease run out, take it, then read", handed.after, cancelledOrGone);
    const ended = orGone(fulfilled(which("a task that has ended", (task: Task) => isTerminal(task.status))));
    expect("ask to cancel a task whose lease has run out", lapsed, ended);
  },
});

/** A task whose worker was asked in time to cancel it. @param made gets the ids of tried ones, too */
async function askedUnderLease(
  kit: Kit,
  made: string[] = [],
): Promise<{ readonly taskId: string; readonly leaseMs: number }> {
  return kit.within(async (leaseMs) => {
    const { taskId } = await kit.task();
    made.push(taskId);
    await kit.A.acquireLease(taskId, { holder: "worker", leaseMs });
    await kit.B.requestCancellation(taskId);
    return { taskId, leaseMs };
  });
}

function orGone<T>(want: Want<Attempt<T>>): Want<Attempt<T>> {
  const gone = refused("TASK_NOT_FOUND");
  return { text: `${want.text}, or ${gone.text}`, holds: (seen) => want.holds(seen) || gone.holds(seen) };
}

export const notStarved: Rule = defineRule({
  id: "cancel/not-starved",
  title: "A cancel gets through a stream of reports",
  level: "promise",
  source: ["P1", "P9"],
  mutants: ["cancel-starves"],
  async act(kit) {
    const { taskId } = await kit.task();
    const stop = new AbortController();
    const reports = async (): Promise<void> => {
      for (let step = 0; !stop.signal.aborted; step += 1) {
        const reported = await attempt(kit.A.updateTask(taskId, { statusMessage: `step ${step}` }));
        if (reported.kind === "rejected") return;
        // The process must get to its timers, too.
        if (step % 16 === 0) await new Promise<void>((resolve) => setImmediate(() => resolve()));
      }
    };
    const streams = [reports(), reports(), reports()];
    await kit.until(
      () => kit.B.getTask(taskId),
      (task) => task?.statusMessage !== undefined,
    );
    const cancel = await kit.settles(kit.B.cancelTask(taskId));
    stop.abort();
    await Promise.all(streams);
    return cancel;
  },
  judge(expect, cancel) {
    expect("cancel while another process reports without pause", cancel, settled);
    expect("cancel while another process reports without pause", cancel, fulfilled());
  },
});

export const signal: Rule = defineRule({
  id: "cancel/signal",
  title: "A cancel in any process aborts the worker's signal, and no other's",
  level: "promise",
  source: ["S-56", "P9"],
  mutants: ["signal-local", "signal-all"],
  act: (kit) =>
    Promise.all(
      (["cancelTask", "requestCancellation"] as const).map(async (how) => {
        const { taskId } = await kit.task();
        const other = await kit.task();
        const heard = deferred();
        const end = deferred();
        const started = [deferred(), deferred()] as const;
        let otherHeard = false;
        const run = kit.execute(kit.A, taskId, async (context) => {
          context.signal.addEventListener("abort", () => heard.resolve());
          started[0].resolve();
          await Promise.race([heard.promise, end.promise]);
        });
        const otherRun = kit.execute(kit.A, other.taskId, async (context) => {
          context.signal.addEventListener("abort", () => {
            otherHeard = true;
          });
          started[1].resolve();
          await end.promise;
        });
        await Promise.all([Promise.race([started[0].promise, run]), Promise.race([started[1].promise, otherRun])]);
        await kit.B[how](taskId);
        const aborted = await kit.settles(heard.promise);
        const mixedUp = otherHeard;
        end.resolve();
        await Promise.all([attempt(run), attempt(otherRun)]);
        return { how, aborted, mixedUp, after: await kit.B.getTask(taskId) };
      }),
    ),
  judge(expect, seen) {
    for (const { how, aborted, mixedUp, after } of seen) {
      expect(`${how} by B while A's handler runs: its signal`, aborted, settled);
      expect(`${how} by B: the signal of another task's handler`, mixedUp, equalTo(false));
      expect(`${how} by B, handler returned, task read`, after, cancelledOrGone);
    }
  },
});
