import { types } from "node:util";

/** An error of this realm or of another, such as a test runner's; false for what does not even let itself be asked. */
export function isError(value: unknown): value is Error {
  try {
    return value instanceof Error || types.isNativeError(value);
  } catch {
    return false;
  }
}
