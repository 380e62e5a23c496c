import { createMemoryBackend, createMemoryDriver, createMemoryTaskStore } from "@mcp-task-store/memory";
import { afterEach, describe, expect, it } from "vitest";
import { createTaskStore, isTaskStoreError, TaskStoreError } from "../src/index.ts";
import type { DriverMessages, QueuedMessage, TaskMessageQueue, TaskStore, TaskStoreOptions } from "../src/index.ts";
import { Resolver } from "../src/resolver.ts";

const opened: TaskStore[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map(async (store) => await store.close({ graceMs: 50 })));
});

const backend = createMemoryBackend();
const QUIET = { maintenance: false, safetyPollMs: 60_000, maxPayloadBytes: 1_000 } as const;
const DONE = { status: "completed", result: {} } as const;
const HOUR_MS = 3_600_000;
const note = (text: string): QueuedMessage => ({ type: "notification", message: { text }, timestamp: 0 });

/** A store over memory, its messages replaced by some of these. */
function open(faults: Partial<DriverMessages> = {}, options: TaskStoreOptions = {}): TaskStore {
  const driver = createMemoryDriver({ backend });
  const messages = driver.messages && { ...driver.messages, ...faults };
  const store = createTaskStore({ ...driver, ...(messages && { messages }) }, { ...QUIET, ...options });
  opened.push(store);
  return store;
}

async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  return undefined;
}

async function texts(store: TaskStore, taskId: string): Promise<readonly unknown[]> {
  return (await store.messages.drain(taskId)).map(({ message }) => message["text"]);
}

describe("bad input", () => {
  const store = createMemoryTaskStore(QUIET);
  const loose: Readonly<Record<string, (...values: readonly unknown[]) => Promise<unknown>>> = Object.fromEntries(
    Object.entries(store.messages).map(([name, method]) => [
      name,
      async (...values: readonly unknown[]) => await Reflect.apply(method, store.messages, values),
    ]),
  );
  const call = async (name: keyof TaskMessageQueue, ...values: readonly unknown[]): Promise<unknown> =>
    await loose[name]?.(...values);

  const BAD_NAMES: readonly unknown[] = [
    "",
    "x".repeat(256),
    "a\u0000b",
    "a\nb",
    "\uD800",
    ["m"],
    { $ne: null },
    1,
    null,
  ];
  const NOT_NUMBERS: readonly unknown[] = [NaN, -5, 0.5, Infinity, "5", 1e300];
  const good = note("good");

  it.each<readonly [keyof TaskMessageQueue, string, (bad: unknown) => readonly unknown[]]>([
    ["push", "taskId", (bad) => [bad, good, { messageId: "m" }]],
    ["push", "options.messageId", (bad) => ["t", good, { messageId: bad }]],
    ["shift", "taskId", (bad) => [bad, { receipt: "r" }]],
    ["shift", "options.receipt", (bad) => ["t", { receipt: bad }]],
    ["drain", "taskId", (bad) => [bad]],
    ["drain", "options.receipt", (bad) => ["t", { receipt: bad }]],
  ])("%s refuses names that are none as %s", async (name, argument, values) => {
    for (const bad of BAD_NAMES) {
      if (name === "drain" && argument === "options.receipt" && bad === null) continue;
      const error = await errorOf(call(name, ...values(bad)));
      expect(error, String(bad)).toMatchObject({ code: "INVALID_ARGUMENT", argument });
    }
  });

  it.each<readonly [string, (bad: unknown) => readonly [keyof TaskMessageQueue, ...unknown[]]]>([
    ["options.maxSize", (bad) => ["push", "t", good, { messageId: "m", maxSize: bad }]],
    ["options.timeoutMs", (bad) => ["push", "t", good, { messageId: "m", timeoutMs: bad }]],
    ["options.timeoutMs", (bad) => ["shift", "t", { receipt: "r", timeoutMs: bad }]],
    ["options.timeoutMs", (bad) => ["drain", "t", { timeoutMs: bad }]],
    ["message.timestamp", (bad) => ["push", "t", { ...good, timestamp: bad }, { messageId: "m" }]],
  ])("%s must be an integer within its limits", async (argument, make) => {
    for (const bad of [...NOT_NUMBERS, ...(argument === "options.maxSize" ? [0, 10_001] : [])]) {
      const error = await errorOf(call(...make(bad)));
      expect(error, String(bad)).toMatchObject({ code: "INVALID_ARGUMENT", argument });
      expect(error).toMatchObject({ message: expect.stringMatching(/must be an integer from \d+ to \d+/) });
    }
  });

  it.each<readonly [string, unknown]>([
    ["nothing", undefined],
    ["a text", "text"],
    ["no message", { type: "request", timestamp: 0 }],
    ["a message that is an array", { ...good, message: [] }],
    ["an unknown type", { ...good, type: "reply" }],
    ["a key of its own", { ...good, resolver: {} }],
    ["a function", { ...good, message: { f: () => 1 } }],
    ["a Map", { ...good, message: new Map() }],
    ["a date", { ...good, message: { at: new Date(0) } }],
    ["an unpaired surrogate", { ...good, message: { text: "\uD800" } }],
    ["a number that JSON cannot hold", { ...good, message: { n: Infinity } }],
    [
      "a getter that throws",
      {
        ...good,
        get message() {
          throw new Error("bomb");
        },
      },
    ],
  ])("a message that is %s is refused, and nothing is stored", async (_, bad) => {
    const task = await store.createTask();
    const error = await errorOf(call("push", task.taskId, bad, { messageId: "m" }));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", argument: expect.stringMatching(/^message/) });
    expect(await store.getTask(task.taskId)).toEqual(task);
    expect(await texts(store, task.taskId)).toEqual([]);
  });

  it("a message that is too large is refused, and one byte less is kept", async () => {
    const { taskId } = await store.createTask();
    const room = 1_000 - new TextEncoder().encode(JSON.stringify(note(""))).length;
    const push = (text: string): Promise<unknown> => call("push", taskId, note(text), { messageId: "m" });
    const kept = "€".repeat(Math.floor(room / 3)) + "x".repeat(room % 3);
    const error = await errorOf(push(`${kept}x`));
    expect(error).toMatchObject({ code: "PAYLOAD_TOO_LARGE", argument: "message" });
    await push(kept);
    expect(await texts(store, taskId)).toEqual([kept]);
  });

  it("options that are none are refused", async () => {
    for (const [name, ...values] of [
      ["push", "t", good],
      ["shift", "t"],
      ["push", "t", good, null],
      ["shift", "t", 5],
    ] as const) {
      expect(await errorOf(call(name, ...values))).toMatchObject({ code: "INVALID_ARGUMENT" });
    }
  });
});

