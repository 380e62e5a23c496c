import { randomUUID } from "node:crypto";
import type { Task, TaskStore } from "@mcp-task-store/core";
import { isTask } from "./answer-shapes.ts";
import { anyEnd } from "./attempt.ts";
import { inTime } from "./in-time.ts";

/** What calibration found out about the target and this machine, and what follows for the rules. Durations in ms. */
export interface Timing {
  /** L: the shortest ttl and lease that rules use. A rule that is too slow for it doubles it. */
  readonly unitMs: number;
  /** D: when something that must happen has not happened. */
  readonly deadlineMs: number;
  /** Median and 99th percentile of one call. */
  readonly callMs: { readonly p50: number; readonly p99: number };
  /** Calls end without waiting for anything outside: races then sweep over turns instead of milliseconds. */
  readonly inProcess: boolean;
}

/** D at least. Tests make it shorter, for what hangs; that says nothing of how long much work may take. */
export const DEFAULT_DEADLINE_MS = 10_000;

export interface TimingLimits {
  /** @default 10_000 */
  readonly minDeadlineMs?: number | undefined;
  /** @default 30 */
  readonly rounds?: number | undefined;
}

const MIN_UNIT_MS = 150;
const MAX_UNIT_MS = 5_000;

/** For how long wake-ups are waited for, all together: whether a store wakes anybody is for the rules to say. */
const WAKES_MS = 5_000;

/**
 * Creates, reads and wakes a number of times and measures it; creates and reads alone once nothing woke in time.
 * @throws what a call to create or read throws: then no rule can be judged
 */
export async function calibrate(store: TaskStore, limits: TimingLimits = {}): Promise<Timing> {
  const samples: number[] = [];
  const { capabilities } = store;
  let wakesMs = WAKES_MS;
  for (let round = 0; round < (limits.rounds ?? 30); round += 1) {
    const task = await measured(samples, () => newTask(store));
    await measured(samples, () => store.getTask(task?.taskId ?? randomUUID()));
    if (task === undefined || wakesMs <= 0) continue;
    const wokenMs = await wokenAfterMs(store, task, wakesMs);
    if (wokenMs !== undefined) samples.push(wokenMs);
    wakesMs = wokenMs === undefined ? 0 : wakesMs - wokenMs;
  }
  samples.sort((a, b) => a - b);
  const p99 = quantile(samples, 0.99);
  const unit = Math.min(MAX_UNIT_MS, Math.max(MIN_UNIT_MS, Math.ceil(8 * p99)));
  return {
    // Rules let half of it go by, and a canary cannot be shorter than the shortest ttl.
    unitMs: Math.max(unit, 2 * declaredMs(capabilities.minTtlMs), declaredMs(capabilities.minLeaseMs)),
    deadlineMs: Math.ceil(
      Math.max(limits.minDeadlineMs ?? DEFAULT_DEADLINE_MS, 50 * p99) +
        declaredMs(capabilities.safetyPollMs) +
        declaredMs(capabilities.maintainEveryMs),
    ),
    callMs: { p50: quantile(samples, 0.5), p99 },
    inProcess: await staysInProcess(store),
  };
}

/** A new task; undefined: what the store made is none, which is for the rules to say. */
async function newTask(store: TaskStore): Promise<Task | undefined> {
  const made: unknown = await store.createTask({ ttlMs: 600_000 });
  return isTask(made) ? made : undefined;
}

/** What is no number fails caps/claims, and nothing here. */
function declaredMs(ms: number): number {
  return Number.isFinite(ms) ? ms : 0;
}

/** How long it takes to finish a task and to wake who waits for it; undefined: nobody was woken within `limitMs`. */
async function wokenAfterMs(
  store: TaskStore,
  { taskId, revision }: Task,
  limitMs: number,
): Promise<number | undefined> {
  const over = new AbortController();
  const started = performance.now();
  const ended = await inTime(
    limitMs,
    anyEnd(async () => {
      const waiting = store.waitForUpdate(taskId, { since: revision, timeoutMs: WAKES_MS, signal: over.signal });
      // Where the finish fails nobody waits for this any more.
      waiting.catch(() => undefined);
      await store.finishTask(taskId, { status: "completed", result: {} });
      return await waiting;
    }),
  );
  const tookMs = performance.now() - started;
  over.abort();
  return ended?.kind === "fulfilled" && ended.value !== undefined ? tookMs : undefined;
}

/** More than any store takes to answer that does not wait. */
const TICKS = 200;

/** Whether most reads end before the event loop looks at any socket: no answer of a server can. */
async function staysInProcess(store: TaskStore): Promise<boolean> {
  const taskId = (await newTask(store))?.taskId ?? randomUUID();
  let inTurn = 0;
  for (let round = 0; round < 9; round += 1) {
    const read = store.getTask(taskId);
    if (await Promise.race([read.then(() => true), ticks()])) inTurn += 1;
    await read;
  }
  return inTurn > 4;
}

async function ticks(): Promise<false> {
  for (let tick = 0; tick < TICKS; tick += 1) await new Promise<void>((done) => process.nextTick(done));
  return false;
}

async function measured<T>(samples: number[], call: () => Promise<T>): Promise<T> {
  const started = performance.now();
  const value = await call();
  samples.push(performance.now() - started);
  return value;
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
