import { createMemoryTaskStore } from "@mcp-task-store/memory";
import { afterAll, describe, expect, it } from "vitest";
import { isTaskStoreError, type Task, type TaskStore } from "../src/index.ts";

/** Callers in JavaScript hand over anything: the compiler's opinion is left out on purpose. */
type Loose = Readonly<Record<string, (...values: readonly unknown[]) => Promise<unknown>>>;

const store = createMemoryTaskStore({ maintenance: false, maxPayloadBytes: 1_000 });
const loose: Loose = Object.fromEntries(
  Object.entries(store).flatMap(([name, value]) =>
    typeof value === "function"
      ? [[name, async (...values: readonly unknown[]) => await Reflect.apply(value, store, values)]]
      : [],
  ),
);
afterAll(async () => await store.close());

const call = async (name: keyof TaskStore & string, ...values: readonly unknown[]): Promise<unknown> =>
  await loose[name]?.(...values);

async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  return undefined;
}

const DONE = { status: "completed", result: {} };
const HOSTILE_IDS: readonly unknown[] = [
  "",
  "x".repeat(10_000),
  "a\u0000b",
  "a\nb",
  "\uD800",
  ["id"],
  { $ne: null },
  1,
  null,
  undefined,
];
const WITH_ID: readonly [keyof TaskStore & string, ...unknown[]][] = [
  ["getTask"],
  ["getOutcome"],
  ["cancelTask"],
  ["requestCancellation"],
  ["answerInputs", {}],
  ["deleteTask"],
  ["waitForUpdate", { since: 0 }],
  ["waitForOutcome"],
  ["updateTask", {}],
  ["finishTask", DONE],
  ["requestInputs", { k: { method: "m" } }],
  ["acquireLease", { holder: "h" }],
  ["renewLease", 1],
  ["releaseLease", 1],
];

describe("hostile ids", () => {
  it.each(WITH_ID)("%s refuses them as taskId", async (name, ...rest) => {
    for (const id of HOSTILE_IDS) {
      expect(await errorOf(call(name, id, ...rest))).toMatchObject({ code: "INVALID_ARGUMENT", argument: "taskId" });
    }
  });
});

describe("numbers", () => {
  const NOT_NUMBERS: readonly unknown[] = [NaN, -5, 0.5, Infinity, "5", 1e300];

  it.each<[string, (value: unknown) => readonly [keyof TaskStore & string, ...unknown[]]]>([
    ["params.ttlMs", (value) => ["createTask", { ttlMs: value }]],
    ["params.pollIntervalMs", (value) => ["createTask", { pollIntervalMs: value }]],
    ["change.ttlMs", (value) => ["updateTask", "id", { ttlMs: value }]],
    ["page.limit", (value) => ["listTasks", { limit: value }]],
    ["options.timeoutMs", (value) => ["getTask", "id", { timeoutMs: value }]],
    ["options.timeoutMs", (value) => ["waitForOutcome", "id", { timeoutMs: value }]],
    ["options.since", (value) => ["waitForUpdate", "id", { since: value }]],
    ["options.lease", (value) => ["updateTask", "id", {}, { lease: value }]],
    ["options.leaseMs", (value) => ["acquireLease", "id", { holder: "h", leaseMs: value }]],
    ["options.maxRunMs", (value) => ["acquireLease", "id", { holder: "h", maxRunMs: value }]],
    ["token", (value) => ["renewLease", "id", value]],
    ["options.limit", (value) => ["maintain", { limit: value }]],
    ["options.graceMs", (value) => ["close", { graceMs: value }]],
  ])("%s must be an integer within its limits", async (argument, make) => {
    for (const value of NOT_NUMBERS) {
      const error = await errorOf(call(...make(value)));
      expect(error, String(value)).toMatchObject({ code: "INVALID_ARGUMENT", argument });
      expect(error).toMatchObject({ message: expect.stringMatching(/must be an integer from -?\d+ to \d+/) });
    }
  });

  it("takes a ttl of 30 days, of 10 years and none", async () => {
    for (const ttlMs of [30 * 86_400_000, 10 * 365 * 86_400_000, null]) {
      const { taskId } = await store.createTask({ ttlMs });
      await store.maintain();
      expect(await store.getTask(taskId)).toMatchObject({ ttlMs });
      // Also while somebody waits for its end: no timer overflows.
      expect(await store.waitForOutcome(taskId, { timeoutMs: 20 })).toBeUndefined();
    }
  });
});

