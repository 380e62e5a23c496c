/** What is kept of a task, and what callers are shown of it. Payloads are frozen copies. */
import type {
  Generation,
  JsonObject,
  Task,
  TaskInput,
  TaskOutcome,
  TaskRequest,
  TaskStatus,
} from "@mcp-task-store/core";
import type { TaskMessages } from "./task-messages.ts";

export interface StoredLease {
  readonly token: number;
  readonly holder: string;
  /** Live while now < endsAt. */
  readonly endsAt: number;
}

/** Instants are epoch ms of the backend's clock. Only steps of the backend change it. */
export interface StoredTask {
  readonly taskId: string;
  readonly principal: string | null;
  readonly idempotencyKey: string | undefined;
  readonly generation: Generation | null;
  /** Grows with each task of the backend: the order of listings. */
  readonly sequence: number;
  readonly createdAt: number;
  readonly request: TaskRequest | undefined;
  readonly messages: TaskMessages;
  revision: number;
  status: TaskStatus;
  statusMessage: string | undefined;
  lastUpdatedAt: number;
  ttlMs: number | null;
  pollIntervalMs: number;
  expiresAt: number | null;
  attempts: number;
  cancelRequestedAt: number | undefined;
  claimBy: number | undefined;
  runUntil: number | undefined;
  lease: StoredLease | undefined;
  metadata: JsonObject | undefined;
  inputs: ReadonlyMap<string, TaskInput>;
  outcome: TaskOutcome | undefined;
}

export function isOpen(task: StoredTask): boolean {
  return task.status === "working" || task.status === "input_required";
}

export function isVisible(task: StoredTask, now: number): boolean {
  return task.expiresAt === null || now < task.expiresAt;
}

/** The lease that somebody holds. One that ran out is nobody's. */
export function liveLease(task: StoredTask, now: number): StoredLease | undefined {
  return task.lease !== undefined && now < task.lease.endsAt ? task.lease : undefined;
}

export interface Shown {
  readonly request?: boolean | undefined;
  readonly outcome?: boolean | undefined;
}

/** A frozen copy; what is not there has no key. */
export function shownTask(task: StoredTask, { request, outcome }: Shown = {}): Task {
  const { lease } = task;
  return Object.freeze({
    taskId: task.taskId,
    principal: task.principal,
    generation: task.generation,
    revision: task.revision,
    status: task.status,
    ...(task.statusMessage === undefined ? {} : { statusMessage: task.statusMessage }),
    createdAt: iso(task.createdAt),
    lastUpdatedAt: iso(task.lastUpdatedAt),
    ttlMs: task.ttlMs,
    pollIntervalMs: task.pollIntervalMs,
    expiresAt: task.expiresAt === null ? null : iso(task.expiresAt),
    attempts: task.attempts,
    ...(task.cancelRequestedAt === undefined ? {} : { cancelRequestedAt: iso(task.cancelRequestedAt) }),
    ...(task.claimBy === undefined ? {} : { claimBy: iso(task.claimBy) }),
    ...(task.runUntil === undefined ? {} : { runUntil: iso(task.runUntil) }),
    inputs: Object.freeze(Object.fromEntries(task.inputs)),
    ...(lease === undefined ? {} : { lease: Object.freeze({ holder: lease.holder, expiresAt: iso(lease.endsAt) }) }),
    ...(task.metadata === undefined ? {} : { metadata: task.metadata }),
    ...(request !== true || task.request === undefined ? {} : { request: task.request }),
    ...(outcome !== true || task.outcome === undefined ? {} : { outcome: task.outcome }),
  });
}

export function iso(at: number): string {
  return new Date(at).toISOString();
}