describe("messages", () => {
  it("are what they were, frozen, and the caller's own edits do not count", async () => {
    const store = open();
    const { taskId } = await store.createTask();
    const message = { type: "request", message: { id: 1, params: { list: [1, { a: null }] } }, timestamp: 17 } as const;
    const edited = structuredClone(message);
    const pushed = store.messages.push(taskId, edited, { messageId: "m" });
    Object.assign(edited.message.params, { list: [] });
    await pushed;
    const shifted = await store.messages.shift(taskId, { receipt: "r" });
    expect(shifted).toEqual(message);
    expect(Object.isFrozen(shifted?.message)).toBe(true);
    expect(Object.isFrozen(await store.messages.drain(taskId))).toBe(true);
  });

  it("go in call order with the task's other writes, though nobody waits for each", async () => {
    const store = open();
    const { taskId } = await store.createTask();
    const pushes = Array.from({ length: 5 }, (_, index) =>
      store.messages.push(taskId, note(`m${index}`), { messageId: `${index}` }),
    );
    const finish = store.finishTask(taskId, DONE);
    const late = errorOf(store.messages.push(taskId, note("late"), { messageId: "late" }));
    await Promise.all(pushes);
    const ended = await finish;
    expect(await late).toMatchObject({ code: "TASK_TERMINAL", task: ended });
    expect(await texts(store, taskId)).toEqual(["m0", "m1", "m2", "m3", "m4"]);
  });

  it("stay with their receipt for an hour; then it is refused, and never given another", async () => {
    const store = open();
    const { taskId } = await store.createTask();
    const push = (text: string): Promise<void> => store.messages.push(taskId, note(text), { messageId: text });
    const shift = (receipt: string): Promise<QueuedMessage | undefined> => store.messages.shift(taskId, { receipt });
    await push("m0");
    await push("m1");
    expect(await shift("r0")).toEqual(note("m0"));
    backend.advance(HOUR_MS - 1_000);
    expect(await shift("r1")).toEqual(note("m1"));
    expect(await shift("r0")).toEqual(note("m0"));
    backend.advance(1_000);
    // Nobody came since: it is still there.
    expect(await shift("r0")).toEqual(note("m0"));
    await push("m2");
    expect(await shift("r2")).toEqual(note("m2"));
    expect(await errorOf(shift("r0"))).toMatchObject({ code: "INVALID_ARGUMENT", argument: "options.receipt" });
    expect(await shift("r1")).toEqual(note("m1"));
    await push("m0");
    expect(await texts(store, taskId)).toEqual([]);
  });

  it("wake a waiter in another process that only hints reach, and a server loop misses none", async () => {
    const [server, worker] = [open(), open()];
    const { taskId } = await worker.createTask();
    const received: unknown[] = [];
    const serve = async (): Promise<void> => {
      for (;;) {
        const task = await server.getTask(taskId);
        if (task === undefined) throw new Error("gone");
        for (const message of await server.messages.drain(taskId)) received.push(message.message["text"]);
        if (task.status === "completed") return;
        await server.waitForUpdate(taskId, { since: task.revision });
      }
    };
    const serving = serve();
    for (let index = 0; index < 50; index += 1) {
      await worker.messages.push(taskId, note(`m${index}`), { messageId: `${index}` });
    }
    await worker.finishTask(taskId, DONE);
    await serving;
    expect(received).toEqual(Array.from({ length: 50 }, (_, index) => `m${index}`));
  });

  it("are not supported by a store whose driver has none, whatever is asked", async () => {
    const { messages: _messages, ...driver } = createMemoryDriver();
    const without = createTaskStore({ ...driver, capabilities: { ...driver.capabilities, messages: false } }, QUIET);
    opened.push(without);
    expect(without.capabilities.messages).toBe(false);
    const { taskId } = await without.createTask();
    for (const refused of [
      without.messages.push(taskId, note("m"), { messageId: "m" }),
      without.messages.shift(taskId, { receipt: "r" }),
      without.messages.drain(taskId),
    ]) {
      expect(await errorOf(refused)).toMatchObject({ code: "NOT_SUPPORTED" });
    }
  });
});

