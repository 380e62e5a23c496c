import type { Task, TaskStore } from "@mcp-task-store/core";
import { type Attempt, attempt } from "../attempt.ts";
import type { Kit } from "../kit.ts";
import { defineRule, type Rule } from "../rule.ts";
import { questionFor } from "../question.ts";
import { equalTo, fulfilled, refused, which } from "../wants.ts";
import { COMPLETED } from "./endings.ts";
import { takenAgain } from "./unmaintained.ts";

const HOUR_MS = 3_600_000;
/** How coarse stored times may be: far less than what the clocks are wrong by. */
const COARSE_MS = 1_000;

/** An instant that a call has set, in ms, and times of the backend before and after the call. */
interface Stamp {
  readonly did: string;
  readonly what: string;
  readonly atMs: number;
  readonly fromMs: number;
  readonly toMs: number;
}

/** What a task says about when a call happened; deadlines are taken back by how long they lay ahead then. */
type Instants = (task: Task) => Readonly<Record<string, number>>;

const updated: Instants = ({ lastUpdatedAt }) => ({ lastUpdatedAt: Date.parse(lastUpdatedAt) });
const alive: Instants = ({ expiresAt, ttlMs }) => ({ "expiresAt - ttlMs": Date.parse(expiresAt ?? "") - (ttlMs ?? 0) });
const born: Instants = (task) => ({ createdAt: Date.parse(task.createdAt), ...updated(task), ...alive(task) });
const taken: Instants = ({ lease }) => ({
  "the lease's end - its length": Date.parse(lease?.expiresAt ?? "") - HOUR_MS,
});
const wished: Instants = ({ cancelRequestedAt = "" }) => ({ cancelRequestedAt: Date.parse(cancelRequestedAt) });
const ended: Instants = (task) => ({ ...updated(task), ...alive(task) });

/** Lets a store carry out every command, and notes the times it wrote. */
async function stampsOf(kit: Kit, store: TaskStore, name: string): Promise<readonly Stamp[]> {
  const stamps: Stamp[] = [];
  const backendMs = async (): Promise<number> => Date.parse((await kit.A.createTask()).createdAt);
  const step = async (did: string, instants: Instants, call: () => Promise<Task>): Promise<Task> => {
    const fromMs = await backendMs();
    const task = await call();
    const toMs = await backendMs();
    for (const [what, atMs] of Object.entries(instants(task))) {
      stamps.push({ did: `${did} ${name}`, what, atMs, fromMs, toMs });
    }
    return task;
  };
  const { taskId } = await step("create", born, () => store.createTask({ ttlMs: HOUR_MS }));
  await step("report", updated, () => store.updateTask(taskId, { statusMessage: "half" }));
  await step("ask", updated, () => store.requestInputs(taskId, { k: questionFor("k") }));
  await step("answer", updated, () => store.answerInputs(taskId, { k: { action: "accept" } }));
  const tokens: number[] = [];
  await step("take", taken, async () => {
    const lease = await store.acquireLease(taskId, { holder: "worker", leaseMs: HOUR_MS });
    if (lease === undefined) throw new Error("a fresh task was not leased");
    tokens.push(lease.token);
    return lease.task;
  });
  await step("ask to cancel", wished, () => store.requestCancellation(taskId));
  await step("finish", ended, () => store.finishTask(taskId, COMPLETED, { lease: tokens[0] }));
  return stamps;
}

/** A report after the backend's clock was set back by an hour; undefined where nobody can set it. */
async function afterSetBack(kit: Kit): Promise<{ readonly before: Task; readonly after: Task } | undefined> {
  if (kit.setBack === undefined) return undefined;
  const { taskId } = await kit.task();
  const before = await kit.B.updateTask(taskId, { statusMessage: "before" });
  await kit.setBack(HOUR_MS);
  await kit.A.updateTask(taskId, { statusMessage: "after" });
  const after = await kit.B.getTask(taskId);
  return after === undefined ? undefined : { before, after };
}

