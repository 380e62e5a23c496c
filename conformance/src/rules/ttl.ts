import type { Lease, RootCreateTaskParams, Task, TaskStore } from "@mcp-task-store/core";
import { type Attempt, attempt } from "../attempt.ts";
import type { Kit } from "../kit.ts";
import { defineRule, type Rule } from "../rule.ts";
import { questionFor } from "../question.ts";
import { equalTo, fulfilled, notFound, notFoundBy, refused, settled, which } from "../wants.ts";
import { COMPLETED } from "./endings.ts";
import { messageOperations, note } from "./message-operations.ts";
import { ROOT_OPERATIONS, VIEW_OPERATIONS } from "./operations.ts";
import { outlives } from "./outlives.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const EXPIRED = ["get", "list", "cancel", "finish", "delete", "answer", "lease", "push"].map((op) => `expired-${op}`);
const THERE = which<Task | undefined>("still there", (task) => task !== undefined);

export const actual: Rule = defineRule({
  id: "ttl/actual",
  title: "A task states the lifetime and poll interval that it really has",
  level: "must",
  source: ["S-10", "S-33", "S-34", "S-36", "S-77"],
  mutants: ["ttl-cap-silent", "ttl-counts-down", "poll-dropped"],
  settings: () => ({ maxTtlMs: 2 * HOUR_MS }),
  async act(kit) {
    const wishes = [{ ttlMs: HOUR_MS, pollIntervalMs: 1_234 }, { ttlMs: 5 * HOUR_MS }, { ttlMs: null }];
    const made = await Promise.all(wishes.map((wish) => kit.task(wish)));
    const reads = await Promise.all(made.map((task) => kit.B.getTask(task.taskId)));
    await kit.elapse(kit.timing.unitMs);
    const later = await Promise.all(made.map((task) => kit.B.getTask(task.taskId)));
    return { made, reads, later };
  },
  judge(expect, { made, reads, later }) {
    expect("ask for one hour", made[0]?.ttlMs, equalTo(HOUR_MS));
    expect("ask for a poll interval of 1,234 ms", reads[0]?.pollIntervalMs, equalTo(1_234));
    for (const [index, task] of made.entries()) {
      const did = `create wish ${index} with a longest ttl of two hours`;
      const lived = task.expiresAt === null ? null : Date.parse(task.expiresAt) - Date.parse(task.createdAt);
      expect(`${did}: expiresAt - createdAt`, lived, equalTo(task.ttlMs));
      expect(
        `${did}: the ttl`,
        task.ttlMs,
        which("two hours at most", (ttl) => ttl !== null && ttl <= 2 * HOUR_MS),
      );
      expect(`${did}: read by B`, reads[index], equalTo(task));
      expect(`${did}: read some time later`, later[index], equalTo(task));
    }
  },
});

export const notEarly: Rule = defineRule({
  id: "ttl/not-early",
  title: "No task vanishes before its ttl is over",
  level: "must",
  source: ["S-34", "X-23"],
  mutants: ["ttl-floor", "timer-overflow", "null-default"],
  isolated: true,
  async act(kit) {
    const short = await kit.within(async (ms) => {
      const { taskId } = await kit.task({ ttlMs: ms });
      const reads: (Task | undefined)[] = [];
      const started = performance.now();
      // Long ones only come up where this machine stands still for long: then there is more time at the end.
      const untilMs = ms < 2_000 ? ms * 0.9 : ms * 0.5;
      let lastAt = started;
      while (performance.now() - started < untilMs) {
        lastAt = performance.now();
        reads.push(await kit.B.getTask(taskId));
        await kit.isPending(Promise.resolve());
      }
      // A machine that stood still after the first read has shown only that the task was made.
      return lastAt - started < untilMs / 2 ? undefined : reads;
    });
    const ttls = [30 * DAY_MS, 3_650 * DAY_MS, null];
    const long = await Promise.all(ttls.map((ttlMs) => kit.task({ ttlMs })));
    await kit.elapse(kit.timing.unitMs);
    await kit.B.maintain();
    const after = await Promise.all(long.map((task) => kit.A.getTask(task.taskId)));
    return { short, long, after };
  },
  judge(expect, { short, long, after }) {
    for (const read of short) expect("read a task again and again before its ttl is over", read, THERE);
    for (const [index, task] of long.entries()) {
      const did = `create a task with ttl ${task.ttlMs} ms`;
      const lives = task.expiresAt === null ? null : Date.parse(task.expiresAt) - Date.parse(task.createdAt);
      expect(`${did}: expiresAt - createdAt`, lives, equalTo(task.ttlMs));
      expect(`${did}, let some time go by, maintain, read it`, after[index], equalTo(task));
    }
  },
});

