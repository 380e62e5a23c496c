/** What callers may hand over. The limits are those that the contract names. */
import { TaskStoreError } from "@mcp-task-store/core";

export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;
export const MONTH_MS = 2_592_000_000;
export const CENTURY_MS = 3_153_600_000_000;
const STATUS_MESSAGE_BYTES = 8_192;

// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const CONTROL = /[\u0000-\u001f\u007f]/;

/** @throws TaskStoreError INVALID_ARGUMENT, always */
export function refuse(argument: string, rule: string, cause?: unknown): never {
  throw new TaskStoreError("INVALID_ARGUMENT", `${argument} must be ${rule}.`, { argument, cause });
}

export function integerWithin(argument: string, value: unknown, min: number, max: number): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < min || value > max) {
    refuse(argument, `an integer from ${min} to ${max}`);
  }
  return value;
}

export function optionalInteger(argument: string, value: unknown, min: number, max: number): number | undefined {
  return value === undefined ? undefined : integerWithin(argument, value, min, max);
}

/** A name of 1 to `maxBytes` bytes; `nul`: of all control characters only NUL is refused. */
export function nameWithin(argument: string, value: unknown, maxBytes: number, refused: "control" | "nul"): string {
  const without = refused === "nul" ? "NUL" : "control characters";
  const rule = `a string of 1 to ${maxBytes} UTF-8 bytes without ${without}`;
  if (typeof value !== "string" || value === "" || Buffer.byteLength(value) > maxBytes) refuse(argument, rule);
  if (refused === "nul" ? value.includes("\0") : CONTROL.test(value)) refuse(argument, rule);
  return value;
}

export function oneOf<T extends string>(argument: string, value: unknown, allowed: readonly T[]): T {
  const found = allowed.find((each) => each === value);
  return found ?? refuse(argument, `one of ${allowed.join(", ")}`);
}

export function statusMessage(argument: string, value: unknown): string | undefined {
  if (value === undefined) return undefined;
  const rule = `a string of at most ${STATUS_MESSAGE_BYTES} UTF-8 bytes without NUL`;
  if (typeof value !== "string" || value.includes("\0")) refuse(argument, rule);
  if (Buffer.byteLength(value) > STATUS_MESSAGE_BYTES) refuse(argument, rule);
  return value;
}

/** The text of an error, in the form that a status message must have. */
export function asStatusMessage(text: string): string {
  const bytes = Buffer.from(text.replaceAll("\0", "\uFFFD")).subarray(0, STATUS_MESSAGE_BYTES);
  // A character that was cut in two leaves a replacement character of three bytes, which may not fit.
  return bytes.toString().replace(/\uFFFD$/, "");
}

/** Refuses what is no object, and what has keys that mean nothing here. */
export function objectWithKeys(argument: string, value: unknown, keys: readonly string[]): void {
  if (typeof value !== "object" || value === null || Array.isArray(value)) refuse(argument, "an object");
  const unknown = Object.keys(value).find((key) => !keys.includes(key));
  if (unknown !== undefined) refuse(argument, `an object of ${keys.join(", ")} alone`);
}
