import { isTaskStoreError, type JsonObject } from "@mcp-task-store/core";
import { type Attempt, attempt } from "../attempt.ts";
import { defineRule, type Rule, type Want } from "../rule.ts";
import { questionFor } from "../question.ts";
import { shown } from "../shown.ts";
import { equalTo, fulfilled, hasCode, notFoundBy, refused, unchanged, which } from "../wants.ts";
import { COMPLETED } from "./endings.ts";
import { note } from "./message-operations.ts";
import { callUntyped } from "./untyped-call.ts";

/** Every method that names a task, with what it takes after the id. */
const CALLS: Readonly<Record<string, readonly unknown[]>> = {
  getTask: [],
  getOutcome: [],
  cancelTask: [],
  requestCancellation: [],
  answerInputs: [{ k: { action: "accept" } }],
  waitForUpdate: [{ since: 0, timeoutMs: 1_000 }],
  waitForOutcome: [{ timeoutMs: 1_000 }],
  deleteTask: [],
  updateTask: [{ statusMessage: "odd" }],
  finishTask: [COMPLETED],
  requestInputs: [{ odd: questionFor("odd") }],
  acquireLease: [{ holder: "odd" }],
  renewLease: [1],
  releaseLease: [1],
};

/** Likewise, of the messages of a store that has any. */
const MESSAGE_CALLS: Readonly<Record<string, readonly unknown[]>> = {
  push: [note("odd"), { messageId: "odd" }],
  shift: [{ receipt: "odd" }],
  drain: [],
};

export const ids: Rule = defineRule({
  id: "bad/ids",
  title: "Ids are data: no id is a pattern, an operator or another id",
  level: "must",
  source: ["S-61", "X-50", "P10"],
  mutants: ["id-operator", "id-coerced", "id-pattern"],
  async act(kit) {
    const victim = await kit.task({ taskId: kit.taskId("victim") });
    const id = victim.taskId;
    const strange: readonly unknown[] = [
      "",
      "x".repeat(10_240),
      "a\u0000b",
      "' OR 1=1 --",
      "*",
      "%",
      `${id.slice(0, -1)}*`,
      `${id} `,
      id.toUpperCase(),
      { $ne: null },
      [id],
      1,
      null,
      { toString: () => id },
    ];
    const calls = [];
    const { capabilities, messages } = kit.A;
    for (const value of capabilities.messages ? strange : []) {
      for (const [operation, rest] of Object.entries(MESSAGE_CALLS)) {
        calls.push({ value, operation, end: await attempt(callUntyped(messages, operation, value, ...rest)) });
      }
    }
    for (const value of strange) {
      for (const [operation, rest] of Object.entries(CALLS)) {
        calls.push({ value, operation, end: await attempt(callUntyped(kit.A, operation, value, ...rest)) });
      }
    }
    return { victim, calls, after: await kit.B.getTask(id) };
  },
  judge(expect, { victim, calls, after }) {
    const missedBy = (operation: string): Want<Attempt<unknown>> =>
      which("not found, or INVALID_ARGUMENT", (end) =>
        end.kind === "rejected"
          ? hasCode(end.error, ["TASK_NOT_FOUND", "INVALID_ARGUMENT"])
          : notFoundBy(operation).holds(end),
      );
    for (const { value, operation, end } of calls) {
      const text = typeof value === "string" ? value.slice(0, 40) : value;
      expect(`${operation} with the id ${JSON.stringify(text)}`, end, missedBy(operation));
    }
    expect("read the task that exists", after, unchanged(victim));
  },
});

const BAD_NUMBERS: readonly unknown[] = [Number.NaN, -1, 0.5, Infinity, "5", {}];

