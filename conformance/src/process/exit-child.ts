/**
 * A process of its own: opens the target that a module exports, uses it in all the ways that leave something running,
 * closes it, and then does nothing that would end or hold it. Each line on stdout is a JSON text; see target-process.ts.
 */
import { setTimeout } from "node:timers/promises";
import { taskExecution, type TaskStore } from "@mcp-task-store/core";
import { loadTarget } from "../supervised/load-target.ts";
import type { ChildLine } from "./child-line.ts";

function say(line: ChildLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

process.on("unhandledRejection", (reason) => say({ stray: `a rejection that nobody handles: ${String(reason)}` }));
process.on("uncaughtException", (error) => say({ stray: `an error that nobody catches: ${String(error)}` }));

/** A wait that goes on until its store is closed, and settles then. */
async function waitOn(store: TaskStore, taskId: string, revision: number): Promise<void> {
  await Promise.allSettled([
    store.waitForUpdate(taskId, { since: revision, timeoutMs: 3_600_000 }),
    store.waitForOutcome(taskId, { timeoutMs: 3_600_000 }),
  ]);
}

/** Everything after which a store may have a timer, a listener or a promise left. */
async function use(store: TaskStore): Promise<readonly Promise<unknown>[]> {
  const { taskId, revision } = await store.createTask({ ttlMs: 3_600_000 });
  const waits = [waitOn(store, taskId, revision)];
  const items = store.watchTasks([taskId])[Symbol.asyncIterator]();
  await items.next();
  waits.push(items.next().then(() => undefined));
  await store.waitForUpdate(taskId, { since: revision, timeoutMs: 10 });
  const abort = new AbortController();
  const aborted = store.waitForUpdate(taskId, { since: revision, signal: abort.signal });
  abort.abort();
  await Promise.allSettled([aborted, store.getOutcome("an id that never was")]);
  const lease = await store.acquireLease(taskId, { holder: "child", leaseMs: 3_600_000 });
  if (lease !== undefined) await store.renewLease(taskId, lease.token);
  const run = await store.createTask({ ttlMs: 3_600_000 });
  await taskExecution(store, run.taskId, async ({ signal }) => {
    await setTimeout(20, undefined, { signal });
    return { done: true };
  });
  const failing = await store.createTask({ ttlMs: 3_600_000 });
  await taskExecution(store, failing.taskId, async () => {
    throw new Error("on purpose");
  });
  return waits;
}

async function main(specifier: string): Promise<void> {
  const target = await loadTarget(specifier);
  const namespace = await target.namespace();
  // As users open it: with its own maintenance and its own polling.
  const stores = [await namespace.open(), await namespace.open()];
  say({ stage: "opened" });
  const waits = await Promise.all(stores.map(use));
  for (const store of stores) await store.close();
  await Promise.allSettled(waits.flat());
  await namespace[Symbol.asyncDispose]();
  await target.close?.();
  say({ stage: "closed" });
}

const [, , specifier] = process.argv;
if (specifier !== undefined) {
  try {
    await main(specifier);
  } catch (error) {
    say({ threw: String(error) });
  }
}