export const gone: Rule = defineRule({
  id: "ttl/gone",
  title: "A task whose ttl is over is gone for every method, purged or not",
  level: "promise",
  source: ["S-35", "S-78", "P7"],
  guards: ["https://github.com/ArcadeAI/arcade-mcp/pull/828"],
  mutants: [...EXPIRED, "expires-never"],
  async act(kit) {
    const principal = kit.principal("p1");
    const operations: Readonly<
      Record<string, (store: TaskStore, taskId: string, patienceMs: number) => Promise<unknown>>
    > = {
      ...VIEW_OPERATIONS,
      ...ROOT_OPERATIONS,
      ...messageOperations(kit.A),
    };
    const ttlMs = 2 * kit.timing.unitMs;
    const tasks = await Promise.all(
      Object.entries(operations).map(async ([operation, call]) => {
        const { taskId } = await kit.task({ principal, ttlMs });
        return { operation, call, taskId };
      }),
    );
    const asked = tasks.find(({ operation }) => operation === "answerInputs");
    if (asked !== undefined) await attempt(kit.A.requestInputs(asked.taskId, { k: questionFor("k") }));
    const calls: { readonly operation: string; readonly call: Attempt<unknown> }[] = [];
    const outlived = await outlives(kit, ttlMs);
    if (outlived !== undefined) return { outlived, calls, listed: [] };
    await kit.elapse(ttlMs);
    for (const { operation, call, taskId } of tasks) {
      calls.push({ operation, call: await attempt(() => call(kit.A, taskId, kit.timing.deadlineMs)) });
    }
    const listed = kit.A.capabilities.listing ? (await kit.A.scoped(principal).listTasks()).tasks : [];
    return { outlived, calls, listed };
  },
  judge(expect, { outlived, calls, listed }) {
    if (outlived !== undefined) {
      const { ttlMs, laterMs, seen } = outlived;
      const did = `create a task with a ttl of ${ttlMs} ms, and read it when the store dates another one ${laterMs} ms later`;
      expect(did, seen, equalTo(undefined));
    }
    for (const { operation, call } of calls)
      expect(`${operation} after the ttl, before any maintenance`, call, notFoundBy(operation));
    expect("list after the ttl", listed, equalTo([]));
  },
});

export const restart: Rule = defineRule({
  id: "ttl/restart",
  title: "A result lives a full ttl from the end of its task",
  level: "promise",
  source: ["P7", "X-23"],
  mutants: ["ttl-no-restart"],
  act: (kit) =>
    kit.within(async (ms, fromNow) => {
      const ttlMs = 2 * ms;
      const task = await kit.task({ ttlMs });
      await kit.elapse(Math.ceil(ttlMs * 0.75));
      fromNow();
      const ended = await attempt(kit.A.finishTask(task.taskId, COMPLETED));
      // Too late: the first ttl was over before the finish.
      if (ended.kind === "rejected") return undefined;
      // The first ttl is over now; the second is not, if all of this took less than `ms`.
      await kit.elapse(Math.ceil(ttlMs * 0.25));
      return { after: await kit.B.getTask(task.taskId, { outcome: true }) };
    }),
  judge(expect, { after }) {
    expect("finish at three quarters of the ttl, read after its end", after?.outcome, equalTo(COMPLETED));
  },
});

/** A task that a lease of an hour keeps beyond a ttl whose end nobody waits for: when it expires it says itself. */
async function leasedForAnHour(kit: Kit): Promise<Task | undefined> {
  const { taskId } = await kit.task({ ttlMs: 2 * HOUR_MS });
  await attempt(kit.A.acquireLease(taskId, { holder: "worker", leaseMs: HOUR_MS }));
  return kit.A.getTask(taskId);
}

