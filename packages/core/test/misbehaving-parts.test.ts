import { createMemoryBackend, createMemoryDriver, createMemoryTaskStore } from "@mcp-task-store/memory";
import { afterEach, describe, expect, it } from "vitest";
import { createTaskStore, isTaskStoreError, taskExecution, TaskStoreError } from "../src/index.ts";
import type { Task, TaskDriver, TaskStore, TaskStoreOptions } from "../src/index.ts";
import { Resolver } from "../src/resolver.ts";
import { inVirtualTime } from "./in-virtual-time.ts";

const opened: TaskStore[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map(async (store) => await store.close({ graceMs: 50 })));
});

const DONE = { status: "completed", result: {} } as const;
const QUIET = { maintenance: false, safetyPollMs: 60_000 } as const;
const never = async (): Promise<never> => await new Promise<never>(() => undefined);

/** A store over a memory driver of which some methods were replaced. */
function over(
  faults: Partial<TaskDriver>,
  options: TaskStoreOptions = {},
  backend = createMemoryBackend(),
): { readonly store: TaskStore; readonly peer: TaskStore } {
  const store = createTaskStore({ ...createMemoryDriver({ backend }), ...faults }, { ...QUIET, ...options });
  const peer = createMemoryTaskStore({ backend, ...QUIET });
  opened.push(store, peer);
  return { store, peer };
}

async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return isTaskStoreError(error) ? error.code : error;
  }
  return "fulfilled";
}

describe("a call whose time is over", () => {
  it("ends although every answer comes in a microtask", async () => {
    const { store } = over({});
    const { taskId } = await store.createTask();
    await store.requestInputs(taskId, { k: { method: "m", params: { big: "x".repeat(900_000) } } });
    const asks = Array.from(
      { length: 50 },
      async () => await codeOf(store.answerInputs(taskId, { k: { big: "x".repeat(900_000) } }, { timeoutMs: 1 })),
    );
    const codes = await Promise.all(asks);
    expect(
      codes.every((code) => ["fulfilled", "STORE_UNAVAILABLE", "WRITE_OUTCOME_UNKNOWN"].includes(String(code))),
    ).toBe(true);
  });
});

describe("a create whose answer was lost, and whose id is another one's by then", () => {
  it("is unknown at the first look: no later one can tell more", async () => {
    const backend = createMemoryBackend();
    const inner = createMemoryDriver({ backend });
    let inserts = 0;
    const { store, peer } = over(
      {
        insert: async (insert, options) => {
          inserts += 1;
          if (inserts > 1) return await inner.insert(insert, options);
          await peer.createTask({ taskId: insert.taskId });
          throw new TaskStoreError("WRITE_OUTCOME_UNKNOWN", "lost");
        },
      },
      {},
      backend,
    );
    expect(await codeOf(store.createTask({ taskId: "chosen" }))).toBe("WRITE_OUTCOME_UNKNOWN");
    expect(inserts).toBe(2);
  });
});

describe("an onOrphan that hangs", () => {
  it("holds back neither the recovery of other tasks nor later rounds", async () => {
    await inVirtualTime(async (time) => {
      const backend = createMemoryBackend();
      const told: string[] = [];
      const onOrphan = async (task: Task): Promise<void> => {
        told.push(task.taskId);
        await never();
      };
      const { store } = over({}, { onOrphan, graceMs: 300, callTimeoutMs: 100 }, backend);
      for (let n = 0; n < 40; n += 1) {
        const { taskId } = await store.createTask({ ttlMs: 50 });
        await store.acquireLease(taskId, { holder: "w", leaseMs: 50 });
      }
      time.advance(60);
      const startMs = time.nowMs;
      expect(await store.maintain()).toMatchObject({ released: 40, purged: 0, announced: 40 });
      expect(new Set(told).size).toBe(40);
      // The hand-overs, eight at a time, took longer than the grace of the tasks.
      expect(time.nowMs - startMs).toBeGreaterThan(300);
    });
  });
});

describe("an onError that throws or rejects", () => {
  const throws = (): never => {
    throw new Error("mine");
  };
  const rejects: () => unknown = async () => await Promise.reject(new Error("mine"));

  it.each([throws, rejects])("%s does not end the periodic rounds", async (onError) => {
    let looks = 0;
    const third = new Promise<void>((resolve) => {
      const due = async (): Promise<never> => {
        looks += 1;
        if (looks === 3) resolve();
        throw new TaskStoreError("NOT_SUPPORTED", "no");
      };
      over({ due }, { maintenance: { everyMs: 10 }, onError });
    });
    await third;
    expect(looks).toBe(3);
  });
});