export const numbers: Rule = defineRule({
  id: "bad/numbers",
  title: "Numbers are checked, and the refusal names the argument",
  level: "promise",
  source: ["X-66", "P10"],
  mutants: ["nan-immortal", "negative-accepted", "limit-zero-all"],
  async act(kit) {
    const { taskId } = await kit.task();
    const principal = kit.principal("p1");
    for (let index = 0; index < 3; index += 1) await kit.task({ principal });
    const owned = { principal: kit.principal("odd") };
    const places: Readonly<Record<string, (bad: unknown) => Promise<unknown>>> = {
      ttlMs: (ttlMs) => callUntyped(kit.A, "createTask", { ...owned, ttlMs }),
      pollIntervalMs: (pollIntervalMs) => callUntyped(kit.A, "createTask", { ...owned, pollIntervalMs }),
      "a report's ttlMs": (ttlMs) => callUntyped(kit.A, "updateTask", taskId, { ttlMs }),
      leaseMs: (leaseMs) => callUntyped(kit.A, "acquireLease", taskId, { holder: "odd", leaseMs }),
      timeoutMs: (timeoutMs) => callUntyped(kit.A, "waitForUpdate", taskId, { since: 0, timeoutMs }),
      limit: (limit) => callUntyped(kit.A.scoped(principal), "listTasks", { limit }),
      ...(kit.A.capabilities.messages
        ? {
            maxSize: (maxSize) =>
              callUntyped(kit.A.messages, "push", taskId, note("odd"), { messageId: "odd", maxSize }),
          }
        : {}),
    };
    const calls = [];
    for (const [place, call] of Object.entries(places)) {
      for (const bad of BAD_NUMBERS) {
        calls.push({ place, bad, end: await attempt(call(bad)) });
      }
    }
    const zero = kit.A.capabilities.listing
      ? await attempt(kit.A.scoped(principal).listTasks({ limit: 0 }))
      : undefined;
    const made = kit.A.capabilities.listing ? await kit.B.scoped(kit.principal("odd")).listTasks() : { tasks: [] };
    return { calls, zero, made: made.tasks };
  },
  judge(expect, { calls, zero, made }) {
    for (const { place, bad, end } of calls) {
      const did = `${place} of ${shown(bad)}`;
      if (place === "limit" && end.kind === "rejected" && isTaskStoreError(end.error, "NOT_SUPPORTED")) continue;
      expect(did, end, refused("INVALID_ARGUMENT"));
      expect(`${did}: the argument that the refusal names`, end, which("a name", namesItsArgument));
    }
    const none = which<Attempt<{ readonly tasks: readonly unknown[] }>>("a refusal, or no more than one task", (end) =>
      end.kind === "rejected"
        ? hasCode(end.error, ["INVALID_ARGUMENT"])
        : end.kind === "fulfilled" && end.value.tasks.length <= 1,
    );
    if (zero !== undefined) expect("list with a limit of 0", zero, none);
    expect("look for tasks that were made all the same", made, equalTo([]));
  },
});

function namesItsArgument(end: Attempt<unknown>): boolean {
  return (
    end.kind === "rejected" &&
    isTaskStoreError(end.error) &&
    typeof end.error.argument === "string" &&
    end.error.argument !== ""
  );
}

const NOT_JSON: Readonly<Record<string, () => unknown>> = {
  "a function": () => ({ value: () => 1 }),
  "a symbol": () => ({ value: Symbol("s") }),
  "a bigint": () => ({ value: 1n }),
  "a Map": () => ({ value: new Map([["a", 1]]) }),
  "a Set": () => ({ value: new Set([1]) }),
  "a Date": () => ({ value: new Date(0) }),
  Infinity: () => JSON.parse('{"value":1e400}'),
  NaN: () => ({ value: Number.NaN }),
  "a sparse array": () => {
    const value: unknown[] = [1];
    value[2] = 3;
    return { value };
  },
  "a cycle": () => {
    const circular: Record<string, unknown> = {};
    circular["value"] = circular;
    return circular;
  },
  "a toJSON that throws": () => ({
    value: {
      toJSON() {
        throw new Error("bomb");
      },
    },
  }),
  "a Map itself": () => new Map([["a", 1]]),
  "an array": () => [1],
  "a text": () => "text",
};

export const nonJson: Rule = defineRule({
  id: "bad/non-json",
  title: "What is no JSON is refused instead of silently changed",
  level: "promise",
  source: ["P10"],
  mutants: ["map-stored-empty", "infinity-null", "cycle-crashes"],
  act: (kit) =>
    Promise.all(
      Object.entries(NOT_JSON).map(async ([what, make]) => {
        const task = await kit.task();
        const result = make();
        const finished = await attempt(callUntyped(kit.A, "finishTask", task.taskId, { status: "completed", result }));
        const reported = await attempt(callUntyped(kit.A, "updateTask", task.taskId, { metadata: result }));
        return { what, task, finished, reported, after: await kit.B.getTask(task.taskId) };
      }),
    ),
  judge(expect, seen) {
    for (const { what, task, finished, reported, after } of seen) {
      expect(`finish with ${what}`, finished, refused("INVALID_ARGUMENT"));
      expect(`report metadata with ${what}`, reported, refused("INVALID_ARGUMENT"));
      expect(`finish and report with ${what}, read the task`, after, unchanged(task));
    }
  },
});

