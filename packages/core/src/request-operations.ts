import { z } from "zod";
import {
  check,
  inputRequestSchema,
  integer,
  LIMITS,
  listSchema,
  payloadSchema,
  revisionSchema,
  statusMessageSchema,
  taskIdSchema,
} from "./arguments.ts";
import { decodeCursor, encodeCursor } from "./cursor.ts";
import type { Scope } from "./engine.ts";
import { isTaskStoreError, TaskStoreError } from "./errors.ts";
import { toJsonText } from "./json-text.ts";
import type { JsonObject, JsonText } from "./json.ts";
import { rowOrThrow } from "./refusal-error.ts";
import type { StoreCore } from "./store-core.ts";
import { isTerminal } from "./task.ts";
import type { TaskRecord } from "./task-record.ts";
import type { CallOptions, ScopedTaskStore, WaitOptions } from "./task-store.ts";
import { outcomeView, taskView } from "./task-view.ts";
import { TaskWatch } from "./task-watch.ts";
import { notFoundError } from "./waiters.ts";

const DEFAULT_LIST_LIMIT = 50;
/** By shape: signals of other realms and polyfills are as good. */
function isSignal(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return "aborted" in value && "addEventListener" in value && typeof value.addEventListener === "function";
}

const signalSchema = z.looseObject(
  { signal: z.custom<AbortSignal>(isSignal, "must be an AbortSignal").optional() },
  "must be an object",
);
const timeoutSchema = integer(1, 3_600_000);
const taskIdsSchema = taskIdSchema.array().max(10_000, "must name at most 10000 tasks");
const waitTimeoutSchema = integer(0, LIMITS.waitMs);

/** What both the root store and scoped views offer, for one scope. */
export type RequestOperations = Omit<ScopedTaskStore, "principal" | "createTask">;

/** The checked id and options of a call; everything wrong with them is said before anything is sent. */
export function checkCall(taskId: string, options: CallOptions): void {
  check(taskIdSchema, taskId, "taskId");
  checkOptions(options);
}

export function checkOptions(options: CallOptions): void {
  checkSignal(options);
  if (options.timeoutMs !== undefined) check(timeoutSchema, options.timeoutMs, "options.timeoutMs");
}

/** The compiler's opinion does not bind callers in JavaScript. */
export function checkSignal(options: { readonly signal?: AbortSignal | undefined }): void {
  check(signalSchema, options, "options");
}

/** Keys and payloads of asked or answered inputs as JSON text. */
export function inputTexts(
  values: Readonly<Record<string, unknown>>,
  argument: "inputs" | "answers",
  maxBytes: number,
): ReadonlyMap<string, JsonText> {
  check(payloadSchema, values, argument);
  // Read once: getters and proxies cannot answer differently after the check.
  const text = toJsonText(values, argument, maxBytes);
  const read: JsonObject = JSON.parse(text);
  const entries = Object.keys(values).map((key) => [key, Object.hasOwn(read, key) ? read[key] : undefined] as const);
  if (entries.length > LIMITS.inputsAtOnce || (argument === "inputs" && entries.length === 0)) {
    const least = argument === "inputs" ? 1 : 0;
    const message = `${argument} must hold ${least} to ${LIMITS.inputsAtOnce} keys.`;
    throw new TaskStoreError("INVALID_ARGUMENT", message, { argument });
  }
  for (const [, value] of entries) {
    if (argument === "inputs") check(inputRequestSchema, value, "inputs.*");
    else check(payloadSchema, value, "answers.*");
  }
  return new Map(entries.map(([key, value]) => [key, JSON.stringify(value)]));
}

