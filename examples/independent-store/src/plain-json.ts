/** Payloads: plain JSON, copied and frozen within the call, or refused. */
import { TaskStoreError } from "@mcp-task-store/core";
import type { JsonObject } from "@mcp-task-store/core";
import { refuse } from "./checks.ts";

/** Deeper values are refused, so that nobody who reads them runs out of stack. */
const MAX_DEPTH = 500;

/**
 * A frozen copy of a payload. What happens to the caller's object afterwards is no matter.
 * @throws TaskStoreError INVALID_ARGUMENT, PAYLOAD_TOO_LARGE
 */
export function storedObject(argument: string, value: unknown, maxBytes: number): JsonObject {
  if (!isRecord(value)) refuse(argument, "a JSON object");
  let copy: JsonObject;
  try {
    copy = objectCopy(argument, value, []);
  } catch (error) {
    if (error instanceof TaskStoreError) throw error;
    // A getter threw, or a proxy.
    return refuse(argument, "plain JSON that can be read", error);
  }
  limitBytes(argument, copy, maxBytes);
  return copy;
}

/** As {@link storedObject}, for what need not be an object. */
export function storedValue(argument: string, value: unknown, maxBytes: number): unknown {
  return storedObject(argument, { value }, maxBytes + '{"value":}'.length)["value"];
}

/** @throws TaskStoreError PAYLOAD_TOO_LARGE */
export function limitBytes(argument: string, value: unknown, maxBytes: number): void {
  if (Buffer.byteLength(JSON.stringify(value)) <= maxBytes) return;
  throw new TaskStoreError("PAYLOAD_TOO_LARGE", `${argument} must be at most ${maxBytes} bytes of JSON.`, { argument });
}

/** Whether two stored values are the same JSON, in whatever order their keys are. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (!isRecord(a) || !isRecord(b)) return a === b;
  const keys = Object.keys(a);
  if (Array.isArray(a) !== Array.isArray(b) || keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => Object.hasOwn(b, key) && sameJson(a[key], b[key]));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function valueCopy(argument: string, value: unknown, within: readonly object[]): unknown {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number") return Number.isFinite(value) ? value : refuse(argument, "plain JSON: finite numbers");
  if (!isRecord(value)) refuse(argument, `plain JSON, without a ${typeof value}`);
  if (within.includes(value)) refuse(argument, "plain JSON, which does not contain itself");
  if (within.length >= MAX_DEPTH) refuse(argument, `nested at most ${MAX_DEPTH} deep`);
  return Array.isArray(value) ? arrayCopy(argument, value, within) : objectCopy(argument, value, within);
}

function arrayCopy(argument: string, value: readonly unknown[], within: readonly object[]): readonly unknown[] {
  const inside = [...within, value];
  const members = Array.from({ length: value.length }, (_, index) => {
    if (!Object.hasOwn(value, index)) refuse(argument, "plain JSON, without holes in arrays");
    return valueCopy(argument, value[index], inside);
  });
  return Object.freeze(members);
}

function objectCopy(argument: string, value: object, within: readonly object[]): JsonObject {
  const prototype: unknown = Object.getPrototypeOf(value);
  // The prototype of plain objects, this realm's or another's, has none itself.
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) refuse(argument, "plain JSON, without classes");
  if (Object.getOwnPropertySymbols(value).length > 0) refuse(argument, "plain JSON, without symbols");
  const inside = [...within, value];
  const members = Object.entries(value).flatMap(([key, member]: [string, unknown]) =>
    // As everywhere in JavaScript, undefined is absent.
    member === undefined ? [] : [[key, valueCopy(argument, member, inside)] as const],
  );
  // Makes an own "__proto__" of that key, as JSON does.
  return Object.freeze(Object.fromEntries(members));
}
