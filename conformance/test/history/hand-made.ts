import type { Task } from "@mcp-task-store/core";
import type { CallAnswer, History, HistoryCall } from "../../src/history.ts";

/** The task `t`, as a store shows it. */
export function task(parts: Partial<Task> = {}): Task {
  return {
    taskId: "t",
    principal: null,
    generation: null,
    revision: 1,
    status: "working",
    createdAt: "2026-01-01T00:00:00.000Z",
    lastUpdatedAt: "2026-01-01T00:00:00.000Z",
    ttlMs: null,
    pollIntervalMs: 500,
    expiresAt: null,
    attempts: 0,
    inputs: {},
    ...parts,
  };
}

export function returned(value?: unknown): CallAnswer {
  return value === undefined ? { kind: "returned" } : { kind: "returned", value };
}

/** A history that begins with a working task, or with the one that is given. */
export function history(calls: readonly HistoryCall[], parts: Partial<History> = {}): History {
  return { format: 1, taskId: "t", before: task(), calls, ...parts };
}
