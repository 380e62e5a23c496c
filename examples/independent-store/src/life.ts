/** How a task lives and ends. Each function is a part of one step of the backend. */
import { TaskStoreError } from "@mcp-task-store/core";
import type { JsonRpcError, TaskOutcome, WriteOptions } from "@mcp-task-store/core";
import type { IndependentBackend } from "./independent-backend.ts";
import { isOpen, liveLease, shownTask, type StoredTask } from "./stored-task.ts";

/** JSON-RPC: an internal error of the server. */
const INTERNAL_ERROR = -32_603;

/** @throws TaskStoreError TASK_TERMINAL */
export function mustBeOpen(task: StoredTask): void {
  if (isOpen(task)) return;
  throw new TaskStoreError("TASK_TERMINAL", `The task is ${task.status}.`, { task: shownTask(task) });
}

export function leaseLost(): TaskStoreError {
  return new TaskStoreError("LEASE_LOST", "The caller does not hold the lease of the task.");
}

/** While somebody holds the task only they write, or trusted code by force. @throws TaskStoreError LEASE_LOST */
export function mustHold(task: StoredTask, now: number, { lease, force }: WriteOptions): void {
  if (force === true) return;
  if (lease !== liveLease(task, now)?.token) throw leaseLost();
}

/** expiresAt counts from now. */
export function restartTtl(task: StoredTask, now: number): void {
  task.expiresAt = task.ttlMs === null ? null : now + task.ttlMs;
}

/** A lease keeps its task, and for a while beyond. */
export function outliveLease(task: StoredTask, endsAt: number, graceMs: number): void {
  if (task.expiresAt !== null) task.expiresAt = Math.max(task.expiresAt, endsAt + graceMs);
}

/** The end of a task: everything at once, and a full ttl from now. Open questions are open no more. */
export function end(
  backend: IndependentBackend,
  task: StoredTask,
  now: number,
  outcome: TaskOutcome,
  statusMessage: string | undefined,
): void {
  task.status = outcome.status;
  task.outcome = outcome;
  if (statusMessage !== undefined) task.statusMessage = statusMessage;
  task.inputs = new Map([...task.inputs].filter(([, input]) => input.response !== undefined));
  task.lease = undefined;
  task.claimBy = undefined;
  task.runUntil = undefined;
  restartTtl(task, now);
  backend.changed(task, now);
}

export function cancel(backend: IndependentBackend, task: StoredTask, now: number, statusMessage?: string): void {
  end(backend, task, now, Object.freeze({ status: "cancelled" }), statusMessage);
}

/** What maintenance does to a task that cannot go on. */
export function fail(backend: IndependentBackend, task: StoredTask, now: number, message: string): void {
  const error: JsonRpcError = Object.freeze({ code: INTERNAL_ERROR, message });
  end(backend, task, now, Object.freeze({ status: "failed", error }), message);
}

/** Nobody works on the task any more, and somebody may take it at once. A question to the client stays open. */
export function release(backend: IndependentBackend, task: StoredTask, now: number, claimWithinMs: number): void {
  task.lease = undefined;
  task.runUntil = undefined;
  task.claimBy = task.status === "working" ? now + claimWithinMs : undefined;
  restartTtl(task, now);
  backend.changed(task, now);
}
