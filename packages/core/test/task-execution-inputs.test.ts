import { describe, expect, it } from "vitest";
import { type InputRequest, Resolver, type TaskStore, TaskStoreError } from "../src/index.ts";
import { inVirtualTime } from "./in-virtual-time.ts";
import { execute, fired, read, twoProcesses, withFaults } from "./two-processes.ts";

const question: InputRequest = { method: "elicitation/create", params: { message: "Sure?" } };
const yes = { action: "accept", content: { sure: true } };

const unavailable = async (): Promise<never> => {
  throw new TaskStoreError("STORE_UNAVAILABLE", "The backend is down.");
};

/** A store that says when its run waits for the next change, the tests' cue to act. */
function announced(store: TaskStore): { readonly store: TaskStore; readonly waiting: Resolver<void> } {
  const waiting = new Resolver<void>();
  const watching = withFaults(store, {
    waitForUpdate: (taskId, options) => {
      const next = store.waitForUpdate(taskId, options);
      if (!waiting.done) waiting.resolve();
      return next;
    },
  });
  return { store: watching, waiting };
}

describe("waitForInputs: the answer", () => {
  it("was there before the run began", async () => {
    const { a, b } = twoProcesses();
    const { taskId } = await a.createTask();
    await a.requestInputs(taskId, { k: question });
    await b.answerInputs(taskId, { k: yes });
    await execute(a, taskId, async ({ waitForInputs }) => {
      expect((await waitForInputs(["k"])).inputs).toEqual({ k: { request: question, response: yes } });
    });
  });

  it("comes between the question and the wait", async () => {
    const { a, b } = twoProcesses();
    const { taskId } = await a.createTask();
    await execute(a, taskId, async ({ requestInputs, waitForInputs }) => {
      const asked = await requestInputs({ k: question });
      expect(asked.inputs["k"]).toEqual({ request: question });
      await b.answerInputs(taskId, { k: yes });
      expect(await waitForInputs(["k"])).toMatchObject({ status: "working", inputs: { k: { response: yes } } });
    });
  });

  it("comes from another process while the run waits, and the lease stays", async () => {
    const { a, b } = twoProcesses();
    const { taskId } = await a.createTask();
    const ended = await execute(a, taskId, async ({ requestInputs, waitForInputs, task }) => {
      await requestInputs({ k: question });
      const waiting = waitForInputs(["k"]);
      expect((await read(b, taskId)).lease?.holder).toBe(task.lease?.holder);
      await b.answerInputs(taskId, { k: yes });
      return { answer: (await waiting).inputs["k"]?.response };
    });
    expect(ended.status).toBe("completed");
    expect((await read(b, taskId)).outcome).toEqual({ status: "completed", result: { answer: yes } });
  });

  it.each([
    ["a name like Object's own members", ["__proto__", "constructor", "toString"]],
    ["several, one by one and out of order", ["one", "two", "three"]],
  ])("counts when every key has one: %s", async (_name, keys) => {
    const { a, b } = twoProcesses();
    const { taskId } = await a.createTask();
    await execute(a, taskId, async ({ requestInputs, waitForInputs }) => {
      await requestInputs(Object.fromEntries(keys.map((key) => [key, question])));
      let done = false;
      const waiting = waitForInputs(keys).then((task) => {
        done = true;
        return task;
      });
      for (const key of keys.toReversed()) {
        expect(done).toBe(false);
        await b.answerInputs(taskId, Object.fromEntries([[key, yes]]));
      }
      const task = await waiting;
      expect(Object.keys(task.inputs).sort()).toEqual(keys.toSorted());
      expect(Object.values(task.inputs).every(({ response }) => response !== undefined)).toBe(true);
    });
  });

  it("is not waited for where no key is named", async () => {
    const { a } = twoProcesses();
    const { taskId } = await a.createTask();
    await execute(a, taskId, async ({ waitForInputs }) => {
      expect((await waitForInputs([])).taskId).toBe(taskId);
    });
  });

  it("lets one key be waited for while another is open", async () => {
    const { a, b } = twoProcesses();
    const { taskId } = await a.createTask();
    await execute(a, taskId, async ({ requestInputs, waitForInputs }) => {
      await requestInputs({ one: question, two: question });
      const first = waitForInputs(["one"]);
      await b.answerInputs(taskId, { one: yes });
      expect(await first).toMatchObject({ status: "input_required", inputs: { one: { response: yes } } });
      await b.answerInputs(taskId, { two: yes });
      expect(await waitForInputs(["two", "one"])).toMatchObject({ status: "working" });
    });
  });

  /** Storing and answering within one ms: the copies show the same `lastUpdatedAt`. */
  it("is not forgotten when the question's own acknowledgement arrives after it", async () => {
    await inVirtualTime(async () => {
      const { a, b } = twoProcesses();
      const { taskId } = await a.createTask();
      const seen = new Resolver<void>();
      const store = withFaults(a, {
        waitForUpdate: async (id, options) => {
          const task = await a.waitForUpdate(id, options);
          if (task?.inputs["k"]?.response !== undefined && !seen.done) queueMicrotask(() => seen.resolve());
          return task;
        },
        requestInputs: async (id, inputs, options) => {
          const asked = await a.requestInputs(id, inputs, options);
          await b.answerInputs(id, { k: yes });
          await seen.wait();
          return asked;
        },
      });
      const ended = await execute(
        store,
        taskId,
        async ({ requestInputs, waitForInputs }) => {
          await requestInputs({ k: question });
          return { answer: (await waitForInputs(["k"])).inputs["k"]?.response };
        },
        { maxRunMs: 60_000 },
      );
      expect(ended.status).toBe("completed");
      expect((await read(b, taskId)).outcome).toEqual({ status: "completed", result: { answer: yes } });
    });
  });
});

