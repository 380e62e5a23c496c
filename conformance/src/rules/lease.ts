import type { Task } from "@mcp-task-store/core";
import { type Attempt, attempt, fulfilledValues } from "../attempt.ts";
import type { Kit } from "../kit.ts";
import { defineRule, type Rule } from "../rule.ts";
import { questionFor } from "../question.ts";
import { cancelledOrGone, equalTo, fulfilled, refused, unchanged, which } from "../wants.ts";
import { COMPLETED, FAILED } from "./endings.ts";
import { takenAgain } from "./unmaintained.ts";

const HOUR_MS = 3_600_000;
const LEASE = which<unknown>("a lease", (seen) => seen !== undefined);

export const exclusive: Rule = defineRule({
  id: "lease/exclusive",
  title: "One worker at a time: a live lease keeps others out, its end lets them in",
  level: "promise",
  source: ["P8", "P1"],
  mutants: ["lease-look-take", "lease-floor", "renew-noop", "release-noop", "lease-on-terminal", "renew-shortens"],
  histories: { lapse: true },
  async act(kit) {
    const bouts = await kit.duel({
      over: async () => (await kit.task()).taskId,
      left: (taskId) => kit.A.acquireLease(taskId, { holder: "a", leaseMs: HOUR_MS }),
      right: (taskId) => kit.B.acquireLease(taskId, { holder: "b", leaseMs: HOUR_MS }),
      after: (taskId) => kit.B.getTask(taskId),
    });
    const early = await kit.within(async (ms) => {
      const { taskId } = await kit.task();
      await kit.A.acquireLease(taskId, { holder: "a", leaseMs: ms });
      const started = performance.now();
      const tries: Attempt<unknown>[] = [];
      let lastAt = started;
      while (performance.now() - started < ms * 0.6) {
        lastAt = performance.now();
        tries.push(await attempt(kit.B.acquireLease(taskId, { holder: "b" })));
        await kit.isPending(Promise.resolve());
      }
      // A machine that stood still after the first try has shown only that the lease was given.
      return lastAt - started < ms * 0.3 ? undefined : tries;
    });
    const { renewed, token, prolonged, leaseMs } = await kit.within(async (ms) => {
      const renewed = await kit.task();
      const first = await kit.A.acquireLease(renewed.taskId, { holder: "a", leaseMs: ms });
      if (first === undefined) throw new Error("a fresh task was not leased");
      const prolonged = await attempt(kit.A.renewLease(renewed.taskId, first.token, { leaseMs: HOUR_MS }));
      return { renewed, token: first.token, prolonged, leaseMs: ms };
    });
    const shortened = await attempt(kit.A.renewLease(renewed.taskId, token, { leaseMs }));
    await kit.elapse(leaseMs);
    const held = await attempt(kit.B.acquireLease(renewed.taskId, { holder: "b" }));
    const released = await attempt(kit.A.releaseLease(renewed.taskId, token));
    const free = await attempt(kit.B.acquireLease(renewed.taskId, { holder: "b" }));
    const ended = await kit.ended(COMPLETED);
    const late = await attempt(kit.B.acquireLease(ended.taskId, { holder: "b" }));
    return {
      bouts,
      early,
      prolonged,
      shortened,
      held,
      released,
      free,
      ended,
      late,
      after: await kit.A.getTask(ended.taskId, { outcome: true }),
    };
  },
  judge(expect, { bouts, early, prolonged, shortened, held, released, free, ended, late, after }) {
    for (const { left, right, after: task, first, pause } of bouts) {
      const did = `take a task in both processes at once (${first} first, ${pause})`;
      const taken = fulfilledValues([left, right]);
      expect(
        did,
        taken,
        which(
          "one lease and one undefined",
          (seen) => seen.length === 2 && seen.filter((one) => one !== undefined).length === 1,
        ),
      );
      const holder = taken.find((one) => one !== undefined)?.holder;
      expect(`${did}, then read its holder`, task?.lease?.holder, equalTo(holder));
    }
    for (const end of early) expect("take a task in B before A's lease is over", end, fulfilled(equalTo(undefined)));
    expect("renew a lease for an hour", prolonged, fulfilled());
    expect("renew it for the first lease's time, which is sooner over", shortened, fulfilled());
    expect("take it in B after the first lease's time", held, fulfilled(equalTo(undefined)));
    expect("release the lease", released, fulfilled());
    expect("take it in B at once", free, fulfilled(LEASE));
    expect("take a task that has ended", late, fulfilled(equalTo(undefined)));
    expect("read the ended task", after, unchanged(ended));
  },
});

