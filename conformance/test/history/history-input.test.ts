import { describe, expect, it } from "vitest";
import { checkHistory, type History, HistoryRecording } from "../../src/history.ts";
import { history, task } from "./hand-made.ts";

const read = { client: "A", method: "getTask", start: 1, end: 2, answer: { kind: "returned", value: task() } };

/** As it may come from a file. */
function parsed(value: unknown): History {
  return JSON.parse(JSON.stringify(value));
}

const BAD: readonly (readonly [string, unknown, string, string])[] = [
  ["no object", 5, "history", "must be a history"],
  ["another format", { ...history([]), format: 2 }, "history.format", "must be 1"],
  ["an unknown key", { ...history([]), call: [] }, "history", "has a key that is not known here"],
  ["no calls", { ...history([]), calls: {} }, "history.calls", "must be an array of calls"],
  [
    "too many calls",
    { ...history([]), calls: Array.from({ length: 1_001 }, () => read) },
    "history.calls",
    "must hold at most 1000 calls",
  ],
  [
    "an unknown method",
    { ...history([]), calls: [{ ...read, method: "get" }] },
    "history.calls.0.method",
    "must be a method",
  ],
  [
    "an unknown code",
    { ...history([]), calls: [{ ...read, answer: { kind: "threw", code: "GONE" } }] },
    "history.calls.0.answer.code",
    "must be the code of a TaskStoreError, or null",
  ],
  [
    "an end before its start",
    { ...history([]), calls: [{ ...read, end: 0 }] },
    "history.calls.0.end",
    "must not be before its start",
  ],
  [
    "an answer of a call that never ended",
    { ...history([]), calls: [read, { ...read, end: null }] },
    "history.calls.1.answer",
    "must be null exactly while its end is",
  ],
  [
    "a bare outcome",
    { ...history([]), calls: [{ ...read, method: "finishTask", outcome: { status: "completed" } }] },
    "history.calls.0.outcome",
    "must be { status: completed, result }",
  ],
  [
    "a task before that shows too little",
    { ...history([]), before: { status: "working" } },
    "history.before",
    "must be this task",
  ],
  [
    "an attempt limit of 0",
    { ...history([]), allows: { maxAttempts: 0 } },
    "history.allows.maxAttempts",
    "from 1 to 1000",
  ],
];

describe("checkHistory refuses", () => {
  it.each(BAD)("%s", (_what, value, argument, text) => {
    const check = (): unknown => checkHistory(parsed(value));
    expect(check).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT", argument }));
    expect(check).toThrow(argument);
    expect(check).toThrow(text);
  });

  it.each([0, 1.5, 100_000_001])("a budget of %d steps", (maxSteps) => {
    expect(() => checkHistory(history([]), { maxSteps })).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT", argument: "options.maxSteps" }),
    );
  });
});

describe("HistoryRecording refuses", () => {
  it.each([0, 1_001])("to keep %d calls", (maxCalls) => {
    expect(() => new HistoryRecording({ maxCalls })).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT", argument: "options.maxCalls" }),
    );
  });

  it("the history of a task of which it knows nothing", () => {
    expect(() => new HistoryRecording().history("t")).toThrow(expect.objectContaining({ code: "TASK_NOT_FOUND" }));
  });
});
