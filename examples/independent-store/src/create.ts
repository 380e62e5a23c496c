/** New tasks. */
import { createHash, randomUUID } from "node:crypto";
import { TaskStoreError } from "@mcp-task-store/core";
import type {
  CallOptions,
  Generation,
  JsonObject,
  RootCreateTaskParams,
  Task,
  TaskRequest,
} from "@mcp-task-store/core";
import {
  integerWithin,
  DAY_MS,
  CENTURY_MS,
  nameWithin,
  objectWithKeys,
  oneOf,
  optionalInteger,
  refuse,
  statusMessage,
} from "./checks.ts";
import type { Handle } from "./handle.ts";
import { limitBytes, storedObject } from "./plain-json.ts";
import { cappedTtl } from "./settings.ts";
import { isOpen, shownTask, type StoredTask } from "./stored-task.ts";
import { TaskMessages } from "./task-messages.ts";

const SCOPED_KEYS = [
  "generation",
  "ttlMs",
  "pollIntervalMs",
  "statusMessage",
  "request",
  "metadata",
  "idempotencyKey",
] as const;
const ROOT_KEYS = [...SCOPED_KEYS, "taskId", "principal"] as const;

/** @param owner of a view's tasks; undefined: trusted code, which says who owns the task */
export async function createTask(
  handle: Handle,
  owner: string | null | undefined,
  params: RootCreateTaskParams,
  options: CallOptions | undefined,
): Promise<Task> {
  const { backend, settings } = handle;
  const given = givenTask(handle, owner, params);
  const { taskId, principal, idempotencyKey } = given;
  return await handle.call(options, (now) => {
    const present = backend.find(taskId, undefined, now);
    if (present !== undefined) {
      if (
        idempotencyKey !== undefined &&
        present.idempotencyKey === idempotencyKey &&
        present.principal === principal
      ) {
        return shownTask(present);
      }
      throw new TaskStoreError("ALREADY_EXISTS", "The task id is taken.", { argument: "taskId" });
    }
    if (principal !== null && openTasksOf(handle, principal, now) >= settings.quota) {
      throw new TaskStoreError("QUOTA_EXCEEDED", `A principal may have ${settings.quota} open tasks.`);
    }
    const expired = backend.tasks.get(taskId);
    if (expired !== undefined) backend.remove(expired);
    const task: StoredTask = {
      ...given,
      sequence: backend.next(),
      createdAt: now,
      messages: new TaskMessages(),
      revision: backend.next(),
      status: "working",
      lastUpdatedAt: now,
      expiresAt: given.ttlMs === null ? null : now + given.ttlMs,
      attempts: 0,
      cancelRequestedAt: undefined,
      claimBy: now + settings.claimWithinMs,
      runUntil: undefined,
      lease: undefined,
      inputs: new Map(),
      outcome: undefined,
    };
    backend.tasks.set(taskId, task);
    return shownTask(task);
  });
}

type GivenTask = Pick<
  StoredTask,
  | "taskId"
  | "principal"
  | "idempotencyKey"
  | "generation"
  | "ttlMs"
  | "pollIntervalMs"
  | "statusMessage"
  | "request"
  | "metadata"
>;

function givenTask({ settings }: Handle, owner: string | null | undefined, params: RootCreateTaskParams): GivenTask {
  objectWithKeys("params", params, owner === undefined ? ROOT_KEYS : SCOPED_KEYS);
  const { maxPayloadBytes } = settings.capabilities;
  const { ttlMs = settings.defaultTtlMs, metadata, request, generation = null } = params;
  const principal = owner === undefined ? givenPrincipal(params.principal ?? null) : owner;
  const idempotencyKey =
    params.idempotencyKey === undefined ? undefined : nameWithin("idempotencyKey", params.idempotencyKey, 255, "nul");
  if (idempotencyKey !== undefined && principal === null) {
    refuse("idempotencyKey", "absent for a task without a principal, whose id must stay a secret");
  }
  if (idempotencyKey !== undefined && params.taskId !== undefined) refuse("idempotencyKey", "absent beside a taskId");
  return {
    taskId:
      params.taskId === undefined
        ? newId(principal, idempotencyKey)
        : nameWithin("taskId", params.taskId, 255, "control"),
    principal,
    idempotencyKey,
    generation: generation === null ? null : oneOf<Generation>("generation", generation, ["2025-11-25", "2026-07-28"]),
    ttlMs: cappedTtl(ttlMs === null ? null : integerWithin("ttlMs", ttlMs, 1, CENTURY_MS), settings.maxTtlMs),
    pollIntervalMs:
      optionalInteger("pollIntervalMs", params.pollIntervalMs, 1, DAY_MS) ?? settings.defaultPollIntervalMs,
    statusMessage: statusMessage("statusMessage", params.statusMessage),
    request: request === undefined ? undefined : givenRequest(request, maxPayloadBytes),
    metadata: metadata === undefined ? undefined : storedObject("metadata", metadata, maxPayloadBytes),
  };
}

/** @throws TaskStoreError INVALID_ARGUMENT */
export function givenPrincipal(principal: string | null): string | null {
  return principal === null ? null : nameWithin("principal", principal, 512, "nul");
}

/** One principal's key always gives one id, and no two give the same. */
function newId(principal: string | null, idempotencyKey: string | undefined): string {
  if (idempotencyKey === undefined) return randomUUID();
  return createHash("sha256")
    .update(JSON.stringify([principal, idempotencyKey]))
    .digest("base64url");
}

/** `_meta` is the transport's, and may hold what nobody should store. */
function givenRequest(request: TaskRequest, maxBytes: number): TaskRequest {
  objectWithKeys("request", request, ["method", "params", "name"]);
  const method = nameWithin("request.method", request.method, 255, "control");
  const name = request.name === undefined ? undefined : nameWithin("request.name", request.name, 255, "control");
  const params = request.params === undefined ? undefined : withoutMeta(request.params);
  const stored = Object.freeze({
    method,
    ...(name === undefined ? {} : { name }),
    ...(params === undefined ? {} : { params: storedObject("request.params", params, maxBytes) }),
  });
  limitBytes("request", stored, maxBytes);
  return stored;
}

function withoutMeta(params: JsonObject): JsonObject {
  if (typeof params !== "object" || params === null || !Object.hasOwn(params, "_meta")) return params;
  return Object.fromEntries(Object.entries(params).filter(([key]) => key !== "_meta"));
}

function openTasksOf({ backend }: Handle, principal: string, now: number): number {
  let count = 0;
  for (const task of backend.tasks.values()) {
    if (isOpen(task) && backend.find(task.taskId, principal, now) === task) count += 1;
  }
  return count;
}
