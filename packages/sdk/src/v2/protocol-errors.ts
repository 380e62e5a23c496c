import { isTaskStoreError, type TaskStoreErrorCode } from "@mcp-task-store/core";
import { ProtocolError, ProtocolErrorCode } from "@modelcontextprotocol/server";
import { isJsonRpcError, type JsonRpcErrorLike } from "../tool-error.ts";

/** What is wrong with the request, not with the server. */
const INVALID_PARAMS: readonly TaskStoreErrorCode[] = [
  "TASK_NOT_FOUND",
  "INVALID_ARGUMENT",
  "PAYLOAD_TOO_LARGE",
  "INPUT_KEY_REUSED",
];

/** Unknown, expired, deleted and foreign alike. */
export function taskNotFound(): ProtocolError {
  return new ProtocolError(ProtocolErrorCode.InvalidParams, "Task not found");
}

/**
 * A store's error as the client may see it: the code decides, the text of anything internal stays here. JSON-RPC errors
 * pass as they are.
 * @see X-50 … X-52
 */
export function toProtocolError(error: unknown): Error {
  if (isTaskStoreError(error)) {
    const { code, message, retryable } = error;
    if (code === "TASK_NOT_FOUND") return taskNotFound();
    if (INVALID_PARAMS.includes(code)) return new ProtocolError(ProtocolErrorCode.InvalidParams, message, { code });
    return new ProtocolError(ProtocolErrorCode.InternalError, "The task store failed", { code, retryable });
  }
  if (isJsonRpcError(error)) return new ProtocolError(error.code, error.message, dataOf(error));
  return new ProtocolError(ProtocolErrorCode.InternalError, "Internal error");
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
