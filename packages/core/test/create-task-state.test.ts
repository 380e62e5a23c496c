import { describe, expect, it } from "vitest";
import { createTaskState } from "../src/create-task-state.ts";
import { MODEL_IMMEDIATE_RESPONSE_KEY, RELATED_TASK_METADATA_KEY } from "../src/metadata-keys.ts";
import { generateTaskId } from "../src/task-id.ts";

const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe("createTaskState", () => {
  it("is a working task with the defaults, both instants the same reading of the clock", () => {
    const before = Date.now();
    const task = createTaskState();
    expect(task).toEqual({
      taskId: expect.stringMatching(UUID_V4),
      principal: null,
      generation: null,
      revision: 0,
      status: "working",
      createdAt: task.lastUpdatedAt,
      lastUpdatedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      ttlMs: null,
      pollIntervalMs: 500,
      expiresAt: null,
      attempts: 0,
      inputs: {},
    });
    expect(Date.parse(task.createdAt)).toBeGreaterThanOrEqual(before);
  });

  it("takes what it is given", () => {
    const task = createTaskState(
      { ttlMs: 60_000, pollIntervalMs: 1_000, statusMessage: "", generation: "2025-11-25" },
      "my id",
    );
    expect(task).toMatchObject({
      taskId: "my id",
      ttlMs: 60_000,
      pollIntervalMs: 1_000,
      statusMessage: "",
      generation: "2025-11-25",
    });
    expect(Date.parse(task.expiresAt ?? "") - Date.parse(task.createdAt)).toBe(60_000);
  });

  it("cannot be edited", () => {
    const task = createTaskState();
    expect(Object.isFrozen(task)).toBe(true);
    expect(Object.isFrozen(task.inputs)).toBe(true);
  });

  it.each([
    [{ ttlMs: Number.NaN }, "params.ttlMs"],
    [{ ttlMs: -1 }, "params.ttlMs"],
    [{ pollIntervalMs: 0 }, "params.pollIntervalMs"],
    [{ statusMessage: "a\u0000" }, "params.statusMessage"],
  ])("refuses %o", (params, argument) => {
    expect(() => createTaskState(params)).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT", argument }));
  });

  it("refuses an id that no store would take", () => {
    expect(() => createTaskState({}, "")).toThrow(expect.objectContaining({ argument: "taskId" }));
  });
});

describe("generateTaskId", () => {
  it("gives another random UUID each time", () => {
    const ids = new Set(Array.from({ length: 1_000 }, () => generateTaskId()));
    expect(ids.size).toBe(1_000);
    for (const id of ids) expect(id).toMatch(UUID_V4);
  });
});

it("names the metadata keys as the specification does", () => {
  expect(MODEL_IMMEDIATE_RESPONSE_KEY).toBe("io.modelcontextprotocol/model-immediate-response");
  expect(RELATED_TASK_METADATA_KEY).toBe("io.modelcontextprotocol/related-task");
});
