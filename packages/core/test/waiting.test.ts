import { createMemoryBackend, createMemoryDriver } from "@mcp-task-store/memory";
import { afterEach, describe, expect, it } from "vitest";
import { createTaskStore, TaskStoreError } from "../src/index.ts";
import type { HintListener, ReadAnswer, Task, TaskDriver, TaskStore, TaskStoreOptions } from "../src/index.ts";
import { inVirtualTime } from "./in-virtual-time.ts";

const opened: TaskStore[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map(async (store) => await store.close({ graceMs: 100 })));
});

/** What a test can do to the backend of one handle. */
interface Faults {
  /** Called before each read; may wait or throw. */
  onRead?: (taskIds: readonly string[]) => Promise<void> | void;
  /** Called after each read, before its answer is seen. */
  onAnswer?: (answer: ReadAnswer) => Promise<void>;
  muted?: boolean;
  onSubscribe?: (listener: HintListener) => void;
}

function handle(
  backend = createMemoryBackend(),
  faults: Faults = {},
  options: TaskStoreOptions = {},
): { readonly store: TaskStore; readonly faults: Faults; readonly peer: TaskStore } {
  const inner = createMemoryDriver({ backend });
  const driver: TaskDriver = {
    ...inner,
    async read(taskIds, readOptions) {
      await faults.onRead?.(taskIds);
      const answer = await inner.read(taskIds, readOptions);
      await faults.onAnswer?.(answer);
      return answer;
    },
    hints: {
      publish: async (taskIds) => await inner.hints?.publish(taskIds),
      subscribe: async (listener) => {
        faults.onSubscribe?.(listener);
        const end = await inner.hints?.subscribe({
          onHint: (taskIds) => {
            if (faults.muted !== true) listener.onHint(taskIds);
          },
          onGap: () => listener.onGap(),
        });
        return async () => await end?.();
      },
    },
  };
  const store = createTaskStore(driver, { maintenance: false, safetyPollMs: 60_000, ...options });
  const peer = createTaskStore(createMemoryDriver({ backend }), { maintenance: false });
  opened.push(store, peer);
  return { store, faults, peer };
}

async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error instanceof TaskStoreError ? error.code : error;
  }
  return "fulfilled";
}

function gate(): { readonly arrived: Promise<void>; readonly pass: () => Promise<void>; readonly open: () => void } {
  let arrive: () => void = () => undefined;
  let open: () => void = () => undefined;
  const arrived = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  const opening = new Promise<void>((resolve) => {
    open = resolve;
  });
  return {
    arrived,
    open,
    pass: async () => {
      arrive();
      await opening;
    },
  };
}

const DONE = { status: "completed", result: {} } as const;

/** A turn of the event loop: on memory everything that was begun, and that needs no timer, is done after it. */
const quiet = async (): Promise<void> => await new Promise((resolve) => setImmediate(resolve));

