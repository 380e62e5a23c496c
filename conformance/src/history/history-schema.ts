import {
  type InputRequest,
  type JsonObject,
  type TaskChange,
  type TaskOutcome,
  TaskStoreError,
  type TaskStoreErrorCode,
} from "@mcp-task-store/core";
import { z } from "zod";
import type { CallAnswer, CreatedWith, History, HistoryAllowances, HistoryCall, LoggedTask } from "./history-data.ts";
import { isObject } from "./shown-task.ts";

const MOST_CALLS = 1_000;
const MOST_STEPS = 100_000_000;

const CODES = [
  "TASK_NOT_FOUND",
  "TASK_TERMINAL",
  "ALREADY_EXISTS",
  "LEASE_LOST",
  "LEASE_HELD",
  "INPUT_KEY_REUSED",
  "INVALID_CURSOR",
  "INVALID_ARGUMENT",
  "PAYLOAD_TOO_LARGE",
  "QUEUE_FULL",
  "QUOTA_EXCEEDED",
  "STORE_UNAVAILABLE",
  "WRITE_OUTCOME_UNKNOWN",
  "SCHEMA_NOT_READY",
  "NOT_SUPPORTED",
  "CLOSED",
  "ABORTED",
] as const satisfies readonly TaskStoreErrorCode[];

const text = z.string("must be a string");
const number = z.number("must be a finite number");
const flag = z.boolean("must be a boolean");
// Payloads are taken as they are: a copy could lose a key.
const payload = z.custom<JsonObject>(isObject, "must be a JSON object");
const payloads = z.custom<Readonly<Record<string, JsonObject>>>(isObjectOfObjects, "must be an object of JSON objects");
const questions = z.custom<Readonly<Record<string, InputRequest>>>(
  isObjectOfObjects,
  "must be an object of input requests",
);
const outcome = z.custom<TaskOutcome>(
  isOutcome,
  "must be { status: completed, result }, { status: failed, error: { code, message } }, { status: failed, result } or { status: cancelled }",
);
const loggedTask = z.custom<LoggedTask>(isObject, "must be a task or null");

function isObjectOfObjects(value: unknown): boolean {
  return isObject(value) && Object.values(value).every(isObject);
}

function isOutcome(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { status, result, error } = value;
  if (status === "cancelled") return true;
  if (status === "completed") return isObject(result);
  if (status !== "failed") return false;
  if (error === undefined) return isObject(result);
  return isObject(error) && typeof error["code"] === "number" && typeof error["message"] === "string";
}

const createdWith: z.ZodType<CreatedWith> = z.object({
  taskId: text.optional(),
  principal: text.nullable().optional(),
  generation: z.enum(["2025-11-25", "2026-07-28"]).nullable().optional(),
  pollIntervalMs: number.optional(),
  statusMessage: text.optional(),
  metadata: payload.optional(),
  idempotencyKey: text.optional(),
});

const change: z.ZodType<TaskChange> = z.strictObject({
  statusMessage: text.nullable().optional(),
  metadata: payload.nullable().optional(),
  pollIntervalMs: number.optional(),
  ttlMs: number.nullable().optional(),
});

const answer: z.ZodType<CallAnswer> = z.discriminatedUnion(
  "kind",
  [
    z.strictObject({ kind: z.literal("returned"), value: z.unknown().optional() }),
    z.strictObject({
      kind: z.literal("threw"),
      code: z.enum(CODES, "must be the code of a TaskStoreError, or null").nullable(),
      task: z.unknown().optional(),
    }),
  ],
  "must have the kind returned or threw",
);

const frame = {
  client: text,
  as: text.nullable().optional(),
  start: number,
  end: number.nullable(),
  answer: answer.nullable(),
};
const authority = { lease: number.optional(), force: flag.optional() };

const call: z.ZodType<HistoryCall> = z.discriminatedUnion(
  "method",
  [
    z.strictObject({ ...frame, method: z.literal("createTask"), params: createdWith }),
    z.strictObject({ ...frame, method: z.literal("getTask"), outcome: flag.optional() }),
    z.strictObject({ ...frame, method: z.enum(["getOutcome", "waitForUpdate", "waitForOutcome"]) }),
    z.strictObject({ ...frame, ...authority, method: z.literal("updateTask"), change }),
    z.strictObject({
      ...frame,
      ...authority,
      method: z.literal("finishTask"),
      outcome,
      statusMessage: text.optional(),
    }),
    z.strictObject({ ...frame, method: z.literal("cancelTask"), statusMessage: text.optional() }),
    z.strictObject({ ...frame, method: z.literal("requestCancellation") }),
    z.strictObject({ ...frame, ...authority, method: z.literal("requestInputs"), inputs: questions }),
    z.strictObject({ ...frame, method: z.literal("answerInputs"), answers: payloads }),
    z.strictObject({ ...frame, method: z.literal("acquireLease"), holder: text }),
    z.strictObject({ ...frame, method: z.enum(["renewLease", "releaseLease"]), token: number }),
    z.strictObject({ ...frame, method: z.literal("deleteTask") }),
    z.strictObject({ ...frame, method: z.literal("push"), messageId: text }),
  ],
  "must be a method that a history can hold",
);

const attemptsRule = "must be an integer from 1 to 1000";
const allowances: z.ZodType<HistoryAllowances> = z.strictObject({
  expiry: flag.optional(),
  lapse: flag.optional(),
  maxAttempts: z.int(attemptsRule).min(1, attemptsRule).max(1_000, attemptsRule).optional(),
});

const history: z.ZodType<History> = z.strictObject(
  {
    format: z.literal(1, "must be 1"),
    taskId: text,
    before: loggedTask.nullable(),
    calls: z.array(call, "must be an array of calls").max(MOST_CALLS, `must hold at most ${MOST_CALLS} calls`),
    allows: allowances.optional(),
    shows: z
      .array(
        z.enum([
          "revision",
          "statusMessage",
          "inputs",
          "cancelRequestedAt",
          "attempts",
          "lease",
          "metadata",
          "pollIntervalMs",
          "principal",
          "generation",
        ]),
      )
      .optional(),
  },
  "must be a history",
);

/** @throws TaskStoreError INVALID_ARGUMENT naming what is wrong */
export function checkedHistory(value: History): History {
  const parsed = history.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const what = issue?.code === "unrecognized_keys" ? "has a key that is not known here" : issue?.message;
    throw invalid(["history", ...(issue?.path ?? []).map(String)].join("."), what ?? "is invalid");
  }
  for (const [index, { start, end, answer }] of parsed.data.calls.entries()) {
    const where = `history.calls.${index}`;
    if (end !== null && end < start) throw invalid(`${where}.end`, "must not be before its start");
    if ((end === null) !== (answer === null)) throw invalid(`${where}.answer`, "must be null exactly while its end is");
  }
  return parsed.data;
}

/** Whether a call can stand in a history. */
export function isHistoryCall(value: unknown): value is HistoryCall {
  return call.safeParse(value).success;
}

/** @throws TaskStoreError INVALID_ARGUMENT */
export function checkedSteps(steps: number): number {
  if (Number.isInteger(steps) && steps >= 1 && steps <= MOST_STEPS) return steps;
  throw invalid("options.maxSteps", `must be an integer from 1 to ${MOST_STEPS}`);
}

export function invalid(argument: string, what: string): TaskStoreError {
  const text = what.charAt(0).toLowerCase() + what.slice(1);
  return new TaskStoreError("INVALID_ARGUMENT", `${argument} ${text}.`, { argument });
}
