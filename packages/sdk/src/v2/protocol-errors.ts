import { ProtocolError } from "@modelcontextprotocol/server";
import { TASK_NOT_FOUND, wireError } from "../wire-error.ts";

/** Unknown, expired, deleted and foreign alike. */
export function taskNotFound(): ProtocolError {
  return new ProtocolError(TASK_NOT_FOUND.code, TASK_NOT_FOUND.message);
}

/** Any error as the client may see it. */
export function toProtocolError(error: unknown): Error {
  const { code, message, data } = wireError(error);
  return new ProtocolError(code, message, data);
}