describe("nothing is stored by half", () => {
  const expectUnchanged = async (act: (task: Task) => Promise<unknown>, code: string): Promise<void> => {
    const task = await store.createTask({ metadata: { before: 1 }, statusMessage: "before" });
    expect(await errorOf(act(task))).toMatchObject({ code });
    expect(await store.getTask(task.taskId)).toEqual(task);
  };

  it("a good message with bad metadata", async () => {
    await expectUnchanged(
      async ({ taskId }) => await call("updateTask", taskId, { statusMessage: "after", metadata: { n: 1n } }),
      "INVALID_ARGUMENT",
    );
  });

  it("two inputs of which one is bad", async () => {
    await expectUnchanged(
      async ({ taskId }) => await call("requestInputs", taskId, { good: { method: "m" }, bad: { method: "" } }),
      "INVALID_ARGUMENT",
    );
    await expectUnchanged(async ({ taskId }) => await call("requestInputs", taskId, {}), "INVALID_ARGUMENT");
  });

  it("an outcome that is none", async () => {
    for (const outcome of [
      { status: "completed" },
      { status: "failed" },
      { status: "Completed", result: {} },
      { status: "failed", error: { code: 0.5, message: "" } },
      { status: "cancelled", result: {} },
      { status: "working" },
      "completed",
      null,
    ]) {
      await expectUnchanged(async ({ taskId }) => await call("finishTask", taskId, outcome), "INVALID_ARGUMENT");
    }
  });

  it("a payload over the limit", async () => {
    const large = { text: "x".repeat(1_000) };
    await expectUnchanged(
      async ({ taskId }) => await store.finishTask(taskId, { status: "completed", result: large }),
      "PAYLOAD_TOO_LARGE",
    );
    await expectUnchanged(
      async ({ taskId }) => await store.updateTask(taskId, { metadata: large }),
      "PAYLOAD_TOO_LARGE",
    );
    await expectUnchanged(
      async ({ taskId }) => await store.requestInputs(taskId, { k: { method: "m", params: large } }),
      "PAYLOAD_TOO_LARGE",
    );
    await expectUnchanged(async ({ taskId }) => await store.answerInputs(taskId, { k: large }), "PAYLOAD_TOO_LARGE");
  });

  it("a status message that is too long, has NUL or an unpaired surrogate", async () => {
    for (const statusMessage of ["x".repeat(8_193), "€".repeat(3_000), "a\u0000", "\uDFFF", 5]) {
      await expectUnchanged(
        async ({ taskId }) => await call("updateTask", taskId, { statusMessage }),
        "INVALID_ARGUMENT",
      );
    }
  });

  it("a key that is not known is refused instead of ignored", async () => {
    expect(await errorOf(call("createTask", { ttl: 5 }))).toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});

describe("principals", () => {
  const untyped: object = store;
  const scoped: (principal: unknown) => unknown = Reflect.get(untyped, "scoped");

  it("scoped takes null or a name, and nothing that would mean everybody", () => {
    for (const principal of ["", undefined, {}, [], 0, "a\u0000", "x".repeat(513)]) {
      expect(() => scoped(principal)).toThrow(
        expect.objectContaining({ code: "INVALID_ARGUMENT", argument: "principal" }),
      );
    }
  });

  it("a view takes no owner, no id and no lease from its caller", async () => {
    const view = store.scoped("p2");
    const untypedView: object = view;
    const createTask: (params: unknown) => Promise<unknown> = Reflect.get(untypedView, "createTask");
    for (const params of [{ principal: "p1" }, { scope: "p1" }, { owner: "p1" }, { taskId: "mine" }]) {
      expect(await errorOf(createTask(params))).toMatchObject({ code: "INVALID_ARGUMENT" });
    }
    expect(Object.getPrototypeOf(view)).toBeNull();
    expect(Object.keys(view).toSorted()).toEqual([
      "answerInputs",
      "cancelTask",
      "createTask",
      "deleteTask",
      "getOutcome",
      "getTask",
      "listTasks",
      "principal",
      "requestCancellation",
      "waitForOutcome",
      "waitForUpdate",
      "watchTasks",
    ]);
  });

  it("errors carry nothing of anybody's task", async () => {
    const { taskId } = await store.scoped("p1").createTask({ metadata: { plant: "PLANT" }, statusMessage: "PLANT" });
    const stranger = store.scoped("p2");
    for (const act of [
      stranger.cancelTask(taskId),
      stranger.getOutcome(taskId),
      stranger.requestCancellation(taskId),
      stranger.waitForUpdate(taskId, { since: 0 }),
    ]) {
      const error = await errorOf(act);
      expect(isTaskStoreError(error, "TASK_NOT_FOUND")).toBe(true);
      expect(JSON.stringify(error) + String(error)).not.toContain("PLANT");
    }
  });
});

describe("options of a store", () => {
  it.each([
    [{ leaseMs: 49 }, "options.leaseMs"],
    [{ maxAttempts: 0 }, "options.maxAttempts"],
    [{ maintenance: { everyMs: 1 } }, "options.maintenance.everyMs"],
    [{ maintenance: true }, "options.maintenance"],
    [{ maxPayloadBytes: 2 ** 40 }, "options.maxPayloadBytes"],
    [{ onOrphan: "yes" }, "options.onOrphan"],
    [{ orphanPolicy: "forget" }, "options.orphanPolicy"],
  ])("%j names %s", (options, argument) => {
    expect(() => Reflect.apply(createMemoryTaskStore, undefined, [options])).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT", argument }),
    );
  });
});

/** Answers "elicitation/create" as long as it is checked, and something else from the second time on. */
function changing(): { readonly value: object; readonly reads: () => number } {
  let reads = 0;
  const value = {
    get method(): unknown {
      reads += 1;
      return reads === 1 ? "elicitation/create" : { not: "a text", filler: "x".repeat(900) };
    },
  };
  return { value, reads: () => reads };
}

describe("a value that changes while it is read", () => {
  it("is stored as it was checked, a question", async () => {
    const { taskId } = await store.createTask();
    const asked = [changing(), changing(), changing()];
    const task = await call(
      "requestInputs",
      taskId,
      Object.fromEntries(asked.map(({ value }, at) => [`k${at}`, value])),
    );
    const request = { method: "elicitation/create" };
    expect(task).toMatchObject({ inputs: { k0: { request }, k1: { request }, k2: { request } } });
    expect(asked.map(({ reads }) => reads())).toEqual([1, 1, 1]);
  });

  it("is stored as it was checked, an answer", async () => {
    const { taskId } = await store.createTask();
    await call("requestInputs", taskId, { k: { method: "m" } });
    const { value, reads } = changing();
    expect(await call("answerInputs", taskId, { k: value })).toMatchObject({
      inputs: { k: { response: { method: "elicitation/create" } } },
    });
    expect(reads()).toBe(1);
  });
});