export const restartOnce: Rule = defineRule({
  id: "ttl/restart-once",
  title: "Reading, reporting, asking, answering, messages, wishes to cancel and refused calls prolong nothing",
  level: "promise",
  source: ["P7"],
  mutants: ["ttl-slides-read", "ttl-slides-update", "ttl-slides-refusal", "ttl-slides-ask", "ttl-slides-wish"],
  act: (kit) =>
    kit.within(async (ttlMs, fromNow) => {
      // Long enough that a ttl that slides is seen to last.
      if (ttlMs < 4 * kit.timing.unitMs) return undefined;
      const principal = kit.principal("p1");
      const started = performance.now();
      const made = (): Promise<Task> => kit.task({ principal, ttlMs });
      const [read, reported, asked, pushed, ended] = await Promise.all([made(), made(), made(), made(), made()]);
      await attempt(kit.A.finishTask(ended.taskId, COMPLETED));
      await attempt(kit.A.requestInputs(asked.taskId, { k1: questionFor("k1") }));
      const leased = await leasedForAnHour(kit);
      await kit.elapse(Math.ceil(ttlMs * 0.6));
      await Promise.all([
        leased && attempt(kit.B.requestCancellation(leased.taskId)),
        attempt(kit.B.getTask(read.taskId)),
        attempt(kit.B.scoped(principal).listTasks()),
        attempt(kit.B.updateTask(reported.taskId, { statusMessage: "half" })),
        attempt(kit.B.finishTask(ended.taskId, COMPLETED)),
        attempt(kit.B.answerInputs(asked.taskId, { k1: { action: "accept" } })).then(() =>
          attempt(kit.B.requestInputs(asked.taskId, { k2: questionFor("k2") })),
        ),
        kit.B.capabilities.messages
          ? attempt(kit.B.messages.push(pushed.taskId, note("half"), { messageId: "half" }))
          : undefined,
      ]);
      // Too late: the ttl may have been over, and nothing to prolong.
      if (performance.now() - started >= ttlMs) return undefined;
      // A ttl that slid ends after this; the true one, before.
      fromNow();
      await kit.elapse(Math.ceil(ttlMs / 2));
      const late = {
        "read and listed": await attempt(kit.A.getTask(read.taskId)),
        "reported on": await attempt(kit.A.getTask(reported.taskId)),
        "answered and asked again": await attempt(kit.A.getTask(asked.taskId)),
        "given a message": await attempt(kit.A.getTask(pushed.taskId)),
        "finished once more in vain": await attempt(kit.A.getTask(ended.taskId)),
      };
      const wished = leased && (await kit.A.getTask(leased.taskId));
      return { late, expiries: [leased?.expiresAt, wished?.expiresAt] };
    }),
  judge(expect, { late, expiries: [before, after] }) {
    for (const [what, call] of Object.entries(late)) {
      expect(`read a task after its ttl that was ${what} before its end`, call, notFound);
    }
    expect("ask to cancel a leased task, then read when it expires, as before", after, equalTo(before));
  },
});

interface Taken {
  readonly ttlMs: number;
  readonly leased: Task;
  readonly lease: Lease | undefined;
}

/** A task with a short ttl that was taken before this was over, for as long or for `leaseMs`. */
function takenInTime(kit: Kit, params: RootCreateTaskParams = {}, leaseMs?: number): Promise<Taken> {
  return kit.within(async (ms) => {
    const ttlMs = 2 * ms;
    const leased = await kit.task({ ...params, ttlMs });
    const lease = await attempt(kit.A.acquireLease(leased.taskId, { holder: "worker", leaseMs: leaseMs ?? ttlMs }));
    return lease.kind === "fulfilled" ? { ttlMs, leased, lease: lease.value } : undefined;
  });
}

