import type { Task, TaskStore } from "@mcp-task-store/core";
import { attempt } from "../attempt.ts";
import type { Kit } from "../kit.ts";
import { defineRule, type Rule } from "../rule.ts";
import { questionFor } from "../question.ts";
import { equalTo, fulfilled, notFound, refused, settled, which } from "../wants.ts";
import { COMPLETED } from "./endings.ts";

const HOUR_MS = 3_600_000;

/** Changes that must wake a waiter, each on a task of its own. */
const CHANGES: Readonly<Record<string, (store: TaskStore, taskId: string) => Promise<unknown>>> = {
  "a message": (store, taskId) => store.updateTask(taskId, { statusMessage: "half" }),
  metadata: (store, taskId) => store.updateTask(taskId, { metadata: { n: 1 } }),
  "a question": (store, taskId) => store.requestInputs(taskId, { k: questionFor("k") }),
  "a lease": (store, taskId) => store.acquireLease(taskId, { holder: "worker", leaseMs: HOUR_MS }),
  "the end": (store, taskId) => store.finishTask(taskId, COMPLETED),
  "a cancel": (store, taskId) => store.cancelTask(taskId),
};

/** Gives a wait time to look at the task for itself, so that the next write has to wake it. */
async function asleep(kit: Kit, taskId: string, waiting: Promise<unknown>): Promise<void> {
  waiting.catch(() => undefined);
  await kit.A.getTask(taskId);
  await kit.isPending(waiting);
}

export const peer: Rule = defineRule({
  id: "wait/peer",
  title: "Every change wakes every waiter, whichever process made it",
  level: "promise",
  source: ["P4", "S-39"],
  mutants: ["wait-local", "wake-status-only", "wait-future-only", "since-greater", "terminal-blocks"],
  async act(kit) {
    const woken = await Promise.all(
      Object.entries(CHANGES).map(async ([what, change]) => {
        const { taskId, revision } = await kit.task();
        const waiting = kit.A.waitForUpdate(taskId, { since: revision, signal: kit.signal });
        await asleep(kit, taskId, waiting);
        await change(kit.B, taskId);
        return { what, before: revision, woken: await kit.settles(waiting) };
      }),
    );
    const answered = await kit.asked(["k"]);
    const waiting = kit.A.waitForUpdate(answered.taskId, { since: answered.revision, signal: kit.signal });
    await asleep(kit, answered.taskId, waiting);
    await kit.B.answerInputs(answered.taskId, { k: { action: "accept" } });
    woken.push({ what: "an answer", before: answered.revision, woken: await kit.settles(waiting) });
    const open = await kit.task();
    const { signal } = kit;
    const lower = await kit.settles(kit.A.waitForUpdate(open.taskId, { since: open.revision - 1, signal }));
    const higher = await kit.settles(kit.A.waitForUpdate(open.taskId, { since: open.revision + 1, signal }));
    const ended = await kit.ended(COMPLETED);
    const terminal = await kit.settles(kit.B.waitForUpdate(ended.taskId, { since: ended.revision, signal }));
    const outcome = await kit.settles(kit.B.waitForOutcome(ended.taskId, { signal }));
    return { woken, open, lower, higher, ended, terminal, outcome };
  },
  judge(expect, { woken, open, lower, higher, ended, terminal, outcome }) {
    for (const { what, before, woken: end } of woken) {
      const did = `wait in A while B writes ${what}`;
      expect(did, end, settled);
      // A cancelled task may vanish at once (S-59).
      if (what === "a cancel" && notFound.holds(end) && end.kind === "rejected") continue;
      expect(did, end, fulfilled(which("the changed task", (task) => task !== undefined && task.revision !== before)));
    }
    expect("wait since a lower revision", lower, fulfilled(equalTo(open)));
    expect("wait since a higher revision", higher, fulfilled(equalTo(open)));
    const same = which<Task | undefined>("the completed task", (task) => task?.revision === ended.revision);
    expect("wait for an update of a completed task", terminal, fulfilled(same));
    expect("wait for the outcome of a completed task", outcome, fulfilled(equalTo(COMPLETED)));
  },
});

