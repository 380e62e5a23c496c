/** What callers may hand over: every limit stands here, and every error names the argument and its limit. */
import { z } from "zod";
import { TaskStoreError } from "./errors.ts";
import type { JsonObject } from "./json.ts";
import type { InputRequest, TaskOutcome } from "./task.ts";
import type { QueuedMessage } from "./task-messages.ts";
import type { CreateTaskParams, ListTasksParams, RootCreateTaskParams, TaskChange } from "./task-store.ts";

const ONE_HUNDRED_YEARS_MS = 3_153_600_000_000;
const THIRTY_DAYS_MS = 2_592_000_000;
const ONE_DAY_MS = 86_400_000;

export const LIMITS: {
  readonly taskIdBytes: number;
  readonly principalBytes: number;
  readonly nameBytes: number;
  readonly statusMessageBytes: number;
  readonly inputsAtOnce: number;
  readonly listLimit: number;
  readonly queueSize: number;
  readonly ttlMs: number;
  readonly waitMs: number;
  readonly dayMs: number;
} = {
  taskIdBytes: 255,
  principalBytes: 512,
  nameBytes: 255,
  statusMessageBytes: 8_192,
  inputsAtOnce: 100,
  listLimit: 1_000,
  queueSize: 10_000,
  ttlMs: ONE_HUNDRED_YEARS_MS,
  waitMs: THIRTY_DAYS_MS,
  dayMs: ONE_DAY_MS,
};

/** An integer within limits; every violation has the same, complete message. */
export function integer(min: number, max: number): z.ZodInt {
  const message = `must be an integer from ${min} to ${max}`;
  return z.int(message).min(min, message).max(max, message);
}

/** A name of 1 to `maxBytes` UTF-8 bytes, kept exactly as it is given. */
function name(maxBytes: number, forbidden: RegExp, what: string): z.ZodString {
  const message = `must be a string of 1 to ${maxBytes} UTF-8 bytes without ${what}`;
  return z
    .string(message)
    .min(1, message)
    .max(maxBytes, message)
    .refine((text) => text.isWellFormed() && !forbidden.test(text) && byteLength(text) <= maxBytes, message);
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}

// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const CONTROL = /[\u0000-\u001f\u007f]/;
// eslint-disable-next-line no-control-regex -- as above
const NUL = /\u0000/;

export const taskIdSchema: z.ZodString = name(LIMITS.taskIdBytes, CONTROL, "control characters");
export const principalSchema: z.ZodString = name(LIMITS.principalBytes, NUL, "NUL");
export const holderSchema: z.ZodString = name(LIMITS.nameBytes, CONTROL, "control characters");
/** The id of a message, or a receipt. */
export const messageNameSchema: z.ZodString = name(LIMITS.nameBytes, CONTROL, "control characters");
const idempotencyKeySchema = name(LIMITS.nameBytes, NUL, "NUL");

const messageRule = `must be a string of at most ${LIMITS.statusMessageBytes} UTF-8 bytes without NUL`;
export const statusMessageSchema: z.ZodString = z
  .string(messageRule)
  .max(LIMITS.statusMessageBytes, messageRule)
  .refine(
    (text) => text.isWellFormed() && !NUL.test(text) && byteLength(text) <= LIMITS.statusMessageBytes,
    messageRule,
  );

export const ttlSchema: z.ZodInt = integer(1, LIMITS.ttlMs);
export const pollIntervalSchema: z.ZodInt = integer(1, LIMITS.dayMs);
/** A revision or a fencing token. */
export const revisionSchema: z.ZodInt = integer(-1, Number.MAX_SAFE_INTEGER);

const statusSchema = z.enum(["working", "input_required", "completed", "failed", "cancelled"]);
/** Contents are checked when they become JSON text; here only that it is an object. */
export const payloadSchema: z.ZodType<JsonObject> = z.custom<JsonObject>(
  (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  "must be a JSON object",
);

const methodSchema = name(LIMITS.nameBytes, CONTROL, "control characters");
const requestShape = { method: methodSchema, params: payloadSchema.optional() };
export const inputRequestSchema: z.ZodType<InputRequest> = z.strictObject(requestShape);

export const queuedMessageSchema: z.ZodType<QueuedMessage> = z.strictObject({
  type: z.enum(["request", "notification", "response", "error"]),
  message: payloadSchema,
  timestamp: integer(0, Number.MAX_SAFE_INTEGER),
});

const stateShape = {
  generation: z.enum(["2025-11-25", "2026-07-28"]).nullable().optional(),
  ttlMs: ttlSchema.nullable().optional(),
  pollIntervalMs: pollIntervalSchema.optional(),
  statusMessage: statusMessageSchema.optional(),
};
export const taskStateSchema: z.ZodType<
  Pick<CreateTaskParams, "generation" | "ttlMs" | "pollIntervalMs" | "statusMessage">
> = z.strictObject(stateShape);

const createShape = {
  ...stateShape,
  request: z.strictObject({ ...requestShape, name: methodSchema.optional() }).optional(),
  metadata: payloadSchema.optional(),
  idempotencyKey: idempotencyKeySchema.optional(),
};
export const scopedCreateSchema: z.ZodType<CreateTaskParams> = z.strictObject(createShape);
export const rootCreateSchema: z.ZodType<RootCreateTaskParams> = z.strictObject({
  ...createShape,
  taskId: taskIdSchema.optional(),
  principal: principalSchema.nullable().optional(),
});

export const changeSchema: z.ZodType<TaskChange> = z.strictObject({
  statusMessage: statusMessageSchema.nullable().optional(),
  metadata: payloadSchema.nullable().optional(),
  pollIntervalMs: pollIntervalSchema.optional(),
  ttlMs: ttlSchema.nullable().optional(),
});

export const listSchema: z.ZodType<ListTasksParams> = z.strictObject({
  cursor: z.string().optional(),
  limit: integer(1, LIMITS.listLimit).optional(),
  status: z.array(statusSchema).min(1, "must name at least one status").optional(),
});

export const outcomeSchema: z.ZodType<TaskOutcome> = z.union(
  [
    z.strictObject({ status: z.literal("completed"), result: payloadSchema }),
    z.strictObject({
      status: z.literal("failed"),
      error: z.strictObject({ code: z.int(), message: z.string(), data: z.unknown().optional() }),
    }),
    z.strictObject({ status: z.literal("failed"), result: payloadSchema }),
    z.strictObject({ status: z.literal("cancelled") }),
  ],
  "must be { status: completed, result }, { status: failed, error: { code, message, data? } }, { status: failed, result } or { status: cancelled }",
);

/**
 * The value as the schema reads it, or an error that names the argument. Nothing of the value is in the text.
 * @param argument what the value is called in the call, such as "taskId" or "options.limit"
 * @throws TaskStoreError INVALID_ARGUMENT
 */
export function check<T>(schema: z.ZodType<T>, value: unknown, argument: string): T {
  let issue: z.core.$ZodIssue | undefined;
  try {
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    issue = parsed.error.issues[0];
  } catch (cause) {
    throw new TaskStoreError("INVALID_ARGUMENT", `${argument} could not be read.`, { argument, cause });
  }
  const where = [argument, ...(issue?.path ?? []).map(String)].filter((part) => part !== "").join(".");
  const what =
    issue?.code === "unrecognized_keys" ? "has a key that is not known here" : (issue?.message ?? "is invalid");
  throw new TaskStoreError("INVALID_ARGUMENT", `${where} ${lowerFirst(what)}.`, { argument: where });
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