export const stamps: Rule = defineRule({
  id: "clock/stamps",
  title: "Every stored time is the backend's, whatever the clock of the process that writes",
  level: "promise",
  source: ["P6"],
  needs: ["clock"],
  mutants: ["stamp-client", "updated-backwards"],
  isolated: true,
  async act(kit) {
    const seen: Stamp[] = [];
    seen.push(...(await stampsOf(kit, await kit.skewed(HOUR_MS), "with a clock an hour ahead")));
    seen.push(...(await stampsOf(kit, await kit.skewed(-HOUR_MS), "with a clock an hour behind")));
    return { seen, setBack: await afterSetBack(kit) };
  },
  judge(expect, { seen, setBack }) {
    for (const { did, what, atMs, fromMs, toMs } of seen) {
      const between = which<number>(
        `an instant from ${fromMs} to ${toMs}, the backend's before and after, in ms`,
        (at) => at >= fromMs - COARSE_MS && at <= toMs + COARSE_MS,
      );
      expect(`${did}: ${what}`, atMs, between);
    }
    if (setBack === undefined) return;
    const { before, after } = setBack;
    expect("set the backend's clock back, report: createdAt", after.createdAt, equalTo(before.createdAt));
    const notBefore = which<string>(
      `${before.lastUpdatedAt} or later`,
      (at) => Date.parse(at) >= Date.parse(before.lastUpdatedAt),
    );
    expect("set the backend's clock back, report: lastUpdatedAt", after.lastUpdatedAt, notBefore);
  },
});

const THERE = which<unknown>("a task", (task) => task !== undefined);
const LEASE = which<unknown>("a lease", (lease) => lease !== undefined);

export const deadlines: Rule = defineRule({
  id: "clock/deadlines",
  title: "No process's clock makes a ttl or a lease longer or shorter",
  level: "promise",
  source: ["P6", "P7", "P8"],
  needs: ["clock"],
  mutants: ["expiry-by-writer", "expiry-by-reader", "lease-client-clock"],
  settings: takenAgain,
  async act(kit) {
    const stores = { ahead: await kit.skewed(HOUR_MS), behind: await kit.skewed(-HOUR_MS) };
    const skewed = Object.entries(stores);
    const early = await kit.within(async (ms) => {
      const mine = await kit.task({ ttlMs: ms });
      const theirs = await Promise.all(skewed.map(([, store]) => store.createTask({ ttlMs: ms })));
      const leased = await kit.task();
      await stores.behind.acquireLease(leased.taskId, { holder: "behind", leaseMs: ms });
      const reads = await Promise.all([
        ...skewed.map(([, store]) => attempt(store.getTask(mine.taskId))),
        ...theirs.map(({ taskId }) => attempt(kit.A.getTask(taskId))),
      ]);
      const stolen = await attempt(kit.A.acquireLease(leased.taskId, { holder: "thief" }));
      return { ms, mine, theirs, leased, reads, stolen };
    });
    const held = await kit.task();
    await kit.A.acquireLease(held.taskId, { holder: "worker", leaseMs: HOUR_MS / 2 });
    const stolen = await attempt(stores.ahead.acquireLease(held.taskId, { holder: "thief" }));
    const unfenced = await attempt(stores.ahead.updateTask(held.taskId, { statusMessage: "no" }));
    const lapsing = await kit.task();
    const lease = await kit.A.acquireLease(lapsing.taskId, { holder: "worker", leaseMs: kit.timing.unitMs });
    await kit.elapse(Math.max(early.ms, kit.timing.unitMs));
    const late: Attempt<unknown>[] = await Promise.all([
      ...skewed.map(([, store]) => attempt(store.getTask(early.mine.taskId))),
      ...early.theirs.map(({ taskId }) => attempt(kit.A.getTask(taskId))),
    ]);
    const zombie = await attempt(stores.behind.finishTask(lapsing.taskId, COMPLETED, { lease: lease?.token }));
    const free = await attempt(stores.behind.acquireLease(lapsing.taskId, { holder: "next" }));
    const theirsFree = await attempt(kit.A.acquireLease(early.leased.taskId, { holder: "next" }));
    return { early, late, stolen, unfenced, zombie, free, theirsFree };
  },
  judge(expect, { early, late, stolen, unfenced, zombie, free, theirsFree }) {
    const who = ["read an hour ahead", "read an hour behind", "made an hour ahead", "made an hour behind"];
    for (const [index, did] of who.entries()) {
      const [before, after] = [early.reads[index], late[index]];
      if (before !== undefined) expect(`a task before its ttl is over, ${did}`, before, fulfilled(THERE));
      if (after !== undefined) expect(`a task when its ttl is over, ${did}`, after, fulfilled(equalTo(undefined)));
    }
    expect("take a task whose live lease was given an hour behind", early.stolen, fulfilled(equalTo(undefined)));
    expect("take a task under a lease of half an hour, an hour ahead", stolen, fulfilled(equalTo(undefined)));
    expect("report on it without a token, an hour ahead", unfenced, refused("LEASE_LOST"));
    expect("finish with a lease that is over, an hour behind", zombie, refused("LEASE_LOST"));
    expect("take a task whose lease is over, an hour behind", free, fulfilled(LEASE));
    expect("take a task whose lease, given an hour behind, is over", theirsFree, fulfilled(LEASE));
  },
});
