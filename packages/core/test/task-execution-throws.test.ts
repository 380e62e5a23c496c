import { describe, expect, it } from "vitest";
import { taskExecution } from "../src/task-execution.ts";
import { read, twoProcesses } from "./two-processes.ts";

const circular: Record<string, unknown> = {};
circular["self"] = circular;

function bomb(): never {
  throw new Error("a getter went off");
}

const getters = Object.defineProperties(
  {},
  {
    code: { get: bomb },
    message: { get: bomb },
    data: { get: bomb },
    name: { get: bomb },
    toString: { get: bomb },
  },
);

const proxy: unknown = new Proxy(new Error("behind a proxy"), {
  get: bomb,
  getPrototypeOf: bomb,
  has: bomb,
  ownKeys: bomb,
});

const oddMessage = new Error("text");
Object.defineProperty(oddMessage, "message", { value: { not: "a text" } });

const thrown: readonly (readonly [name: string, value: unknown, message: unknown])[] = [
  ["an Error", new Error("disk full"), "disk full"],
  ["undefined", undefined, "The handler threw undefined."],
  ["null", null, "The handler threw null."],
  ["a text", "plain text", "plain text"],
  ["an empty text", "", "The task failed."],
  ["a number", 7, "The handler threw 7."],
  ["a bigint", 7n, "The handler threw 7."],
  ["a symbol", Symbol("s"), "The handler threw Symbol(s)."],
  ["a function", (): void => undefined, expect.any(String)],
  ["a circular object", circular, "The handler threw an object without a message."],
  ["an object full of getters that throw", getters, "The handler threw an object without a message."],
  ["a proxy whose every trap throws", proxy, "The handler threw an object without a message."],
  ["an object without a prototype", Object.create(null), "The handler threw an object without a message."],
  ["an Error whose message is no text", oddMessage, "Error"],
  ["an Error without a text", new RangeError("", { cause: circular }), "RangeError"],
  ["a message with NUL", new Error("a\u0000b"), "a\uFFFDb"],
  ["a message with a lone surrogate", new Error("a\uD800b"), "a\uFFFDb"],
  [
    "a system error, whose code is a text",
    Object.assign(new Error("no such file"), { code: "ENOENT" }),
    "no such file",
  ],
  ["a DOMException, whose code is no JSON-RPC code", new DOMException("stopped", "AbortError"), "stopped"],
];

describe("taskExecution: the handler throws", () => {
  it.each(thrown)("fails the task and keeps the text: %s", async (_name, value, message) => {
    const { a, b } = twoProcesses();
    const { taskId } = await a.createTask();
    const waiting = b.waitForOutcome(taskId);
    const ended = await taskExecution(a, taskId, async () => {
      throw value;
    });
    expect(ended).toMatchObject({ status: "failed", statusMessage: message });
    expect(await waiting).toEqual({ status: "failed", error: { code: -32603, message } });
    expect((await read(b, taskId)).lease).toBeUndefined();
  });

  it("fails the task when a handler throws before its first await", async () => {
    const { a } = twoProcesses();
    const { taskId } = await a.createTask();
    const ended = await taskExecution(a, taskId, () => {
      throw new Error("at once");
    });
    expect(ended).toMatchObject({ status: "failed", statusMessage: "at once" });
  });

  it("cuts a message of 10 MB to what a task may hold", async () => {
    const { a, b } = twoProcesses();
    const { taskId } = await a.createTask();
    await taskExecution(a, taskId, () => Promise.reject(new Error("€".repeat(10_000_000))));
    const { statusMessage, outcome } = await read(b, taskId);
    expect(statusMessage).toMatch(/^€{1000}/);
    expect(new TextEncoder().encode(statusMessage).length).toBeLessThanOrEqual(8_192);
    expect(outcome).toMatchObject({ error: { code: -32603, message: statusMessage } });
  });

  it("keeps a JSON-RPC error as it is, data included (S-67, X-57)", async () => {
    const { a, b } = twoProcesses();
    const { taskId } = await a.createTask();
    const error = { code: -32050, message: "quota \u0000 used up", data: { left: 0, list: [null, ""] } };
    await taskExecution(a, taskId, () => Promise.reject(Object.assign(new Error(error.message), error)));
    expect(await read(b, taskId)).toMatchObject({
      status: "failed",
      statusMessage: "quota \uFFFD used up",
      outcome: { status: "failed", error },
    });
  });

  it("shows a status message also for a JSON-RPC error without a text", async () => {
    const { a, b } = twoProcesses();
    const { taskId } = await a.createTask();
    // eslint-disable-next-line typescript/prefer-promise-reject-errors -- JSON-RPC errors are plain objects
    await taskExecution(a, taskId, () => Promise.reject({ code: 1, message: "" }));
    expect(await read(b, taskId)).toMatchObject({
      statusMessage: "The task failed.",
      outcome: { error: { code: 1, message: "" } },
    });
  });

  it.each([
    ["data that is circular", { code: -32050, message: "kept", data: circular }, "kept"],
    ["data with a getter that throws", { code: -32050, message: "kept", data: getters }, "kept"],
    ["data that is too large", { code: -32050, message: "kept", data: "x".repeat(2_000) }, "kept"],
    ["a lone surrogate in its message", { code: -32050, message: "kept \uDC00" }, "kept \uFFFD"],
    ["a message that is too large", { code: -32050, message: "x".repeat(2_000) }, "The task failed."],
  ])("keeps what can be kept of a JSON-RPC error with %s", async (_name, error, message) => {
    const { a, b } = twoProcesses({ maxPayloadBytes: 1_000 });
    const { taskId } = await a.createTask();
    // eslint-disable-next-line typescript/prefer-promise-reject-errors -- as above
    await taskExecution(a, taskId, () => Promise.reject(error));
    expect(await read(b, taskId)).toMatchObject({ status: "failed", outcome: { error: { code: -32050, message } } });
  });
});
