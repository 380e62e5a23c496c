import { asStatusMessage } from "./outcome-encoding.ts";
import type { JsonRpcError } from "./task.ts";

/** JSON-RPC: an internal error. What a failure without a code of its own gets (S-63, X-52). */
const INTERNAL_ERROR = -32603;

const NO_TEXT = "The task failed.";

/**
 * What was thrown as JSON-RPC errors that a task can keep: the exact one first, then plainer ones for stores that
 * refuse it (data that is not JSON, an unpaired surrogate, more bytes than allowed). The last is always storable.
 *
 * A value with an integer `code` and a string `message` is a JSON-RPC error already and stays what it is (S-67, X-57).
 * Everything else is an internal error with its text. Anything may be thrown: no getter and no proxy can make this throw.
 */
export function jsonRpcErrorsOf(thrown: unknown): readonly [JsonRpcError, ...JsonRpcError[]] {
  const code = read(thrown, "code");
  const message = read(thrown, "message");
  const last = { code: INTERNAL_ERROR, message: NO_TEXT };
  if (!isJsonRpcCode(code, thrown) || typeof message !== "string") {
    return [{ code: INTERNAL_ERROR, message: textOf(thrown, message) }, last];
  }
  const data = read(thrown, "data");
  const short = { code, message: asStatusMessage(message) };
  return [{ code, message, ...(data === undefined ? {} : { data }) }, short, { ...last, code }];
}

/** The status message of a task that fails with this error: a failed task always shows one (S-65, X-55). */
export function statusMessageOf(error: JsonRpcError): string {
  return error.message === "" ? NO_TEXT : asStatusMessage(error.message);
}

/** A DOMException has a legacy number that means nothing in JSON-RPC: an AbortError is 20. */
function isJsonRpcCode(code: unknown, thrown: unknown): code is number {
  if (!Number.isSafeInteger(code)) return false;
  try {
    return !(thrown instanceof DOMException);
  } catch {
    return true;
  }
}

function textOf(thrown: unknown, message: unknown): string {
  if (typeof message === "string" && message !== "") return asStatusMessage(message);
  const name = read(thrown, "name");
  if (typeof name === "string" && name !== "") return asStatusMessage(name);
  if (typeof thrown === "string") return thrown === "" ? NO_TEXT : asStatusMessage(thrown);
  if (typeof thrown === "function") return "The handler threw a function.";
  if (typeof thrown === "object" && thrown !== null) return "The handler threw an object without a message.";
  return `The handler threw ${asStatusMessage(String(thrown))}.`;
}

/** A member of anything; undefined if it has none or does not let itself be read. */
function read(value: unknown, key: "code" | "message" | "data" | "name"): unknown {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return undefined;
  try {
    return Reflect.get(value, key);
  } catch {
    return undefined;
  }
}
