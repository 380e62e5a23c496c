import { deepFreeze, fromJsonText } from "./json-text.ts";
import type { JsonObject, JsonText } from "./json.ts";
import type { JsonRpcError, Task, TaskInput, TaskOutcome, TaskRequest, TaskStatus } from "./task.ts";
import { isTerminal } from "./task.ts";
import type { TaskRecord } from "./task-record.ts";
import { parseInputs } from "./transitions.ts";

/** The record as users see it: a deeply frozen copy without ring, createId, dueAt and token. */
export function taskView(row: TaskRecord): Task {
  const outcome = row.outcome === undefined ? undefined : outcomeView(row.status, row.outcome);
  const task: Task = {
    taskId: row.taskId,
    principal: row.scope,
    generation: row.generation,
    revision: row.revision,
    status: row.status,
    ...(row.statusMessage === null ? {} : { statusMessage: row.statusMessage }),
    createdAt: iso(row.createdAt),
    lastUpdatedAt: iso(row.lastUpdatedAt),
    ttlMs: row.ttlMs,
    pollIntervalMs: row.pollIntervalMs,
    expiresAt: row.expiresAt === null ? null : iso(row.expiresAt),
    attempts: row.attempts,
    ...(row.cancelRequestedAt === null ? {} : { cancelRequestedAt: iso(row.cancelRequestedAt) }),
    ...(row.claimBy === null ? {} : { claimBy: iso(row.claimBy) }),
    ...(row.runUntil === null ? {} : { runUntil: iso(row.runUntil) }),
    inputs: inputsView(row),
    ...(row.lease === null ? {} : { lease: { holder: row.lease.holder, expiresAt: iso(row.lease.expiresAt) } }),
    ...(row.metadata === null ? {} : { metadata: fromJsonText<JsonObject>(row.metadata) }),
    ...(row.request === undefined || row.request === null ? {} : { request: fromJsonText<TaskRequest>(row.request) }),
    ...(outcome === undefined ? {} : { outcome }),
  };
  return deepFreeze(task);
}

/** How a record ended; undefined while it is open. */
export function outcomeView(status: TaskStatus, text: JsonText | null): TaskOutcome | undefined {
  if (!isTerminal(status)) return undefined;
  if (status === "cancelled") return Object.freeze({ status });
  const stored = fromJsonText<{ result: JsonObject } | { error: JsonRpcError }>(text ?? '{"result":{}}');
  if ("error" in stored) return Object.freeze({ status: "failed", error: stored.error });
  const { result } = stored;
  return Object.freeze(status === "completed" ? { status, result } : { status, result });
}

function inputsView(row: TaskRecord): Readonly<Record<string, TaskInput>> {
  const inputs = [...parseInputs(row.inputs)];
  const shown = isTerminal(row.status) ? inputs.filter(([, input]) => input.response !== undefined) : inputs;
  return Object.fromEntries(shown);
}

function iso(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