export const many: Rule = defineRule({
  id: "wait/many",
  title: "All waiters of a task wake",
  level: "promise",
  source: ["P4"],
  mutants: ["waiter-replaced", "waiter-shift", "outcome-waiter-one"],
  async act(kit) {
    const { taskId, revision } = await kit.task();
    const waits = Array.from({ length: 50 }, (_, index) =>
      (index % 2 === 0 ? kit.A : kit.B).waitForUpdate(taskId, { since: revision, signal: kit.signal }),
    );
    await kit.B.updateTask(taskId, { statusMessage: "now" });
    const ends = await Promise.all(waits.map((wait) => kit.settles(wait)));
    const few = await kit.task();
    const since = { since: few.revision, signal: kit.signal };
    const pairs = {
      update: [kit.A.waitForUpdate(few.taskId, since), kit.A.waitForUpdate(few.taskId, since)],
      outcome: [0, 1].map(() => kit.A.waitForOutcome(few.taskId, { signal: kit.signal })),
    };
    await asleep(kit, few.taskId, Promise.all(Object.values(pairs).flat()));
    await kit.B.finishTask(few.taskId, COMPLETED);
    const two = {
      update: await Promise.all(pairs.update.map((wait) => kit.settles<unknown>(wait))),
      outcome: await Promise.all(pairs.outcome.map((wait) => kit.settles<unknown>(wait))),
    };
    return { ends, two };
  },
  judge(expect, { ends, two }) {
    for (const [what, pair] of Object.entries(two)) {
      for (const [index, end] of pair.entries()) {
        const did = `wait twice in one process for the ${what} of a task, finish it: waiter ${index + 1}`;
        expect(did, end, settled);
        const some = which<unknown>("what it waited for", (seen) => seen !== undefined);
        expect(did, end, fulfilled(some));
      }
    }
    for (const [index, end] of ends.entries()) {
      expect(`wait 50 times over two handles, write once: waiter ${index + 1}`, end, settled);
      expect(
        `wait 50 times over two handles, write once: waiter ${index + 1}`,
        end,
        fulfilled(which("the task", (task) => task !== undefined)),
      );
    }
  },
});

export const fresh: Rule = defineRule({
  id: "wait/fresh",
  title: "Whoever follows a task sees rising revisions up to the last",
  level: "promise",
  source: ["P4"],
  mutants: ["wait-stale-copy"],
  async act(kit) {
    const task = await kit.task();
    const seen: number[] = [];
    const follow = async (): Promise<string> => {
      let since = task.revision;
      for (;;) {
        const next = await kit.A.waitForUpdate(task.taskId, { since, signal: kit.signal });
        if (next === undefined) return "timeout";
        seen.push(next.revision);
        since = next.revision;
        if (next.status !== "working") return next.status;
        if (seen.length > 500) return "the same over and over";
      }
    };
    const following = follow();
    for (let step = 0; step < 100; step += 1) await kit.B.updateTask(task.taskId, { statusMessage: `${step}` });
    const last = await kit.B.finishTask(task.taskId, COMPLETED);
    return { seen, last, followed: await kit.settles(following) };
  },
  judge(expect, { seen, last, followed }) {
    const did = "follow a task by waiting since what was seen, while B writes 100 times and finishes";
    for (const [index, revision] of seen.entries()) {
      const before = seen[index - 1] ?? 0;
      expect(
        did,
        revision,
        which(`more than ${before}`, (value) => value > before),
      );
    }
    expect(did, followed, settled);
    expect(did, followed, fulfilled(equalTo("completed")));
    expect(`${did}: the last revision`, seen.at(-1), equalTo(last.revision));
  },
});

export const timeout: Rule = defineRule({
  id: "wait/timeout",
  title: "A wait ends at its time-out and not before, however long it is",
  level: "promise",
  source: ["P4", "S-61"],
  mutants: ["wait-overflow", "timeout-as-change", "wait-ghost"],
  async act(kit) {
    const { taskId, revision } = await kit.task();
    const started = performance.now();
    const short = await kit.settles(
      kit.A.waitForUpdate(taskId, { since: revision, timeoutMs: 50, signal: kit.signal }),
    );
    const tookMs = performance.now() - started;
    const outcome = await kit.settles(kit.A.waitForOutcome(taskId, { timeoutMs: 20, signal: kit.signal }));
    const long = kit.A.waitForUpdate(taskId, { since: revision, timeoutMs: 2 ** 31 + 1, signal: kit.signal });
    long.catch(() => undefined);
    // By now a timer that overflowed has fired.
    await kit.settles(kit.A.waitForUpdate(taskId, { since: revision, timeoutMs: 50, signal: kit.signal }));
    const pending = await kit.isPending(long);
    const never = { since: 0, signal: kit.signal };
    const ghost = await kit.settles(kit.A.waitForUpdate(kit.taskId("never"), never));
    return { short, tookMs, outcome, pending, ghost };
  },
  judge(expect, { short, tookMs, outcome, pending, ghost }) {
    expect("wait for 50 ms", short, fulfilled(equalTo(undefined)));
    expect(
      "wait for 50 ms and look at the clock",
      tookMs,
      which("45 ms or more", (ms) => ms >= 45),
    );
    expect("wait for the outcome for 20 ms", outcome, fulfilled(equalTo(undefined)));
    expect("wait with a time-out of 2^31 + 1 ms: pending 50 ms later", pending, equalTo(true));
    expect("wait for an id that never was", ghost, refused("TASK_NOT_FOUND"));
  },
});

