import type { Lease, Task } from "@mcp-task-store/core";
import { attempt } from "../attempt.ts";
import type { Kit } from "../kit.ts";
import { questionFor } from "../question.ts";
import { defineRule, type Rule } from "../rule.ts";
import { equalTo, unchanged, which } from "../wants.ts";
import { leasedTask } from "./leased-task.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** How coarse shown times may be. */
const COARSE_MS = 1_000;
/** How far the instants of different tasks may be off each other: far less than what a fault here moves an expiry by. */
const SLACK_MS = MINUTE_MS;

/** What a call returned, and times of the backend before and after it. */
interface Dated {
  readonly task: Task;
  readonly fromMs: number;
  readonly toMs: number;
}

async function dated(kit: Kit, call: () => Promise<Task>): Promise<Dated> {
  const backendMs = async (): Promise<number> => Date.parse((await kit.task()).createdAt);
  const fromMs = await backendMs();
  const task = await call();
  return { task, fromMs, toMs: await backendMs() };
}

/** When the task vanishes, epoch ms. */
function expiryOf({ expiresAt }: Pick<Task, "expiresAt">): number {
  return expiresAt === null ? Infinity : Date.parse(expiresAt);
}

/** An expiry that was set by this call to so long from then. */
function setTo(lifeMs: number, { fromMs, toMs }: Dated): ReturnType<typeof which<Task>> {
  return which(`an expiresAt ${lifeMs} ms after the call, which the backend dates ${fromMs} to ${toMs}`, (task) => {
    const setAt = expiryOf(task) - lifeMs;
    return setAt >= fromMs - SLACK_MS && setAt <= toMs + SLACK_MS;
  });
}

export const leaseRaises: Rule = defineRule({
  id: "ttl/lease-raises",
  title: "A lease, and each renewal, raises its task's expiry to beyond its own end",
  level: "promise",
  source: ["P7", "P8"],
  mutants: ["renew-keeps-expiry"],
  async act(kit) {
    const taken = await leasedTask(kit, kit.A, 20 * MINUTE_MS, { ttlMs: 10 * MINUTE_MS });
    const { taskId } = taken;
    const renewed = await kit.A.renewLease(taskId, taken.token, { leaseMs: HOUR_MS });
    return { taken, renewed, after: await kit.B.getTask(taskId), graceMs: kit.A.capabilities.graceMs };
  },
  judge(expect, { taken, renewed, after, graceMs }) {
    const beyond = ({ expiresAt }: Lease): ReturnType<typeof which<Task | undefined>> =>
      which(
        `an expiresAt ${graceMs} ms (the store's graceMs) after the lease's end at ${expiresAt}, or later`,
        (task) => task !== undefined && expiryOf(task) >= Date.parse(expiresAt) + graceMs - COARSE_MS,
      );
    expect("take a task with a ttl of ten minutes for twenty", taken.task, beyond(taken));
    expect("renew that lease for an hour: the task of the answer", renewed.task, beyond(renewed));
    expect("renew that lease for an hour, then read", after, beyond(renewed));
  },
});

export const givenBack: Rule = defineRule({
  id: "ttl/given-back",
  title: "The ttl of a task that its worker gives back starts again",
  level: "promise",
  source: ["P7"],
  mutants: ["release-keeps-expiry"],
  async act(kit) {
    const given = async (did: string, ask: boolean): Promise<Dated & { readonly did: string }> => {
      const { taskId, token } = await leasedTask(kit, kit.A, HOUR_MS, { ttlMs: 10 * MINUTE_MS });
      if (ask) await kit.A.requestInputs(taskId, { k: questionFor("k") }, { lease: token });
      return { did, ...(await dated(kit, () => kit.A.releaseLease(taskId, token))) };
    };
    return [await given("a task", false), await given("a task that waits for an answer", true)];
  },
  judge(expect, seen) {
    for (const release of seen) {
      const { did, task } = release;
      // A store may give a task another life than was asked for, if it says so.
      if (task.ttlMs === null) continue;
      expect(`take ${did} with a short ttl for an hour, give it back`, task, setTo(task.ttlMs, release));
    }
  },
});