describe("a call that is given up", () => {
  const never = async (): Promise<never> => await new Promise<never>(() => undefined);

  it("before anything was sent: ABORTED", async () => {
    const store = open();
    const { taskId } = await store.createTask();
    const signal = AbortSignal.abort();
    for (const aborted of [
      store.messages.push(taskId, note("m"), { messageId: "m", signal }),
      store.messages.shift(taskId, { receipt: "r", signal }),
      store.messages.drain(taskId, { signal }),
    ]) {
      expect(await errorOf(aborted)).toMatchObject({ code: "ABORTED" });
    }
    expect(await texts(store, taskId)).toEqual([]);
  });

  it("in flight, or without an answer in time: WRITE_OUTCOME_UNKNOWN", async () => {
    const started = new Resolver<void>();
    const store = open({
      push: async () => (started.resolve(), await never()),
      take: never,
    });
    const { taskId } = await store.createTask();
    const controller = new AbortController();
    const push = errorOf(store.messages.push(taskId, note("m"), { messageId: "m", signal: controller.signal }));
    await started.wait();
    controller.abort();
    expect(await push).toMatchObject({ code: "WRITE_OUTCOME_UNKNOWN" });
    const shift = errorOf(store.messages.shift(taskId, { receipt: "r", timeoutMs: 300 }));
    expect(await shift).toMatchObject({ code: "WRITE_OUTCOME_UNKNOWN" });
  });

  it("repeats what certainly did not happen, and says so when time is over", async () => {
    const inner = createMemoryDriver({ backend }).messages;
    let failures = 2;
    const store = open({
      push: async (push, options) => {
        failures -= 1;
        if (failures >= 0 || inner === undefined) throw new TaskStoreError("STORE_UNAVAILABLE", "not now");
        return await inner.push(push, options);
      },
    });
    const { taskId } = await store.createTask();
    await store.messages.push(taskId, note("m"), { messageId: "m" });
    expect(failures).toBe(-1);
    failures = Number.MAX_SAFE_INTEGER;
    const over = await errorOf(store.messages.push(taskId, note("n"), { messageId: "n", timeoutMs: 50 }));
    expect(over).toMatchObject({ code: "STORE_UNAVAILABLE", retryable: true });
  });

  it("hands on what the driver knows is no use to repeat", async () => {
    const store = open({
      take: async () => {
        throw new TaskStoreError("SCHEMA_NOT_READY", "run setup()");
      },
    });
    const { taskId } = await store.createTask();
    expect(await errorOf(store.messages.drain(taskId))).toMatchObject({ code: "SCHEMA_NOT_READY" });
  });

  it("what a driver throws against its contract leaves the outcome open", async () => {
    const store = open({
      take: async () => {
        throw new RangeError("bug");
      },
    });
    const { taskId } = await store.createTask();
    const error = await errorOf(store.messages.shift(taskId, { receipt: "r", timeoutMs: 300 }));
    expect(isTaskStoreError(error, "WRITE_OUTCOME_UNKNOWN")).toBe(true);
  });
});
