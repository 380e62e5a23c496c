/** Many tasks in one watch: Node 20 takes eleven listeners of one signal for a leak, and says so. */
import { getEventListeners } from "node:events";
import { createMemoryTaskStore } from "@mcp-task-store/memory";
import { afterEach, expect, it, vi } from "vitest";

/** As many as Node takes without a warning. */
const MOST = 10;

afterEach(() => {
  vi.restoreAllMocks();
});

it("adds no more than ten listeners to any signal, and ends all the same when its own fires", async () => {
  const store = createMemoryTaskStore({ maintenance: false });
  try {
    const ids: string[] = [];
    for (let count = 0; count < 2 * MOST; count += 1) ids.push((await store.createTask()).taskId);
    const add: unknown = Reflect.get(AbortSignal.prototype, "addEventListener");
    if (typeof add !== "function") throw new TypeError("Signals have no addEventListener.");
    let most = 0;
    vi.spyOn(AbortSignal.prototype, "addEventListener").mockImplementation(function (this: AbortSignal, ...added) {
      Reflect.apply(add, this, added);
      most = Math.max(most, getEventListeners(this, "abort").length);
    });
    const stop = new AbortController();
    const watch = store.watchTasks(ids, { signal: stop.signal })[Symbol.asyncIterator]();
    for (const _ of ids) expect(await watch.next()).toMatchObject({ done: false });
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(MOST);
    const pending = watch.next();
    stop.abort();
    await expect(pending).rejects.toMatchObject({ code: "ABORTED" });
  } finally {
    await store.close();
  }
});