const ends: readonly (readonly [
  name: string,
  code: string,
  act: (store: TaskStore, taskId: string, advance: (ms: number) => void) => Promise<unknown>,
])[] = [
  ["its cancellation is asked for", "ABORTED", (store, taskId) => store.requestCancellation(taskId)],
  ["it is cancelled", "TASK_TERMINAL", (store, taskId) => store.cancelTask(taskId)],
  ["it is deleted", "TASK_NOT_FOUND", (store, taskId) => store.deleteTask(taskId)],
  [
    "somebody else takes it over",
    "LEASE_LOST",
    async (store, taskId, advance) => {
      advance(30_001);
      await store.acquireLease(taskId, { holder: "b" });
    },
  ],
  [
    "an operator ends it",
    "TASK_TERMINAL",
    (store, taskId) => store.finishTask(taskId, { status: "completed", result: {} }, { force: true }),
  ],
];

describe("waitForInputs: the run is told to stop", () => {
  it.each(ends)("rejects when %s: %s", async (_name, code, act) => {
    const { a, b, backend } = twoProcesses();
    const { taskId } = await a.createTask();
    await execute(a, taskId, async ({ signal, requestInputs, waitForInputs }) => {
      await requestInputs({ k: question });
      const waiting = waitForInputs(["k"]);
      const [error] = await Promise.all([
        waiting.catch((thrown: unknown) => thrown),
        act(b, taskId, (ms) => backend.advance(ms)),
      ]);
      expect(error).toMatchObject({ name: "TaskStoreError", code });
      expect(error).toBe(signal.reason);
      // A wait that begins only now is told the same.
      await expect(waitForInputs(["k"])).rejects.toBe(signal.reason);
    });
  });

  it("rejects when the worker shuts down, and the task goes back with its question", async () => {
    const { a, b } = twoProcesses();
    const { taskId } = await a.createTask();
    const shutdown = new AbortController();
    const task = await execute(
      a,
      taskId,
      async ({ requestInputs, waitForInputs }) => {
        await requestInputs({ k: question });
        const waiting = waitForInputs(["k"]);
        shutdown.abort(new Error("SIGTERM"));
        await expect(waiting).rejects.toMatchObject({ code: "ABORTED", cause: { message: "SIGTERM" } });
      },
      { signal: shutdown.signal },
    );
    expect(task).toMatchObject({ status: "input_required", attempts: 0 });
    expect(await b.acquireLease(taskId, { holder: "b" })).toBeDefined();
  });

  it("rejects when maxRunMs is over", async () => {
    await inVirtualTime(async () => {
      const { a } = twoProcesses();
      const { taskId } = await a.createTask();
      await execute(
        a,
        taskId,
        async ({ signal, requestInputs, waitForInputs }) => {
          await requestInputs({ k: question });
          await expect(waitForInputs(["k"])).rejects.toMatchObject({ code: "ABORTED" });
          expect(signal.aborted).toBe(true);
        },
        { maxRunMs: 1_000 },
      );
    });
  });

  it("rejects when the run itself ended meanwhile, without firing its signal", async () => {
    const { a } = twoProcesses();
    const { taskId } = await a.createTask();
    const ended = await execute(a, taskId, async ({ signal, complete, requestInputs, waitForInputs }) => {
      await requestInputs({ k: question });
      const waiting = waitForInputs(["k"]);
      await complete({ done: true });
      await expect(waiting).rejects.toMatchObject({ code: "TASK_TERMINAL", task: { status: "completed" } });
      expect(signal.aborted).toBe(false);
    });
    expect(ended.status).toBe("completed");
  });

  it("rejects a wait that the handler left behind, and nobody hears of it", async () => {
    const { a } = twoProcesses();
    const { taskId } = await a.createTask();
    const left: Promise<unknown>[] = [];
    const task = await execute(a, taskId, async ({ requestInputs, waitForInputs }) => {
      await requestInputs({ k: question });
      left.push(waitForInputs(["k"]));
    });
    await expect(left[0]).rejects.toMatchObject({ code: "LEASE_LOST" });
    expect(task.status).toBe("input_required");
  });

  it("takes an answer that is known over a reason to stop", async () => {
    const { a, b } = twoProcesses();
    const { taskId } = await a.createTask();
    await a.requestInputs(taskId, { k: question });
    await b.answerInputs(taskId, { k: yes });
    await execute(a, taskId, async ({ signal, requestCancellation, waitForInputs }) => {
      requestCancellation();
      expect(signal.aborted).toBe(true);
      expect((await waitForInputs(["k"])).inputs["k"]?.response).toEqual(yes);
    });
  });
});