describe("waiting", () => {
  it("a change between the read and its answer is not lost: the hint forces another read", async () => {
    const { store, peer, faults } = handle();
    const { taskId, revision } = await peer.createTask();
    const held = gate();
    faults.onAnswer = async () => await held.pass();
    const wait = store.waitForUpdate(taskId, { since: revision });
    await held.arrived;
    delete faults.onAnswer;
    const changed = await peer.updateTask(taskId, { statusMessage: "x" });
    held.open();
    expect(await wait).toEqual(changed);
  });

  it("a waiter that comes during a read does not believe its answer", async () => {
    const { store, peer, faults } = handle(undefined, { muted: true });
    const task = await peer.createTask();
    const held = gate();
    faults.onAnswer = async () => await held.pass();
    const early = store.waitForUpdate(task.taskId, { since: task.revision });
    await held.arrived;
    const changed = await peer.updateTask(task.taskId, { statusMessage: "x" });
    delete faults.onAnswer;
    // It has seen the change: the old row under way must not wake it.
    const late = store.waitForUpdate(task.taskId, { since: changed.revision, timeoutMs: 200 });
    held.open();
    expect(await late).toBeUndefined();
    // The read that the late one made served the early one as well.
    expect(await early).toEqual(changed);
  });

  it("the safety poll closes the gap of a lost hint", async () => {
    await inVirtualTime(async (time) => {
      const { store, peer, faults } = handle(undefined, { muted: true }, { safetyPollMs: 20_000 });
      const { taskId } = await peer.createTask();
      let looks = 0;
      faults.onRead = () => void (looks += 1);
      const outcome = store.waitForOutcome(taskId);
      await quiet();
      const [startMs, before] = [time.nowMs, looks];
      await peer.finishTask(taskId, DONE);
      await quiet();
      expect(looks).toBe(before);
      expect(await outcome).toEqual(DONE);
      expect(time.nowMs - startMs).toBeGreaterThan(14_000);
      expect(time.nowMs - startMs).toBeLessThan(20_001);
    });
  });

  it("a subscription that failed is made again, and what was missed is read", async () => {
    let failures = 1;
    const faults: Faults = {
      onSubscribe: () => {
        failures -= 1;
        if (failures >= 0) throw new Error("no hints yet");
      },
    };
    const { store, peer } = handle(undefined, faults);
    const { taskId } = await peer.createTask();
    const outcome = store.waitForOutcome(taskId);
    await peer.finishTask(taskId, DONE);
    expect(await outcome).toEqual(DONE);
    expect(failures).toBeLessThan(0);
  });

  it("wakes at expiry although nobody maintains, and at deletion", async () => {
    await inVirtualTime(async (time) => {
      const { store, peer } = handle();
      const startMs = time.nowMs;
      const short = await peer.createTask({ ttlMs: 30 });
      const deleted = await peer.createTask();
      const waits = [
        store.waitForUpdate(short.taskId, { since: short.revision }),
        store.waitForOutcome(deleted.taskId),
      ] as const;
      expect(await peer.deleteTask(deleted.taskId)).toBe(true);
      expect(await codeOf(waits[1])).toBe("TASK_NOT_FOUND");
      // At once; and the other was registered, its task read, before any time passed.
      expect(time.nowMs - startMs).toBe(0);
      expect(await codeOf(waits[0])).toBe("TASK_NOT_FOUND");
      expect(time.nowMs - startMs).toBeGreaterThan(29);
      expect(time.nowMs - startMs).toBeLessThan(32);
    });
  });

  it("who has seen its task waits through an outage; who has not is told", async () => {
    await inVirtualTime(async () => {
      let failedReads = 0;
      const onError = (): void => void (failedReads += 1);
      const { store, peer, faults } = handle(undefined, {}, { callTimeoutMs: 50, onError });
      const { taskId } = await peer.createTask();
      const other = await peer.createTask();
      const looked = gate();
      faults.onAnswer = async () => looked.open();
      const seen = store.waitForOutcome(taskId);
      await looked.pass();
      await store.getTask(taskId);
      faults.onRead = () => {
        throw new TaskStoreError("STORE_UNAVAILABLE", "down");
      };
      // The hint of this makes the store read for the one who waits, too.
      await peer.updateTask(taskId, { statusMessage: "x" });
      await quiet();
      expect(await codeOf(store.waitForOutcome(other.taskId))).toBe("STORE_UNAVAILABLE");
      expect(failedReads).toBe(2);
      delete faults.onRead;
      await peer.finishTask(taskId, DONE);
      expect(await seen).toEqual(DONE);
    });
  });

  it("says that an id is unknown however short the time, foreign ids alike", async () => {
    const { store, peer } = handle();
    const { taskId } = await peer.createTask({ principal: "p1" });
    expect(await codeOf(store.waitForOutcome("unknown", { timeoutMs: 0 }))).toBe("TASK_NOT_FOUND");
    expect(await codeOf(store.scoped("p2").waitForUpdate(taskId, { since: 0, timeoutMs: 0 }))).toBe("TASK_NOT_FOUND");
    expect(await store.scoped("p1").waitForUpdate(taskId, { since: 0, timeoutMs: 0 })).toMatchObject({ taskId });
  });

  it("one of many gives up alone", async () => {
    const { store, peer } = handle();
    const { taskId, revision } = await peer.createTask();
    const stop = new AbortController();
    const stopped = store.waitForUpdate(taskId, { since: revision, signal: stop.signal });
    const others = Array.from({ length: 49 }, async () => await store.waitForUpdate(taskId, { since: revision }));
    stop.abort();
    expect(await codeOf(stopped)).toBe("ABORTED");
    expect(await codeOf(store.waitForUpdate(taskId, { since: revision, signal: stop.signal }))).toBe("ABORTED");
    const changed = await peer.updateTask(taskId, { statusMessage: "x" });
    expect(await Promise.all(others)).toEqual(others.map(() => changed));
  });

  it("asks once for many waiters of many tasks", async () => {
    const asked: number[] = [];
    const { store, peer, faults } = handle();
    const tasks = await Promise.all(Array.from({ length: 200 }, async () => await peer.createTask()));
    faults.onRead = (taskIds) => void asked.push(taskIds.length);
    const stop = new AbortController();
    const waits = tasks.map(
      async (task) => await codeOf(store.waitForUpdate(task.taskId, { since: task.revision, signal: stop.signal })),
    );
    await store.getTask("any");
    stop.abort();
    await Promise.all(waits);
    expect(asked.filter((ids) => ids > 1)).toEqual(expect.arrayContaining([200]));
    expect(asked.length).toBeLessThan(6);
  });

  it("one that gave up during its read leaves no timer behind", async () => {
    await inVirtualTime(async (time) => {
      const { store, peer, faults } = handle();
      const { taskId, revision } = await peer.createTask();
      const held = gate();
      faults.onAnswer = async () => await held.pass();
      const stop = new AbortController();
      const wait = store.waitForUpdate(taskId, { since: revision, signal: stop.signal });
      await held.arrived;
      stop.abort();
      expect(await codeOf(wait)).toBe("ABORTED");
      // Deadlines of reads.
      expect(time.pending).toBeGreaterThan(0);
      held.open();
      await quiet();
      // They are gone, and nothing came instead.
      expect(time.pending).toBe(0);
    });
  });

  it("close settles all waits and watches", async () => {
    const { store, peer } = handle();
    const { taskId, revision } = await peer.createTask();
    const watch = store.watchTasks([taskId])[Symbol.asyncIterator]();
    await watch.next();
    const pending = [store.waitForUpdate(taskId, { since: revision }), store.waitForOutcome(taskId), watch.next()].map(
      codeOf,
    );
    await store.close();
    expect(await Promise.all(pending)).toEqual(["CLOSED", "CLOSED", "CLOSED"]);
    expect(await codeOf(store.waitForOutcome(taskId))).toBe("CLOSED");
    await store.close();
  });
});

