import { isTaskStoreError, TaskStoreError } from "@mcp-task-store/core";

/**
 * What was going on when it failed. unsent: nothing was sent. reading: sent, and it changes nothing. writing: sent, and it
 * may have changed something.
 */
export type Doing = "unsent" | "reading" | "writing";

const DUPLICATE_KEY = 11000;

/** The server does not know, or did not wait to learn, whether what it did will last. */
const UNCERTAIN: ReadonlySet<number> = new Set([
  6, // HostUnreachable: said by a router
  7, // HostNotFound: likewise
  24, // LockTimeout
  50, // MaxTimeMSExpired
  64, // WriteConcernTimeout
  79, // UnknownReplWriteConcern
  89, // NetworkTimeout
  90, // CallbackCanceled: said by a router that ends
  91, // ShutdownInProgress
  100, // UnsatisfiableWriteConcern
  145, // PooledConnectionsDropped: said by a router
  189, // PrimarySteppedDown
  202, // NetworkInterfaceExceededTimeLimit: said by a router
  262, // ExceededTimeLimit
  279, // ClientDisconnect
  290, // TransactionExceededLifetimeLimitSeconds
  355, // InterruptedDueToStorageChange
  9001, // SocketException
  11600, // InterruptedAtShutdown
  11601, // Interrupted
  11602, // InterruptedDueToReplStateChange
  13436, // NotPrimaryOrSecondary
  46841, // ClientMarkedKilled
]);

/** What MongoDB puts on errors of writes. */
const MAY_HAVE_BEEN_DONE = "RetryableWriteError";
const NOTHING_WAS_DONE = "NoWritesPerformed";

/** Said before anything is done; retryable all the same. */
const NOT_PRIMARY: ReadonlySet<number> = new Set([
  10107, // NotWritablePrimary
  13435, // NotPrimaryNoSecondaryOk
]);

/** What the same call will meet again until somebody changes the server. */
const LASTING: ReadonlySet<number> = new Set([
  13, // Unauthorized
  18, // AuthenticationFailed
  59, // CommandNotFound
  73, // InvalidNamespace
  8000, // of a hosted server: not allowed
]);

/** A row, or a command, beyond what the server stores. */
const TOO_LARGE: ReadonlySet<number> = new Set([
  10334, // BSONObjectTooLarge
  17280, // KeyTooLong
  17419, // the row would be too large after the update
  17420, // likewise
]);

/** Whether the server refused because a unique key, here only ever the task's id, was taken at the same time. */
export function isDuplicateKey(error: unknown): boolean {
  return serverError(error)?.code === DUPLICATE_KEY;
}

/** What the server says for good where it has no change streams, or another server speaks its protocol without them. */
const NO_STREAMS: ReadonlySet<number> = new Set([
  115, // CommandNotSupported
  235, // InternalErrorNotSupported
  238, // NotImplemented
  40_324, // no such stage
  40_573, // the server is no replica set
]);

/** Whether the server refused a change stream, and will go on so until somebody changes it. */
export function hasNoStreams(error: unknown): boolean {
  const found = serverError(error);
  return found !== undefined && !found.isOfWriteConcern && (NO_STREAMS.has(found.code) || LASTING.has(found.code));
}

/** Whether the server refused without having done anything. */
export function isRefusal(error: unknown): boolean {
  const found = serverError(error);
  return found !== undefined && !isUncertain(found);
}

/**
 * Every error of the backend, as a store's error; the error itself is its cause. Server messages are not repeated: they
 * quote values.
 *
 * - WRITE_OUTCOME_UNKNOWN: the connection ended while a write was under way, or the server could not say that it will
 *   last (write concern), or was interrupted at it.
 * - PAYLOAD_TOO_LARGE: the row would be larger than MongoDB stores.
 * - STORE_UNAVAILABLE: everything else. One command is one atomic step on one row: one that fails has done nothing.
 */
export function mapError(error: unknown, doing: Doing): TaskStoreError {
  if (isTaskStoreError(error)) return error;
  const options = { cause: error };
  const found = serverError(error);
  if (found === undefined) {
    // Such as MongoNetworkError, or WaitAborted.
    const name = error instanceof Error ? error.name : "no connection";
    if (doing === "writing") {
      return new TaskStoreError("WRITE_OUTCOME_UNKNOWN", `MongoDB gave no answer to a write (${name})`, options);
    }
    return new TaskStoreError("STORE_UNAVAILABLE", `MongoDB could not be reached (${name})`, options);
  }
  const { code } = found;
  if (doing === "writing" && isUncertain(found)) {
    return new TaskStoreError(
      "WRITE_OUTCOME_UNKNOWN",
      `MongoDB could not say whether a write lasts (${code})`,
      options,
    );
  }
  if (TOO_LARGE.has(code)) {
    return new TaskStoreError("PAYLOAD_TOO_LARGE", `the task would be larger than MongoDB stores (${code})`, options);
  }
  return new TaskStoreError("STORE_UNAVAILABLE", `MongoDB refused: nothing was written (${code})`, {
    ...options,
    retryable: !LASTING.has(code),
  });
}

interface ServerError {
  /** 0: none was given. */
  readonly code: number;
  readonly labels: readonly unknown[];
  /** The write was done, and is not known to last. */
  readonly isOfWriteConcern: boolean;
}

/** Whether what was asked for may have been done all the same. An error without a code says nothing. */
function isUncertain({ code, labels, isOfWriteConcern }: ServerError): boolean {
  if (isOfWriteConcern) return true;
  if (labels.includes(NOTHING_WAS_DONE)) return false;
  return code === 0 || UNCERTAIN.has(code) || (labels.includes(MAY_HAVE_BEEN_DONE) && !NOT_PRIMARY.has(code));
}

/** By name: a client may come from another copy of mongodb. Node's own errors have a `code` too. */
function serverError(error: unknown): ServerError | undefined {
  if (!(error instanceof Error)) return undefined;
  const isOfWriteConcern = error.name === "MongoWriteConcernError";
  if (!isOfWriteConcern && error.name !== "MongoServerError") return undefined;
  const code = "code" in error && typeof error.code === "number" ? error.code : 0;
  const labels: readonly unknown[] =
    "errorLabels" in error && Array.isArray(error.errorLabels) ? error.errorLabels : [];
  return { code, labels, isOfWriteConcern };
}