export function requestOperations(core: StoreCore, scope: Scope): RequestOperations {
  const { engine, hub, options: settings } = core;
  const scoped = scope === undefined ? {} : { scope };

  const readOwn = async (
    taskId: string,
    what: { readonly request?: boolean; readonly outcome?: boolean },
    options: CallOptions,
  ): Promise<TaskRecord | undefined> => {
    const { rows } = await engine.read([taskId], what, options);
    return rows.find((row) => scope === undefined || row.scope === scope);
  };

  const outcomeOf = async (taskId: string, options: CallOptions): ReturnType<ScopedTaskStore["getOutcome"]> => {
    const row = await readOwn(taskId, { outcome: true }, options);
    if (row === undefined) throw notFoundError(taskId);
    return outcomeView(row.status, row.outcome ?? null);
  };

  const checkWait = (taskId: string, options: WaitOptions): void => {
    check(taskIdSchema, taskId, "taskId");
    checkSignal(options);
    if (options.timeoutMs !== undefined) check(waitTimeoutSchema, options.timeoutMs, "options.timeoutMs");
  };

  return {
    async getTask(taskId, options = {}) {
      checkCall(taskId, options);
      const { request = false, outcome = false } = options;
      const row = await readOwn(taskId, { request, outcome }, options);
      return row && taskView(row);
    },

    async getOutcome(taskId, options = {}) {
      checkCall(taskId, options);
      return await outcomeOf(taskId, options);
    },

    async listTasks(page = {}, options = {}) {
      const { cursor, limit = DEFAULT_LIST_LIMIT, status } = check(listSchema, page, "page");
      checkOptions(options);
      if (scope === null || !core.driver.capabilities.listing) {
        throw new TaskStoreError("NOT_SUPPORTED", "Listing needs a principal and a backend that can list.");
      }
      const after = cursor === undefined ? undefined : await decodeCursor(cursor, core.driver.name, scope);
      const query = { ...scoped, ...(status && { status }), ...(after && { after }), limit: limit + 1 };
      const { rows, reached } = await engine.page(query, options);
      const shown = rows.slice(0, limit);
      const last = rows.length > limit ? shown.at(-1) : reached;
      return {
        tasks: shown.map(taskView),
        ...(last && { nextCursor: await encodeCursor(last, core.driver.name, scope) }),
      };
    },

    async cancelTask(taskId, options = {}) {
      checkCall(taskId, options);
      const { statusMessage } = options;
      if (statusMessage !== undefined) check(statusMessageSchema, statusMessage, "options.statusMessage");
      const command = { type: "cancel", ...(statusMessage === undefined ? {} : { statusMessage }) } as const;
      return taskView(rowOrThrow(taskId, await engine.run(taskId, scope, command, options)));
    },

    async requestCancellation(taskId, options = {}) {
      checkCall(taskId, options);
      const result = await engine.run(taskId, scope, { type: "request-cancel" }, options);
      // Over, or asked for before: idempotent, and no news for anybody who waits.
      if (result.kind === "refused" && (result.refusal === "terminal" || result.refusal === "cancel-requested")) {
        return taskView(result.row);
      }
      return taskView(rowOrThrow(taskId, result));
    },

    async answerInputs(taskId, answers, options = {}) {
      checkCall(taskId, options);
      const texts = inputTexts(answers, "answers", settings.maxPayloadBytes);
      const command = { type: "answer", answers: texts, claimWithinMs: settings.claimWithinMs } as const;
      return taskView(rowOrThrow(taskId, await engine.run(taskId, scope, command, options)));
    },

    async deleteTask(taskId, options = {}) {
      checkCall(taskId, options);
      return await engine.remove(taskId, scope, options);
    },

    async waitForUpdate(taskId, options) {
      checkWait(taskId, options);
      const since = check(revisionSchema, options.since, "options.since");
      const changed = (row: TaskRecord): boolean => row.revision !== since || isTerminal(row.status);
      const row = await hub.wait(taskId, scope, changed, options);
      return row && taskView(row);
    },

    async waitForOutcome(taskId, options = {}) {
      checkWait(taskId, options);
      const { signal, timeoutMs = Number.POSITIVE_INFINITY } = options;
      const endMs = performance.now() + timeoutMs;
      for (let hasSeen = false; ; hasSeen = true) {
        const leftMs = Math.max(0, endMs - performance.now());
        const left = leftMs === Number.POSITIVE_INFINITY ? {} : { timeoutMs: leftMs };
        const row = await hub.wait(taskId, scope, ({ status }) => isTerminal(status), { signal, hasSeen, ...left });
        if (row === undefined) return undefined;
        try {
          return await outcomeOf(taskId, { signal });
        } catch (error) {
          // An outage between the wake-up and this read is waited through like any other.
          if (!isTaskStoreError(error, "STORE_UNAVAILABLE") || !error.retryable) throw error;
        }
      }
    },

    watchTasks(taskIds, options = {}) {
      checkSignal(options);
      return new TaskWatch(hub, scope, check(taskIdsSchema, taskIds, "taskIds"), options.signal);
    },
  };
}