describe("watching", () => {
  const drain = async (tasks: AsyncIterable<Task>): Promise<Task[]> => {
    const seen: Task[] = [];
    for await (const task of tasks) seen.push(task);
    return seen;
  };

  it("starts with what is, keeps the latest, ends with the terminal state", async () => {
    const { store, peer } = handle();
    const { taskId } = await peer.createTask();
    const watch = store.watchTasks([taskId]);
    const before = await peer.updateTask(taskId, { statusMessage: "before the first next" });
    const iterator = watch[Symbol.asyncIterator]();
    expect(await iterator.next()).toEqual({ done: false, value: before });
    for (let n = 0; n < 100; n += 1) await peer.updateTask(taskId, { statusMessage: String(n) });
    const ended = await peer.finishTask(taskId, DONE);
    const rest: Task[] = [];
    for (let item = await iterator.next(); item.done !== true; item = await iterator.next()) rest.push(item.value);
    expect(rest.at(-1)).toEqual(ended);
    const revisions = rest.map((task) => task.revision);
    expect(revisions).toEqual(revisions.toSorted((a, b) => a - b));
  });

  it("one that is deleted just ends; the others go on", async () => {
    const { store, peer } = handle();
    const [a, b] = await Promise.all([peer.createTask(), peer.createTask()]);
    const seen = drain(store.watchTasks([a.taskId, b.taskId, "unknown"]));
    await peer.deleteTask(a.taskId);
    const ended = await peer.finishTask(b.taskId, DONE);
    expect((await seen).at(-1)).toEqual(ended);
    expect(await drain(store.watchTasks([]))).toEqual([]);
  });

  it("a view's shows its own tasks; foreign ids are read like unknown ones and just end", async () => {
    const reads: (readonly string[])[] = [];
    const { store, peer } = handle(createMemoryBackend(), { onRead: (taskIds) => void reads.push(taskIds) });
    const [own, foreign] = await Promise.all([
      peer.createTask({ principal: "me" }),
      peer.createTask({ principal: "you" }),
    ]);
    const view = store.scoped("me");
    // The first wait of a store subscribes to hints, and is read again for that.
    expect(await drain(view.watchTasks(["the first"]))).toEqual([]);
    reads.length = 0;
    expect(await drain(view.watchTasks([foreign.taskId]))).toEqual([]);
    expect(await drain(view.watchTasks(["unknown"]))).toEqual([]);
    expect(reads).toEqual([[foreign.taskId], ["unknown"]]);
    const seen = drain(view.watchTasks([foreign.taskId, own.taskId]));
    await peer.finishTask(foreign.taskId, DONE);
    const ended = await peer.finishTask(own.taskId, DONE);
    const shown = await seen;
    expect(shown.at(-1)).toEqual(ended);
    expect(shown.every((task) => task.taskId === own.taskId)).toBe(true);
  });

  it("return() while next() waits settles both, and abort rejects", async () => {
    const { store, peer } = handle();
    const { taskId } = await peer.createTask();
    const iterator = store.watchTasks([taskId])[Symbol.asyncIterator]();
    await iterator.next();
    const waiting = iterator.next();
    expect(await iterator.return?.()).toMatchObject({ done: true });
    expect(await waiting).toMatchObject({ done: true });
    expect(await iterator.next()).toMatchObject({ done: true });
    const stop = new AbortController();
    const aborted = drain(store.watchTasks([taskId], { signal: stop.signal }));
    stop.abort();
    expect(await codeOf(aborted)).toBe("ABORTED");
  });
});