export const abort: Rule = defineRule({
  id: "wait/abort",
  title: "An abort ends one caller's wait and no other's",
  level: "promise",
  source: ["P4"],
  mutants: ["preaborted-hangs", "abort-all"],
  async act(kit) {
    const { taskId, revision } = await kit.task();
    const since = revision;
    const before = await kit.settles(kit.A.waitForUpdate(taskId, { since, signal: AbortSignal.abort() }));
    const own = new AbortController();
    const waits = [own.signal, kit.signal, kit.signal].map((signal) => kit.A.waitForUpdate(taskId, { since, signal }));
    for (const wait of waits) wait.catch(() => undefined);
    await kit.A.getTask(taskId);
    own.abort();
    const [first, ...others] = waits;
    const aborted = first === undefined ? undefined : await kit.settles(first);
    await kit.B.updateTask(taskId, { statusMessage: "now" });
    return { before, aborted, others: await Promise.all(others.map((wait) => kit.settles(wait))) };
  },
  judge(expect, { before, aborted, others }) {
    expect("wait with a signal that has fired", before, refused("ABORTED"));
    if (aborted !== undefined) expect("abort one of three waits", aborted, refused("ABORTED"));
    for (const other of others) {
      expect("abort one of three waits, write: another one", other, settled);
      expect(
        "abort one of three waits, write: another one",
        other,
        fulfilled(which("the task", (task) => task !== undefined)),
      );
    }
  },
});

/** Whether a waiter is still asleep when a later write has woken a second one. */
async function sleptOn(kit: Kit, taskId: string, since: number, noise: () => Promise<unknown>): Promise<boolean> {
  const waiting = kit.A.waitForUpdate(taskId, { since, signal: kit.signal });
  waiting.catch(() => undefined);
  await asleep(kit, taskId, waiting);
  await noise();
  const other = await kit.task();
  const sentinel = kit.A.waitForUpdate(other.taskId, { since: other.revision, signal: kit.signal });
  await kit.B.updateTask(other.taskId, { statusMessage: "sentinel" });
  await kit.settles(sentinel);
  return kit.isPending(waiting);
}

export const quiet: Rule = defineRule({
  id: "wait/quiet",
  title: "Heartbeats, refused writes and other tasks wake nobody",
  level: "promise",
  source: ["P4"],
  mutants: ["wake-heartbeat", "wake-crosstalk"],
  async act(kit) {
    const { taskId } = await kit.task();
    const lease = await kit.B.acquireLease(taskId, { holder: "worker", leaseMs: HOUR_MS });
    if (lease === undefined) throw new Error("a fresh task was not leased");
    const before = lease.task;
    const asleep = {
      "a heartbeat": await sleptOn(kit, taskId, before.revision, () => kit.B.renewLease(taskId, lease.token)),
      "a refused report": await sleptOn(kit, taskId, before.revision, () =>
        attempt(kit.B.updateTask(taskId, { statusMessage: "no" })),
      ),
      "a change of another task": await sleptOn(kit, taskId, before.revision, async () =>
        kit.B.cancelTask((await kit.task()).taskId),
      ),
    };
    return { before, asleep, after: await kit.A.getTask(taskId) };
  },
  judge(expect, { before, asleep, after }) {
    for (const [noise, still] of Object.entries(asleep)) {
      expect(`wait through ${noise}: asleep when a later write has woken another`, still, equalTo(true));
    }
    expect("look at the revision after a heartbeat", after?.revision, equalTo(before.revision));
    expect("look at lastUpdatedAt after a heartbeat", after?.lastUpdatedAt, equalTo(before.lastUpdatedAt));
  },
});

const FAR_POLL_MS = 60_000;

export const hintAndPoll: Rule = defineRule({
  id: "wait/hint-and-poll",
  title: "A hint wakes long before the safety poll would",
  level: "promise",
  source: ["P4"],
  needs: ["pushHints"],
  mutants: ["poll-only"],
  settings: () => ({ safetyPollMs: FAR_POLL_MS }),
  async act(kit) {
    const { taskId, revision } = await kit.task();
    const waiting = kit.A.waitForUpdate(taskId, { since: revision, signal: kit.signal });
    await asleep(kit, taskId, waiting);
    await kit.B.updateTask(taskId, { statusMessage: "now" });
    return kit.settles(waiting);
  },
  judge(expect, woken) {
    const did = "wait in A with a safety poll of 60 s while B writes";
    expect(did, woken, settled);
    expect(did, woken, fulfilled(which("the task", (task) => task !== undefined)));
  },
});