describe("waitForInputs: the store cannot be reached", () => {
  it("waits through an outage of the watch", async () => {
    await inVirtualTime(async () => {
      const { a, b } = twoProcesses();
      const { taskId } = await a.createTask();
      let outages = 0;
      const store = withFaults(a, {
        waitForUpdate: async (id, options) => {
          outages += 1;
          if (outages > 1 && outages <= 4) return await unavailable();
          return await a.waitForUpdate(id, options);
        },
      });
      const ended = await execute(store, taskId, async ({ requestInputs, waitForInputs }) => {
        await requestInputs({ k: question });
        const waiting = waitForInputs(["k"]);
        await b.answerInputs(taskId, { k: yes });
        return { answer: (await waiting).inputs["k"]?.response };
      });
      expect(ended.status).toBe("completed");
      expect(outages).toBeGreaterThan(1);
    });
  });

  it("is fenced at the lease's end when the outage lasts", async () => {
    await inVirtualTime(async () => {
      const { a, b } = twoProcesses();
      const { taskId } = await a.createTask();
      const down = new Resolver<void>();
      const store = withFaults(a, {
        renewLease: unavailable,
        waitForUpdate: async (id, options) => {
          if (down.done) return await unavailable();
          return await a.waitForUpdate(id, options);
        },
      });
      const startMs = performance.now();
      await execute(
        store,
        taskId,
        async ({ signal, requestInputs, waitForInputs }) => {
          await requestInputs({ k: question });
          down.resolve();
          await expect(waitForInputs(["k"])).rejects.toMatchObject({ code: "LEASE_LOST" });
          expect(await fired(signal)).toMatchObject({ code: "LEASE_LOST" });
          expect(performance.now() - startMs).toBeLessThan(3_001);
        },
        { leaseMs: 3_000 },
      );
      expect((await read(b, taskId)).inputs).toEqual({ k: { request: question } });
    });
  });

  it("costs no calls of its own", async () => {
    const { a, b } = twoProcesses();
    const { taskId } = await a.createTask();
    const { store, waiting } = announced(a);
    const calls: string[] = [];
    const counting = withFaults(store, {
      getTask: (id, options) => {
        calls.push("getTask");
        return store.getTask(id, options);
      },
    });
    await execute(counting, taskId, async ({ requestInputs, waitForInputs }) => {
      await requestInputs({ k: question });
      await waiting.wait();
      const answers = [waitForInputs(["k"]), waitForInputs(["k"]), waitForInputs(["k"])];
      await b.answerInputs(taskId, { k: yes });
      await Promise.all(answers);
      expect(calls).toEqual([]);
    });
  });
});