export const whole: Rule = defineRule({
  id: "bad/whole",
  title: "One bad part refuses the whole call, and harms nothing else",
  level: "promise",
  source: ["P2", "P10"],
  mutants: ["half-applied", "poisoned-connection"],
  isolated: true,
  async act(kit) {
    const principal = kit.principal("p1");
    const task = await kit.task({ principal });
    const bad: JsonObject = { value: 1n };
    const refusals = {
      "a good message with bad metadata": await attempt(() =>
        kit.A.updateTask(task.taskId, { statusMessage: "good", metadata: bad }),
      ),
      "a good and a bad input": await attempt(() =>
        kit.B.requestInputs(task.taskId, {
          good: questionFor("good"),
          bad: { method: "elicitation/create", params: bad },
        }),
      ),
      "a good message with a bad result": await attempt(() =>
        kit.A.finishTask(task.taskId, { status: "completed", result: bad }, { statusMessage: "good" }),
      ),
      "a create with bad metadata": await attempt(() => kit.B.createTask({ principal, metadata: bad })),
    };
    const queue = kit.A.capabilities.messages
      ? {
          push: await attempt(() =>
            kit.A.messages.push(task.taskId, { ...note("good"), message: bad }, { messageId: "m" }),
          ),
          waiting: await kit.B.messages.drain(task.taskId),
        }
      : undefined;
    const after = await kit.B.getTask(task.taskId);
    const listed = kit.A.capabilities.listing ? (await kit.A.scoped(principal).listTasks()).tasks.length : 1;
    const later = await Promise.all(
      [kit.A, kit.B].map((store) =>
        attempt(async () => store.finishTask((await store.createTask()).taskId, COMPLETED)),
      ),
    );
    return { task, refusals, queue, after, listed, later };
  },
  judge(expect, { task, refusals, queue, after, listed, later }) {
    if (queue !== undefined) {
      expect("push a bad message", queue.push, refused("INVALID_ARGUMENT"));
      expect("push a bad message, then drain", queue.waiting, equalTo([]));
    }
    for (const [what, end] of Object.entries(refusals)) expect(what, end, refused("INVALID_ARGUMENT"));
    expect("read the task after those refusals", after, unchanged(task));
    expect("count the principal's tasks", listed, equalTo(1));
    for (const end of later) expect("create and finish another task afterwards", end, fulfilled());
  },
});

export const typed: Rule = defineRule({
  id: "bad/typed",
  title: "Every refusal is a store error with its stable code",
  level: "promise",
  source: ["S-61", "X-51", "P10"],
  mutants: ["raw-driver-error", "error-plain"],
  async act(kit) {
    const ended = await kit.ended(COMPLETED);
    const taken = await kit.task();
    const lease = await kit.A.acquireLease(taken.taskId, { holder: "worker" });
    const reused = await kit.asked(["k"]);
    const { capabilities, messages } = kit.B;
    const push = (messageId: string): Promise<void> =>
      messages.push(taken.taskId, note(messageId), { messageId, maxSize: 1 });
    if (capabilities.messages) await push("first");
    const refusals: Readonly<Record<string, Promise<unknown>>> = {
      ...(capabilities.messages ? { QUEUE_FULL: push("second") } : {}),
      TASK_TERMINAL: kit.B.cancelTask(ended.taskId),
      TASK_NOT_FOUND: kit.B.getOutcome(kit.taskId("never")),
      ALREADY_EXISTS: kit.B.createTask({ taskId: ended.taskId }),
      LEASE_LOST: kit.B.updateTask(taken.taskId, { statusMessage: "no" }, { lease: (lease?.token ?? 1) + 1 }),
      INPUT_KEY_REUSED: kit.B.requestInputs(reused.taskId, { k: questionFor("other") }),
      INVALID_ARGUMENT: attempt(() => kit.B.createTask({ ttlMs: -1 })).then(rethrow),
      ABORTED: kit.B.waitForUpdate(taken.taskId, { since: 0, signal: AbortSignal.abort() }),
      NOT_SUPPORTED: kit.B.scoped(null).listTasks(),
      ...(kit.B.capabilities.listing
        ? { INVALID_CURSOR: kit.B.scoped(kit.principal("p1")).listTasks({ cursor: "garbage" }) }
        : {}),
    };
    return Promise.all(Object.entries(refusals).map(async ([code, call]) => ({ code, end: await attempt(call) })));
  },
  judge(expect, seen) {
    for (const { code, end } of seen) {
      const error: unknown = end.kind === "rejected" ? end.error : undefined;
      const good =
        isTaskStoreError(error) && error.code === code && typeof error.retryable === "boolean" && error.message !== "";
      expect(
        `provoke ${code}`,
        end,
        which(`a TaskStoreError with code ${code}, retryable and a text`, () => good),
      );
      const bare = isTaskStoreError(error, "TASK_TERMINAL") ? error.task !== undefined : true;
      expect(
        `provoke ${code}`,
        end,
        which("with the task that it is about", () => bare),
      );
    }
  },
});

function rethrow(end: Attempt<unknown>): unknown {
  if (end.kind === "rejected") throw end.error;
  return end;
}
