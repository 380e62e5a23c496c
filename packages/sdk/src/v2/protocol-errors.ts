import { ProtocolError } from "@modelcontextprotocol/server";
import { causeBehind, TASK_NOT_FOUND, wireError } from "../wire-error.ts";

/** Unknown, expired, deleted and foreign alike. */
export function taskNotFound(): ProtocolError {
  return new ProtocolError(TASK_NOT_FOUND.code, TASK_NOT_FOUND.message);
}

/** Any error as the client may see it. What is behind it stays in this process, as its cause. */
export function toProtocolError(thrown: unknown): Error {
  const { code, message, data } = wireError(thrown);
  const error = new ProtocolError(code, message, data);
  const cause = causeBehind(thrown);
  if (cause !== undefined) error.cause = cause;
  return error;
}
