/** Rows, writes and inserts to start from. */
import { randomBytes } from "node:crypto";
import type { Insert, MessagePush, MessageTake, TaskRecord, Write } from "@mcp-task-store/core";

/** Later than any clock reading of a test. */
export const NEVER: number = Number.MAX_SAFE_INTEGER;

/** An open task that nobody holds and that never expires. */
export function plain(): TaskRecord {
  return {
    taskId: newId("task"),
    scope: null,
    generation: null,
    createId: newId("create"),
    revision: 1_000_000,
    ring: [],
    inputsId: null,
    status: "working",
    statusMessage: null,
    createdAt: 1_000,
    lastUpdatedAt: 1_000,
    ttlMs: null,
    pollIntervalMs: 500,
    expiresAt: null,
    claimBy: null,
    runUntil: null,
    attempts: 0,
    cancelRequestedAt: null,
    inputs: null,
    metadata: null,
    lease: null,
    dueAt: null,
    request: null,
    outcome: null,
  };
}

export function newId(kind: string): string {
  return `${kind}-${randomBytes(12).toString("hex")}`;
}

/** A write with a fresh id and no deadline. */
export function writeTo(taskId: string, write: Partial<Write>): Write {
  return { taskId, writeId: newId("write"), notAfterUs: NEVER, alternatives: [], ...write };
}

/** What an answer of the driver shows of a row: all but what is read on demand. */
export function shown({ request: _request, outcome: _outcome, ...rest }: TaskRecord): TaskRecord {
  return rest;
}

/** An insert of a task of its own, without a deadline. */
export function newTask(insert: Partial<Insert> = {}): Insert {
  return {
    taskId: newId("task"),
    createId: newId("create"),
    scope: null,
    generation: null,
    statusMessage: null,
    ttlMs: 60_000,
    pollIntervalMs: 500,
    claimInMs: 1_000,
    metadata: null,
    request: null,
    notAfterUs: NEVER,
    ...insert,
  };
}

/** A push of a message of its own, without limits. */
export function pushTo(taskId: string, push: Partial<MessagePush> = {}): MessagePush {
  return { taskId, message: { messageId: newId("message"), text: "{}" }, maxSize: 10_000, notAfterUs: NEVER, ...push };
}

/** A shift with a receipt of its own, without limits. */
export function takeFrom(taskId: string, take: Partial<MessageTake> = {}): MessageTake {
  return { taskId, receipt: newId("receipt"), limit: 1, keepMs: 3_600_000, notAfterUs: NEVER, ...take };
}
