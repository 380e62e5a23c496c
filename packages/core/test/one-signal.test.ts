/** One signal for much at once: Node 20 takes eleven listeners of one signal for a leak, and says so. */
import { getEventListeners } from "node:events";
import { createMemoryTaskStore } from "@mcp-task-store/memory";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { pollUntilTerminal, type TaskStore, taskExecution } from "../src/index.ts";

/** As many as Node takes without a warning. */
const MOST = 10;

describe("one signal has ten listeners at most", () => {
  let most: number;
  let store: TaskStore;
  const ids: string[] = [];
  beforeEach(async () => {
    most = 0;
    store = createMemoryTaskStore({ maintenance: false });
    onTestFinished(() => store.close());
    ids.length = 0;
    for (let count = 0; count < 2 * MOST; count += 1) ids.push((await store.createTask()).taskId);
    const add: unknown = Reflect.get(AbortSignal.prototype, "addEventListener");
    if (typeof add !== "function") throw new TypeError("Signals have no addEventListener.");
    vi.spyOn(AbortSignal.prototype, "addEventListener").mockImplementation(function (this: AbortSignal, ...added) {
      Reflect.apply(add, this, added);
      most = Math.max(most, getEventListeners(this, "abort").length);
    });
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });

  function expectFew(): void {
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(MOST);
  }

  it("in one watch of many tasks, which ends all the same when it fires", async () => {
    const stop = new AbortController();
    const watch = store.watchTasks(ids, { signal: stop.signal })[Symbol.asyncIterator]();
    for (const _ of ids) expect(await watch.next()).toMatchObject({ done: false });
    expectFew();
    const pending = watch.next();
    stop.abort();
    await expect(pending).rejects.toMatchObject({ code: "ABORTED" });
  });

  it.each([
    ["waits", (taskId: string, signal: AbortSignal) => store.waitForOutcome(taskId, { signal })],
    ["watches", (taskId: string, signal: AbortSignal) => nextOf(store.watchTasks([taskId], { signal }))],
    [
      "polls",
      (taskId: string, signal: AbortSignal) =>
        nextOf(pollUntilTerminal(async (id) => await store.getTask(id), taskId, { signal })),
    ],
    ["calls", (taskId: string, signal: AbortSignal) => store.updateTask(taskId, {}, { signal })],
  ] as const)("for many %s", async (_, call) => {
    const { signal } = new AbortController();
    const running = Promise.all(ids.map((taskId) => call(taskId, signal)));
    for (const taskId of ids) await store.finishTask(taskId, { status: "completed", result: {} });
    await running.catch(() => undefined);
    expectFew();
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });

  it.each(["signal", "abandon"] as const)("for many runs, as their `%s`", async (name) => {
    const { signal } = new AbortController();
    await Promise.all(ids.map((taskId) => taskExecution(store, taskId, () => ({}), { [name]: signal })));
    expectFew();
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });
});

async function nextOf<T>(items: AsyncIterable<T>): Promise<T | undefined> {
  for await (const item of items) return item;
  return undefined;
}