export const tokenGrows: Rule = defineRule({
  id: "lease/token-grows",
  title: "Every grant of a task has a higher token than all before",
  level: "promise",
  source: ["P8"],
  mutants: ["token-per-holder", "token-reset"],
  settings: takenAgain,
  async act(kit) {
    const { taskId } = await kit.task();
    const tokens: (number | undefined)[] = [];
    const take = async (leaseMs: number): Promise<number> => {
      const lease = await kit.A.acquireLease(taskId, { holder: "same", leaseMs });
      tokens.push(lease?.token);
      return lease?.token ?? 0;
    };
    // Long enough to be given back on any store: a lapse would use up an attempt.
    await attempt(kit.A.releaseLease(taskId, await take(HOUR_MS)));
    await attempt(kit.B.releaseLease(taskId, await take(HOUR_MS)));
    await take(kit.timing.unitMs);
    await kit.elapse(kit.timing.unitMs);
    await take(kit.timing.unitMs);
    return tokens;
  },
  judge(expect, tokens) {
    for (const [index, token] of tokens.entries()) {
      const before = tokens[index - 1] ?? 0;
      const more = which<number | undefined>(`a token above ${before}`, (seen) => seen !== undefined && seen > before);
      expect(`take, give back, take, let lapse, take under one name: grant ${index + 1}`, token, more);
    }
  },
});

/** What a worker tries with a token that is not the live lease's. */
async function zombieCalls(
  kit: Kit,
  taskId: string,
  token: number,
): Promise<Readonly<Record<string, Attempt<unknown>>>> {
  const lease = { lease: token };
  return {
    report: await attempt(() => kit.A.updateTask(taskId, { statusMessage: "zombie" }, lease)),
    ask: await attempt(() => kit.A.requestInputs(taskId, { zombie: questionFor("zombie") }, lease)),
    renew: await attempt(() => kit.A.renewLease(taskId, token, { leaseMs: HOUR_MS })),
    complete: await attempt(() => kit.A.finishTask(taskId, COMPLETED, lease)),
    fail: await attempt(() => kit.A.finishTask(taskId, FAILED, lease)),
    release: await attempt(() => kit.A.releaseLease(taskId, token)),
  };
}

export const staleRefused: Rule = defineRule({
  id: "lease/stale-refused",
  title: "Who lost the lease changes nothing any more",
  level: "promise",
  source: ["P8"],
  mutants: ["fence-by-name", "token-at-least", "stale-finish", "stale-release", "stale-renew"],
  settings: takenAgain,
  async act(kit) {
    const { taskId } = await kit.task();
    const old = await kit.A.acquireLease(taskId, { holder: "worker", leaseMs: kit.timing.unitMs });
    await kit.elapse(kit.timing.unitMs);
    const live = await kit.B.acquireLease(taskId, { holder: "worker", leaseMs: HOUR_MS });
    if (old === undefined || live === undefined) throw new Error("a free task was not leased");
    const tries = [];
    for (const [what, token] of Object.entries({
      "the lapsed token": old.token,
      "a higher token": live.token + 1,
      "token 0": 0,
    })) {
      tries.push({ what, calls: await zombieCalls(kit, taskId, token), after: await kit.B.getTask(taskId) });
    }
    return { live, tries, finished: await attempt(kit.B.finishTask(taskId, COMPLETED, { lease: live.token })) };
  },
  judge(expect, { live, tries, finished }) {
    for (const { what, calls, after } of tries) {
      for (const [call, end] of Object.entries(calls)) {
        const odd = what === "token 0" ? (["INVALID_ARGUMENT"] as const) : [];
        expect(`${call} with ${what} while another holds the task`, end, refused("LEASE_LOST", ...odd));
      }
      expect(`read the task after those calls with ${what}`, after, unchanged(live.task));
    }
    expect("finish by the holder of the live lease", finished, fulfilled());
  },
});

