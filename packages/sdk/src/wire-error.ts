import { isTaskStoreError, type JsonRpcError, type TaskStoreErrorCode } from "@mcp-task-store/core";
import {
  INTERNAL_ERROR,
  INVALID_PARAMS,
  INVALID_REQUEST,
  isJsonRpcError,
  type JsonRpcErrorLike,
} from "./tool-error.ts";

/** What is wrong with the request, or came too late; not what is wrong with the server. */
const OF_THE_REQUEST: readonly TaskStoreErrorCode[] = [
  "TASK_NOT_FOUND",
  "TASK_TERMINAL",
  "LEASE_LOST",
  "INVALID_ARGUMENT",
  "INVALID_CURSOR",
  "PAYLOAD_TOO_LARGE",
  "INPUT_KEY_REUSED",
];

/** Unknown, expired, deleted and foreign alike (S-61, S-73, X-33, X-39, X-50, X-51). */
export const TASK_NOT_FOUND: JsonRpcError = { code: INVALID_PARAMS, message: "Task not found" };

/**
 * Any error as the client may see it: the code decides, the text of anything internal stays here. JSON-RPC errors pass
 * as they are.
 * @see S-61 … S-63, X-50 … X-52
 */
export function wireError(error: unknown): JsonRpcError {
  if (isTaskStoreError(error)) {
    const { code, message, retryable } = error;
    if (code === "TASK_NOT_FOUND") return TASK_NOT_FOUND;
    // What this store, or this client, cannot do: the text names it.
    if (code === "NOT_SUPPORTED") return { code: INVALID_REQUEST, message, data: { code } };
    if (OF_THE_REQUEST.includes(code)) return { code: INVALID_PARAMS, message, data: { code } };
    return { code: INTERNAL_ERROR, message: "The task store failed", data: { code, retryable } };
  }
  if (!isJsonRpcError(error)) return { code: INTERNAL_ERROR, message: "Internal error" };
  const { code, message } = error;
  const data = dataOf(error);
  return data === undefined ? { code, message } : { code, message, data };
}

/**
 * What is behind an error of which the client is told no more than that it is internal, or that the server cannot do
 * it: for whoever reports it. undefined: the client is told everything, or it was reported where the error was made.
 */
export function causeBehind(error: unknown): unknown {
  if (isTaskStoreError(error)) return wireError(error).code === INVALID_PARAMS ? undefined : error;
  if (!isJsonRpcError(error)) return error;
  return error instanceof Error ? error.cause : undefined;
}

/** As it goes over the wire. With data that is no JSON the SDK could not answer at all: then there is none. */
function dataOf(error: JsonRpcErrorLike): unknown {
  try {
    const text: string | undefined = JSON.stringify(error.data);
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