export const later: Rule = defineRule({
  id: "ttl/later",
  title: "A ttl that a report gives counts from then, and null lifts it",
  level: "promise",
  source: ["P7"],
  mutants: ["ttl-later-unaged", "ttl-later-stated", "ttl-null-kept"],
  async act(kit) {
    const [made, endless, lifted] = await Promise.all([
      kit.task({ ttlMs: HOUR_MS }),
      kit.task({ ttlMs: null }),
      kit.task({ ttlMs: HOUR_MS }),
    ]);
    // By the backend's clock its age is more than nothing then.
    await kit.elapse(kit.timing.unitMs);
    const given = await dated(kit, () => kit.A.updateTask(made.taskId, { ttlMs: 30 * MINUTE_MS }));
    const read = await kit.B.getTask(made.taskId);
    const nulled = await kit.A.updateTask(lifted.taskId, { ttlMs: null });
    return { made, given, read, endless, nulled, nulledRead: await kit.B.getTask(lifted.taskId) };
  },
  judge(expect, { made, given, read, endless, nulled, nulledRead }) {
    // A store that grants less than was asked for may do so here, too.
    if (made.ttlMs === HOUR_MS) {
      const did = "give a task with a ttl of an hour one of half an hour, some time later";
      const { task } = given;
      expect(did, task, setTo(30 * MINUTE_MS, given));
      const aged = which<number | null>(
        `more than ${30 * MINUTE_MS}: it counts from creation`,
        (ttlMs) => ttlMs !== null && ttlMs > 30 * MINUTE_MS,
      );
      expect(`${did}: its ttlMs`, task.ttlMs, aged);
      const lifeMs = expiryOf(task) - Date.parse(task.createdAt);
      const ofTtl = which<number | null>(
        `expiresAt - createdAt, ${lifeMs}`,
        (ttlMs) => ttlMs !== null && Math.abs(lifeMs - ttlMs) <= SLACK_MS,
      );
      expect(`${did}: its ttlMs`, task.ttlMs, ofTtl);
      expect(`${did}, then read`, read, unchanged(task));
    }
    if (endless.ttlMs !== null) return;
    const did = "take away the ttl of a task, in a store that makes tasks without one";
    expect(`${did}: ttlMs and expiresAt`, [nulled.ttlMs, nulled.expiresAt], equalTo([null, null]));
    expect(`${did}, then read`, nulledRead, unchanged(nulled));
  },
});

export const laterCapped: Rule = defineRule({
  id: "ttl/later-capped",
  title: "No ttl that a report gives is longer than the store's longest",
  level: "promise",
  source: ["P7"],
  mutants: ["ttl-later-uncapped"],
  settings: () => ({ maxTtlMs: 2 * HOUR_MS }),
  act: (kit) =>
    Promise.all(
      [5 * HOUR_MS, null].map(async (wishMs) => {
        const { taskId } = await kit.task({ ttlMs: HOUR_MS });
        return { wishMs, ...(await dated(kit, () => kit.A.updateTask(taskId, { ttlMs: wishMs }))) };
      }),
    ),
  judge(expect, seen) {
    for (const { wishMs, task, toMs } of seen) {
      const capped = which<string | null>(
        `at most two hours after the call, which the backend dates ${toMs} or before`,
        (expiresAt) => expiresAt !== null && Date.parse(expiresAt) <= toMs + 2 * HOUR_MS + SLACK_MS,
      );
      expect(`give a task a ttl of ${wishMs} with a longest one of two hours: its expiresAt`, task.expiresAt, capped);
    }
  },
});

/** Reports on a task until they are refused; those that were accepted, by the store's own dates, at or past its end. */
async function reportUntilGone(kit: Kit, { taskId, expiresAt, ttlMs }: Task): Promise<readonly Task[]> {
  const endsMs = expiresAt === null ? Infinity : Date.parse(expiresAt);
  const late: Task[] = [];
  const stepMs = Math.ceil((ttlMs ?? kit.timing.unitMs) / 20);
  const giveUpAt = performance.now() + (ttlMs ?? 0) + kit.timing.deadlineMs;
  while (late.length === 0 && performance.now() < giveUpAt) {
    const reported = await attempt(kit.A.updateTask(taskId, { statusMessage: "still at it" }));
    if (reported.kind !== "fulfilled") break;
    // Times may be shown cut, so that a write just before the end bears the same date.
    if (Date.parse(reported.value.lastUpdatedAt) > endsMs) late.push(reported.value);
    await kit.advance?.(stepMs);
    await kit.isPending(Promise.resolve());
  }
  return late;
}

export const lastWrite: Rule = defineRule({
  id: "ttl/last-write",
  title: "No write is dated after the expiry that its task had",
  level: "promise",
  source: ["P7"],
  mutants: ["writes-past-expiry"],
  async act(kit) {
    const seen: { readonly task: Task; readonly late: readonly Task[] }[] = [];
    for (let round = 0; round < 3; round += 1) {
      const task = await kit.task({ ttlMs: kit.timing.unitMs });
      seen.push({ task, late: await reportUntilGone(kit, task) });
    }
    return seen;
  },
  judge(expect, seen) {
    for (const { task, late } of seen) {
      const did = `report on a task that expires at ${task.expiresAt} again and again, until it is gone`;
      expect(`${did}: the reports that were accepted with a later date`, late, equalTo([]));
    }
  },
});