describe("a driver that breaks its contract", () => {
  it("a foreign error of a write means that its outcome is unknown, of a read that nothing was learnt", async () => {
    await inVirtualTime(async () => {
      const broken = async (): Promise<never> => await Promise.reject(new Error("driver text"));
      const { store, peer } = over({ write: broken, read: broken }, { callTimeoutMs: 60 });
      const { taskId } = await peer.createTask();
      expect(await codeOf(store.getTask(taskId))).toBe("STORE_UNAVAILABLE");
      const writing = over({ write: broken }, { callTimeoutMs: 60 });
      const task = await writing.peer.createTask();
      expect(await codeOf(writing.store.finishTask(task.taskId, DONE))).toBe("WRITE_OUTCOME_UNKNOWN");
    });
  });

  it("one whose hints hang delays nobody for longer than a call, and goes on being asked", async () => {
    await inVirtualTime(async (time) => {
      const startMs = time.nowMs;
      const published: (readonly string[])[] = [];
      const hints = {
        publish: async (taskIds: readonly string[]): Promise<void> => {
          published.push(taskIds);
          await never();
        },
        subscribe: async () => async () => undefined,
      };
      const { store } = over({ hints }, { callTimeoutMs: 30 });
      const a = await store.createTask();
      const b = await store.createTask();
      await store.finishTask(a.taskId, DONE);
      await store.finishTask(b.taskId, DONE);
      expect(time.nowMs).toBe(startMs);
      await store.close();
      expect(published.flat()).toEqual([a.taskId, b.taskId]);
      expect(time.nowMs - startMs).toBeLessThan(61);
    });
  });

  it("one whose close hangs does not hang the store's", async () => {
    const { store } = over({ close: never });
    await store.createTask();
    await store.close({ graceMs: 0 });
    expect(await codeOf(store.createTask())).toBe("CLOSED");
  });
});

describe("a clock that was wrong about the backend's", () => {
  it("deletes all the same", async () => {
    const backend = createMemoryBackend();
    const { store } = over({}, {}, backend);
    const { taskId } = await store.createTask();
    backend.advance(10_000);
    expect(await store.deleteTask(taskId)).toBe(true);
  });
});

describe("callers that hand over no options or no signal", () => {
  it.each([null, 5, { signal: {} }, { signal: "now" }])("%j", async (options) => {
    const { store } = over({});
    const { taskId } = await store.createTask();
    const untyped: object = store;
    for (const name of ["getTask", "cancelTask", "waitForOutcome", "acquireLease", "setup", "maintain"]) {
      const method: (...values: readonly unknown[]) => Promise<unknown> = Reflect.get(untyped, name);
      const act = async (): Promise<unknown> =>
        await (name === "setup" || name === "maintain" ? method(options) : method(taskId, options));
      expect(await codeOf(act()), name).toBe("INVALID_ARGUMENT");
    }
  });
});

describe("limits of the store", () => {
  it("a report cannot grant more than maxTtlMs", async () => {
    const { store } = over({}, { maxTtlMs: 60_000 });
    const { taskId } = await store.createTask({ ttlMs: null });
    for (const ttlMs of [null, 300_000]) {
      // From now; what the task says counts from creation.
      const { createdAt, lastUpdatedAt, expiresAt, ...task } = await store.updateTask(taskId, { ttlMs });
      expect(Date.parse(expiresAt ?? "") - Date.parse(lastUpdatedAt)).toBe(60_000);
      expect(Date.parse(expiresAt ?? "") - Date.parse(createdAt)).toBe(task.ttlMs);
    }
  });

  it("parameters are read once", async () => {
    const { store } = over({});
    let asked = 0;
    const params = {
      get ttlMs(): number {
        asked += 1;
        return asked === 1 ? 1_000 : -5;
      },
    };
    expect(await store.createTask(params)).toMatchObject({ ttlMs: 1_000 });
  });
});

describe("a run over its time limit", () => {
  it("is failed, also if its handler obeys the signal by returning nothing", async () => {
    const { store } = over({});
    const { taskId } = await store.createTask();
    const ended = await taskExecution(
      store,
      taskId,
      async ({ signal }) => {
        await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
      },
      { maxRunMs: 30 },
    );
    expect(ended).toMatchObject({ status: "failed", statusMessage: "The run exceeded its time limit." });
  });
});

describe("a watch", () => {
  it("goes on through an outage right after an item", async () => {
    await inVirtualTime(async () => {
      let down = false;
      const backend = createMemoryBackend();
      const inner = createMemoryDriver({ backend });
      const read: TaskDriver["read"] = async (taskIds, options) => {
        if (down) throw new TaskStoreError("STORE_UNAVAILABLE", "down");
        return await inner.read(taskIds, options);
      };
      const noticed = new Resolver<void>();
      const onError = (): void => {
        if (!noticed.done) noticed.resolve();
      };
      const { store, peer } = over({ read }, { callTimeoutMs: 30, safetyPollMs: 20, onError }, backend);
      const { taskId } = await peer.createTask();
      const watch = store.watchTasks([taskId])[Symbol.asyncIterator]();
      await watch.next();
      down = true;
      const next = watch.next();
      // By a read for the watch itself.
      await noticed.wait();
      down = false;
      const ended = await peer.finishTask(taskId, DONE);
      expect(await next).toEqual({ done: false, value: ended });
    });
  });
});
