import type { Task } from "./task.ts";

/**
 * Stable codes: they are the API, texts are not. `docs/errors.md` says of each when it comes, whether repeating is safe
 * and what to do.
 */
export type TaskStoreErrorCode =
  /** No such task for this caller: unknown, expired, deleted or foreign. */
  | "TASK_NOT_FOUND"
  /** The task ended before; the error carries it as `task`. */
  | "TASK_TERMINAL"
  /** The chosen task id is taken. */
  | "ALREADY_EXISTS"
  /** The caller does not hold the live lease (any more). Stop working. */
  | "LEASE_LOST"
  /** The task cannot be taken: somebody else holds it, or its attempts are used up. */
  | "LEASE_HELD"
  /** An input key was used for another request before. */
  | "INPUT_KEY_REUSED"
  | "INVALID_CURSOR"
  /** `argument` names what is wrong, the message its limit. */
  | "INVALID_ARGUMENT"
  | "PAYLOAD_TOO_LARGE"
  | "QUEUE_FULL"
  | "QUOTA_EXCEEDED"
  /** The backend could not be reached; nothing was written and nothing will be. Repeating is safe. */
  | "STORE_UNAVAILABLE"
  /** A write's answer was lost and could not be looked up. Read the task. */
  | "WRITE_OUTCOME_UNKNOWN"
  /** `setup()` has not been run, or the schema is another version's. */
  | "SCHEMA_NOT_READY"
  | "NOT_SUPPORTED"
  /** The store was closed. */
  | "CLOSED"
  /** The caller's signal fired before anything was sent, or while only reading. */
  | "ABORTED";

const RETRYABLE: ReadonlySet<TaskStoreErrorCode> = new Set(["QUEUE_FULL", "QUOTA_EXCEEDED", "STORE_UNAVAILABLE"]);

/** Two copies of core in one process recognise each other's errors by this. */
const BRAND: unique symbol = Symbol.for("@mcp-task-store/core/TaskStoreError");

export interface TaskStoreErrorOptions {
  readonly cause?: unknown;
  readonly argument?: string;
  readonly task?: Task;
  /** For STORE_UNAVAILABLE that repeating will not mend, such as a missing right. @default what the code says */
  readonly retryable?: boolean;
}

/** Every error that a store throws. Its text never holds a payload, an answer or a connection string. */
export class TaskStoreError extends Error {
  override readonly name: string = "TaskStoreError";
  readonly code: TaskStoreErrorCode;
  /** True when the same call may succeed later with nothing changed. */
  readonly retryable: boolean;
  /** The argument that INVALID_ARGUMENT, PAYLOAD_TOO_LARGE and INPUT_KEY_REUSED are about. */
  declare readonly argument?: string;
  /** TASK_TERMINAL: the task as it stands. */
  declare readonly task?: Task;

  constructor(code: TaskStoreErrorCode, message: string, options: TaskStoreErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? RETRYABLE.has(code);
    if (options.argument !== undefined) this.argument = options.argument;
    if (options.task !== undefined) this.task = options.task;
    Object.defineProperty(this, BRAND, { value: true });
  }
}

/**
 * Whether an unknown error is a store's, and if `code` is given, of that code. Works across copies of this package,
 * where `instanceof` does not.
 */
export function isTaskStoreError<C extends TaskStoreErrorCode = TaskStoreErrorCode>(
  error: unknown,
  code?: C,
): error is TaskStoreError & { readonly code: C } & ([C] extends ["TASK_TERMINAL"]
    ? { readonly task: Task }
    : unknown) {
  if (typeof error !== "object" || error === null || !(BRAND in error)) return false;
  return code === undefined || ("code" in error && error.code === code);
}
