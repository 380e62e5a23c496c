import { isTaskStoreError, TaskStoreError } from "@mcp-task-store/core";
import { nameOfError } from "@mcp-task-store/core/adapter";

/**
 * What was going on when it failed. connecting: nothing was sent. reading: sent, and it changes nothing. writing: sent,
 * and it may have changed something.
 */
export type Doing = "connecting" | "reading" | "writing";

const SETUP_NEEDED: ReadonlySet<string> = new Set([
  "42P01", // undefined_table
  "3F000", // invalid_schema_name
  "42703", // undefined_column: tables of another version
  "42883", // undefined_function: likewise
]);

/** Named prepared statements that are gone or there already: somebody shares the server's connection. */
const PREPARED_STATEMENT_LOST: ReadonlySet<string> = new Set(["26000", "42P05"]);

/** A value that does not fit, beside class 22 (data exceptions). */
const TOO_LARGE = "54000"; // program_limit_exceeded: an index entry too long for its page

/**
 * Never the end of a statement that took effect, whatever the severity says: it is translated into the server's
 * language, and some of these end the connection before anything was run.
 */
const CERTAINLY_NOT_WRITTEN: ReadonlySet<string> = new Set([
  "25006", // read_only_sql_transaction: a standby, after a failover
  "40001", // serialization_failure
  "40P01", // deadlock_detected
  "53300", // too_many_connections
  "55P03", // lock_not_available: lock_timeout
  "57014", // query_canceled: statement_timeout, or somebody's cancel
  "57P03", // cannot_connect_now
]);

/** Beside class 28 (no access): what the same call will meet again until somebody changes the server. */
const LASTING: ReadonlySet<string> = new Set([
  "3D000", // invalid_catalog_name: no such database
  "42501", // insufficient_privilege
  "42601", // syntax_error
  "42939", // reserved_name
]);

/** The server, or a pooler in front of it, does not know how the statement ended. */
const UNCERTAIN: ReadonlySet<string> = new Set([
  "40003", // statement_completion_unknown
]);

/** The SQLSTATE of an error that the server sent; undefined for any other error. */
export function sqlState(error: unknown): string | undefined {
  return isServerError(error) ? error.code : undefined;
}

/** After such an error a connection can still be used: the server answered, and only the statement failed. */
export function leavesConnectionUsable(error: unknown): boolean {
  return isServerError(error) && !endsConnection(error) && !PREPARED_STATEMENT_LOST.has(error.code);
}

/**
 * Every error of the backend, as a store's error; the error itself is its cause. Server messages are not repeated: they
 * quote values.
 *
 * - SCHEMA_NOT_READY: a table or schema is missing. INVALID_ARGUMENT: a value that Postgres cannot store, such as a
 *   NUL in a text.
 * - WRITE_OUTCOME_UNKNOWN: the connection ended while a write was under way, by whoever's doing. A server that shuts
 *   down (57P01) may have committed and not have said so.
 * - STORE_UNAVAILABLE: everything else. An ERROR of the server (deadlock, serialization, time-outs, read-only, no
 *   rights, no disk …) undoes the one statement that a call is, so nothing was written.
 */
export function mapError(error: unknown, doing: Doing): TaskStoreError {
  if (isTaskStoreError(error)) return error;
  const options = { cause: error };
  if (!isServerError(error)) {
    if (doing === "writing") {
      return new TaskStoreError("WRITE_OUTCOME_UNKNOWN", "the connection to Postgres was lost during a write", options);
    }
    return new TaskStoreError("STORE_UNAVAILABLE", `Postgres could not be reached (${nameOfError(error)})`, options);
  }
  const { code } = error;
  if (SETUP_NEEDED.has(code)) {
    return new TaskStoreError(
      "SCHEMA_NOT_READY",
      `the tables are missing or another version's (${code}): run setup()`,
      options,
    );
  }
  if (PREPARED_STATEMENT_LOST.has(code)) {
    const advice = "behind a pooler in transaction mode set prepare: false";
    return new TaskStoreError("STORE_UNAVAILABLE", `Postgres lost a prepared statement (${code}): ${advice}`, options);
  }
  if (code.startsWith("22") || code === TOO_LARGE) {
    return new TaskStoreError("INVALID_ARGUMENT", `Postgres cannot store a value of this call (${code})`, options);
  }
  if (doing === "writing" && !CERTAINLY_NOT_WRITTEN.has(code) && (endsConnection(error) || UNCERTAIN.has(code))) {
    return new TaskStoreError(
      "WRITE_OUTCOME_UNKNOWN",
      `Postgres ended the connection during a write (${code})`,
      options,
    );
  }
  const retryable = !LASTING.has(code) && !code.startsWith("28");
  return new TaskStoreError("STORE_UNAVAILABLE", `Postgres refused: nothing was written (${code})`, {
    ...options,
    retryable,
  });
}

interface ServerError {
  readonly code: string;
  readonly severity: string;
}

/** Node's own errors have a `code` too, but no severity. */
function isServerError(error: unknown): error is ServerError {
  return (
    typeof error === "object" &&
    error !== null &&
    "code" in error &&
    typeof error.code === "string" &&
    "severity" in error &&
    typeof error.severity === "string"
  );
}

/** Class 08: connection exceptions, which poolers send. A severity in another language counts as fatal: that is safe. */
function endsConnection({ code, severity }: ServerError): boolean {
  return severity !== "ERROR" || code.startsWith("08") || code.startsWith("57P");
}