export const leasedLives: Rule = defineRule({
  id: "ttl/leased-lives",
  title: "A task that is worked on outlives its ttl, and no heartbeat shortens a life",
  level: "promise",
  source: ["P7", "P8"],
  guards: [
    "https://github.com/nesquikm/mcp-rubber-duck/pull/128",
    "https://github.com/nitrocloudofficial/nitrostack/issues/329",
  ],
  mutants: ["leased-expires", "leased-purged", "renew-sets-expiry"],
  isolated: true,
  settings: () => ({ graceMs: 50 }),
  async act(kit) {
    const principal = kit.principal("p1");
    const { ttlMs, leased, lease } = await takenInTime(kit, { principal }, HOUR_MS);
    const renewed = await kit.task({ ttlMs: HOUR_MS });
    const short = await kit.A.acquireLease(renewed.taskId, { holder: "worker", leaseMs: ttlMs });
    if (short !== undefined) await attempt(kit.A.renewLease(renewed.taskId, short.token, { leaseMs: ttlMs / 2 }));
    await kit.elapse(ttlMs);
    // A lease that ran out fails its task; the renewed one is looked at first.
    await kit.elapse(50);
    const alive = await kit.B.getTask(renewed.taskId);
    await kit.B.maintain();
    return {
      leased: await kit.B.getTask(leased.taskId),
      alive,
      finished: await attempt(kit.A.finishTask(leased.taskId, COMPLETED, { lease: lease?.token })),
    };
  },
  judge(expect, { leased, alive, finished }) {
    expect("read a task under a lease of one hour after its own ttl, maintained", leased, THERE);
    expect("finish it with that lease", finished, fulfilled());
    expect("read a task with a ttl of one hour after its short, renewed lease", alive, THERE);
  },
});

export const grace: Rule = defineRule({
  id: "ttl/grace",
  title: "The task of a dead worker is failed instead of vanishing, even after its ttl",
  level: "promise",
  source: ["P7", "P8"],
  mutants: ["orphan-vanishes"],
  settings: () => ({ graceMs: 600_000 }),
  async act(kit) {
    const { ttlMs, leased, lease } = await takenInTime(kit);
    const waiting = kit.A.waitForOutcome(leased.taskId, { signal: kit.signal });
    await kit.elapse(2 * ttlMs);
    const lapsed = await kit.B.getTask(leased.taskId);
    await kit.B.maintain();
    return { lease, lapsed, woken: await kit.settles(waiting) };
  },
  judge(expect, { lease, lapsed, woken }) {
    expect(
      "take the task",
      lease,
      which("a lease", (seen) => seen !== undefined),
    );
    expect("read it after its ttl and its lease", lapsed, THERE);
    expect("maintain; whoever waits for the outcome", woken, settled);
    // Its ttl started again and is as short: a slow waiter finds the task expired.
    const learnt = which<typeof woken>("the failed outcome, or that it expired since", (end) =>
      end.kind === "fulfilled" ? end.value?.status === "failed" : notFound.holds(end),
    );
    expect("maintain; whoever waits for the outcome", woken, learnt);
  },
});

export const wakes: Rule = defineRule({
  id: "ttl/wakes",
  title: "Whoever waits learns that the task expired or was deleted",
  level: "promise",
  source: ["P4", "P7"],
  guards: ["https://github.com/joshrotenberg/tower-mcp/issues/1389"],
  mutants: ["expiry-strands", "delete-strands", "delete-always-true"],
  async act(kit) {
    const { signal } = kit;
    const short = await kit.task({ ttlMs: 2 * kit.timing.unitMs });
    const removed = await kit.task();
    const since = { since: removed.revision, signal };
    const waits = [
      kit.A.waitForUpdate(short.taskId, { since: short.revision, signal }),
      kit.A.waitForOutcome(short.taskId, { signal }),
      kit.A.waitForUpdate(removed.taskId, since),
      kit.A.waitForOutcome(removed.taskId, { signal }),
    ] as const;
    for (const wait of waits) wait.catch(() => undefined);
    const deletes = [await kit.B.deleteTask(removed.taskId), await kit.B.deleteTask(removed.taskId)];
    await kit.elapse(2 * kit.timing.unitMs);
    const ends: { readonly did: string; readonly end: Attempt<unknown> }[] = [];
    for (const [index, wait] of waits.entries()) {
      const did = `wait for ${index % 2 === 0 ? "an update" : "the outcome"} of a task that ${index < 2 ? "expires" : "is deleted"}`;
      ends.push({ did, end: await kit.settles<unknown>(wait) });
    }
    return { deletes, ends };
  },
  judge(expect, { deletes, ends }) {
    expect("delete a task twice", deletes, equalTo([true, false]));
    for (const { did, end } of ends) {
      expect(did, end, settled);
      expect(did, end, refused("TASK_NOT_FOUND"));
    }
  },
});
