import { check, rootCreateSchema, scopedCreateSchema } from "./arguments.ts";
import { idempotentTaskId } from "./cursor.ts";
import { TaskStoreError } from "./errors.ts";
import { toJsonText } from "./json-text.ts";
import type { JsonText } from "./json.ts";
import { checkOptions } from "./request-operations.ts";
import type { StoreCore } from "./store-core.ts";
import type { Task, TaskRequest } from "./task.ts";
import { generateTaskId } from "./task-id.ts";
import type { CallOptions, CreateTaskParams, RootCreateTaskParams } from "./task-store.ts";
import { taskView } from "./task-view.ts";

/** A view's create: the owner is the view's, whatever the parameters say; other keys are refused. */
export async function createScopedTask(
  core: StoreCore,
  principal: string | null,
  params: CreateTaskParams,
  options: CallOptions,
): Promise<Task> {
  return await create(core, check(scopedCreateSchema, params, "params"), principal, undefined, options);
}

export async function createRootTask(
  core: StoreCore,
  params: RootCreateTaskParams,
  options: CallOptions,
): Promise<Task> {
  const { principal, taskId, ...rest } = check(rootCreateSchema, params, "params");
  return await create(core, rest, principal ?? null, taskId, options);
}

async function create(
  { engine, options: settings }: StoreCore,
  params: CreateTaskParams,
  principal: string | null,
  chosenId: string | undefined,
  options: CallOptions,
): Promise<Task> {
  checkOptions(options);
  const { idempotencyKey } = params;
  if (idempotencyKey !== undefined && (principal === null || chosenId !== undefined)) {
    const message = "params.idempotencyKey needs a principal and no taskId of its own.";
    throw new TaskStoreError("INVALID_ARGUMENT", message, { argument: "params.idempotencyKey" });
  }
  // Everything of the caller's is read before the first await: later edits do not count.
  const content = {
    createId: crypto.randomUUID(),
    scope: principal,
    generation: params.generation ?? null,
    statusMessage: params.statusMessage ?? null,
    ttlMs: grantedTtl(params.ttlMs === undefined ? settings.defaultTtlMs : params.ttlMs, settings.maxTtlMs),
    pollIntervalMs: params.pollIntervalMs ?? settings.defaultPollIntervalMs,
    claimInMs: settings.claimWithinMs,
    metadata:
      params.metadata === undefined ? null : toJsonText(params.metadata, "params.metadata", settings.maxPayloadBytes),
    request: params.request === undefined ? null : requestText(params.request, settings.maxPayloadBytes),
  };
  const derived =
    principal === null || idempotencyKey === undefined ? undefined : await idempotentTaskId(principal, idempotencyKey);
  const taskId = chosenId ?? derived ?? generateTaskId();
  const answer = await engine.insert({ taskId, ...content }, options);
  const existing = answer.kind === "exists";
  if (existing && (derived === undefined || answer.row.scope !== principal)) {
    throw new TaskStoreError("ALREADY_EXISTS", `A task with this id exists: ${taskId}`, { argument: "params.taskId" });
  }
  return taskView(answer.row);
}

/** The receiver may grant less than was wished for, and says what it granted (S-33, S-34, S-77). */
export function grantedTtl(wishedMs: number | null, maxMs: number | null): number | null {
  if (maxMs === null) return wishedMs;
  return wishedMs === null ? maxMs : Math.min(wishedMs, maxMs);
}

/** `_meta` may carry tokens and is nobody's business later. */
function requestText(request: TaskRequest, maxBytes: number): JsonText {
  const { method, params, name } = request;
  let kept: unknown = params;
  if (params !== undefined) {
    const { _meta, ...rest } = params;
    kept = rest;
  }
  return toJsonText({ method, params: kept, name }, "params.request", maxBytes);
}
