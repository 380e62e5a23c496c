/** Outcomes as callers give them. */
import type { Generation, JsonObject, JsonRpcError, TaskOutcome } from "@mcp-task-store/core";
import { asStatusMessage, objectWithKeys, oneOf, refuse } from "./checks.ts";
import { limitBytes, storedObject, storedValue } from "./plain-json.ts";

/** A frozen copy of an outcome, and the message that goes with it unless the caller has another. */
export interface GivenOutcome {
  readonly outcome: TaskOutcome;
  readonly message: string | undefined;
}

/** @throws TaskStoreError INVALID_ARGUMENT, PAYLOAD_TOO_LARGE */
export function givenOutcome(given: TaskOutcome, maxBytes: number): GivenOutcome {
  objectWithKeys("outcome", given, ["status", "result", "error"]);
  const status = oneOf("outcome.status", given.status, ["completed", "failed", "cancelled"]);
  const result = "result" in given ? given.result : undefined;
  const error = "error" in given ? given.error : undefined;
  if (status === "cancelled") {
    if (result !== undefined || error !== undefined) refuse("outcome", "without a payload if it is cancelled");
    return { outcome: Object.freeze({ status }), message: undefined };
  }
  if (status === "failed" && error !== undefined) {
    if (result !== undefined) refuse("outcome", "one of result and error");
    const stored = givenError(error, maxBytes);
    return { outcome: Object.freeze({ status, error: stored }), message: asStatusMessage(stored.message) };
  }
  if (error !== undefined) refuse("outcome", "failed if it has an error");
  if (result === undefined) refuse("outcome", status === "failed" ? "with an error" : "with a result");
  const stored = storedObject("outcome.result", result, maxBytes);
  return { outcome: withResult(status, stored), message: undefined };
}

function givenError(error: JsonRpcError, maxBytes: number): JsonRpcError {
  objectWithKeys("outcome.error", error, ["code", "message", "data"]);
  const { code, message, data } = error;
  if (!Number.isSafeInteger(code)) refuse("outcome.error.code", "an integer");
  if (typeof message !== "string") refuse("outcome.error.message", "a string");
  const stored = Object.freeze({
    code,
    message,
    ...(data === undefined ? {} : { data: storedValue("outcome.error.data", data, maxBytes) }),
  });
  limitBytes("outcome.error", stored, maxBytes);
  return stored;
}

/** What a result with `isError` means depends on the protocol that made the task. */
export function outcomeFor(generation: Generation | null, outcome: TaskOutcome): TaskOutcome {
  if (!("result" in outcome)) return outcome;
  const { result } = outcome;
  if (result["isError"] === true) return withResult(generation === "2025-11-25" ? "failed" : "completed", result);
  if (outcome.status === "failed" && generation !== "2025-11-25") {
    refuse("outcome", "with an error: a result that failed exists in generation 2025-11-25 only");
  }
  return outcome;
}

function withResult(status: "completed" | "failed", result: JsonObject): TaskOutcome {
  return Object.freeze(status === "completed" ? { status, result } : { status, result });
}