export const fenced: Rule = defineRule({
  id: "lease/fenced",
  title: "While a lease lives only its holder writes; a lapsed one gives no right",
  level: "promise",
  source: ["P8", "P1"],
  mutants: ["unfenced-passes", "cancel-needs-token", "lapse-ignored", "late-renew"],
  settings: takenAgain,
  histories: { lapse: true },
  async act(kit) {
    const held = async (): Promise<Task> => {
      const { taskId } = await kit.task();
      const lease = await kit.B.acquireLease(taskId, { holder: "b", leaseMs: HOUR_MS });
      if (lease === undefined) throw new Error("a fresh task was not leased");
      return lease.task;
    };
    const task = await held();
    const without = {
      report: await attempt(kit.A.updateTask(task.taskId, { statusMessage: "no" })),
      ask: await attempt(kit.A.requestInputs(task.taskId, { k: questionFor("k") })),
      complete: await attempt(kit.A.finishTask(task.taskId, COMPLETED)),
    };
    const after = await kit.B.getTask(task.taskId);
    const forced = await attempt(kit.A.finishTask(task.taskId, COMPLETED, { force: true }));
    const cancelled = await attempt(kit.A.cancelTask((await held()).taskId));
    const lapsing = await Promise.all(
      Array.from({ length: 12 }, async () => {
        const { taskId } = await kit.task();
        return { taskId, lease: await kit.A.acquireLease(taskId, { holder: "a", leaseMs: kit.timing.unitMs }) };
      }),
    );
    await kit.elapse(kit.timing.unitMs);
    const [first, ...others] = lapsing;
    const lapsed = first && (await zombieCalls(kit, first.taskId, first.lease?.token ?? 1));
    const second = first && (await attempt(kit.B.acquireLease(first.taskId, { holder: "b", leaseMs: HOUR_MS })));
    const stopped = first && (await attempt(kit.A.cancelTask(first.taskId)));
    const dead = first && (await kit.B.getTask(first.taskId));
    const races = await Promise.all(
      others.map(async ({ taskId, lease }) => {
        const [finish, take] = await kit.scramble<unknown>([
          () => kit.A.finishTask(taskId, COMPLETED, { lease: lease?.token }),
          () => kit.B.acquireLease(taskId, { holder: "b", leaseMs: HOUR_MS }),
        ]);
        return { finish, take, after: await kit.B.getTask(taskId) };
      }),
    );
    return { task, without, after, forced, cancelled, lapsed, taken: { second, stopped, dead }, races };
  },
  judge(expect, { task, without, after, forced, cancelled, lapsed, taken: { second, stopped, dead }, races }) {
    for (const [call, end] of Object.entries(without)) {
      expect(`${call} without a token under another's live lease`, end, refused("LEASE_LOST"));
    }
    expect("read the task then", after, unchanged(task));
    expect("finish it by force", forced, fulfilled());
    expect("cancel a leased task", cancelled, fulfilled());
    for (const [call, end] of Object.entries(lapsed ?? {}))
      expect(`${call} with a lapsed token that nobody took over`, end, refused("LEASE_LOST"));
    if (second !== undefined) expect("take the task then", second, fulfilled(LEASE));
    if (stopped !== undefined) expect("cancel it under its second lease", stopped, fulfilled());
    expect("cancel it under its second lease, then read it", dead, cancelledOrGone);
    for (const { finish, take, after: read } of races) {
      const did = "finish with a lapsed token while another takes the task";
      if (finish !== undefined) expect(did, finish, refused("LEASE_LOST"));
      if (take !== undefined) expect(`${did}: the other`, take, fulfilled(LEASE));
      expect(`${did}, then read`, read?.status, equalTo("working"));
    }
  },
});
