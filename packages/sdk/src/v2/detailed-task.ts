import type { JsonObject, Task, TaskOutcome } from "@mcp-task-store/core";
import { asShown } from "../answer-schema.ts";
import { isBareStatus } from "../sdk-inputs.ts";
import { withoutElicitationId } from "./spec-values.ts";

/**
 * What every message says of a task. `ttlMs` is null for an unlimited one.
 * @see
 */
export function taskFields(task: Task): JsonObject {
  const { taskId, status, statusMessage, createdAt, lastUpdatedAt, ttlMs, pollIntervalMs } = task;
  return {
    taskId,
    status,
    ...(statusMessage === undefined ? {} : { statusMessage }),
    createdAt,
    lastUpdatedAt,
    ttlMs,
    pollIntervalMs,
  };
}

/**
 * A task with what its status brings: the open questions, the result, the error.
 * @param task loaded with its outcome
 * @see X-16 …
 */
export function detailedTask(task: Task): JsonObject {
  const fields = taskFields(task);
  if (task.status === "input_required") {
    const inputRequests = openInputs(task);
    // It waits for something that is not asked of clients here.
    if (Object.keys(inputRequests).length === 0) return { ...fields, status: "working" };
    return { ...fields, inputRequests };
  }
  return task.outcome === undefined ? fields : { ...fields, ...inlined(task.outcome) };
}

/** Everything that is asked and not answered. */
function openInputs(task: Task): JsonObject {
  const open = Object.entries(task.inputs).filter(
    ([key, { response }]) => response === undefined && !isBareStatus(key),
  );
  return Object.fromEntries(open.map(([key, { request }]) => [key, withoutElicitationId(asShown(request))]));
}

/** A task of the older specification may have failed with a result; here that is completed. */
function inlined(outcome: TaskOutcome): JsonObject {
  if ("error" in outcome) return { error: outcome.error };
  if (!("result" in outcome)) return {};
  // As in the answer of a call: the type is always there, and content where a tool gave none.
  return { status: "completed", result: { content: [], ...outcome.result, resultType: "complete" } };
}
