import { TaskStoreError } from "./errors.ts";
import type { JsonText } from "./json.ts";

/** Nesting that is stored; deeper values are refused, so that no reader overflows its stack. */
export const MAX_JSON_DEPTH = 512;

/**
 * The JSON text of a value, exact or refused: what JSON cannot say is an error instead of a silent loss. Members that
 * are `undefined` are absent, as everywhere in JavaScript. The value is read once, within the call.
 * @param argument names the value in errors; contents never appear in them
 * @throws TaskStoreError INVALID_ARGUMENT, PAYLOAD_TOO_LARGE
 * @see S-40, X-57; rules payload/*, bad/non-json
 */
export function toJsonText(value: unknown, argument: string, maxBytes: number): JsonText {
  let text: string;
  try {
    text = JSON.stringify(plain(value, argument, 0, new Set()));
  } catch (error) {
    if (error instanceof TaskStoreError) throw error;
    throw refuse(argument, "could not be read", error);
  }
  if (exceedsBytes(text, maxBytes)) {
    throw new TaskStoreError("PAYLOAD_TOO_LARGE", `${argument} is too large; at most ${maxBytes} bytes of JSON.`, {
      argument,
    });
  }
  return text;
}

/** Whether a text takes more than `maxBytes` in UTF-8. */
export function exceedsBytes(text: string, maxBytes: number): boolean {
  if (text.length > maxBytes) return true;
  return text.length * 3 > maxBytes && new TextEncoder().encode(text).length > maxBytes;
}

/** JSON text back to a deeply frozen value: nobody can edit what a store returned. */
export function fromJsonText<T>(text: JsonText): T {
  return deepFreeze(JSON.parse(text));
}

export function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const member of Object.values(value)) deepFreeze(member);
  }
  return value;
}

function refuse(argument: string, what: string, cause?: unknown): TaskStoreError {
  return new TaskStoreError("INVALID_ARGUMENT", `${argument} ${what}; give plain JSON.`, { argument, cause });
}

/** A copy made of nothing but JSON values: getters and proxies are asked once, and cannot answer differently later. */
function plain(value: unknown, argument: string, depth: number, ancestors: Set<object>): unknown {
  switch (typeof value) {
    case "boolean":
      return value;
    case "string":
      if (!value.isWellFormed()) throw refuse(argument, "has an unpaired surrogate");
      return value;
    case "number":
      if (!Number.isFinite(value)) throw refuse(argument, "has a number that JSON cannot hold");
      return value;
    case "object":
      break;
    default:
      throw refuse(argument, `has a value of type ${typeof value}`);
  }
  if (value === null) return null;
  if (ancestors.has(value)) throw refuse(argument, "contains itself");
  if (depth >= MAX_JSON_DEPTH) throw refuse(argument, `is nested deeper than ${MAX_JSON_DEPTH}`);
  ancestors.add(value);
  const copy = Array.isArray(value)
    ? plainArray(value, argument, depth + 1, ancestors)
    : plainObject(value, argument, depth + 1, ancestors);
  ancestors.delete(value);
  return copy;
}

function plainArray(value: readonly unknown[], argument: string, depth: number, ancestors: Set<object>): unknown[] {
  const copy: unknown[] = [];
  for (let index = 0; index < value.length; index += 1) {
    if (!(index in value)) throw refuse(argument, "has an array with holes");
    copy.push(plain(value[index], argument, depth, ancestors));
  }
  return copy;
}

function plainObject(value: object, argument: string, depth: number, ancestors: Set<object>): Record<string, unknown> {
  const prototype: unknown = Object.getPrototypeOf(value);
  // A null prototype one step up is Object.prototype, this realm's or another's.
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    throw refuse(argument, "has an object with a class");
  }
  if (Object.getOwnPropertySymbols(value).length > 0) throw refuse(argument, "has a symbol as a key");
  // Without a prototype, "__proto__" is a key like any other.
  const copy: Record<string, unknown> = Object.create(null);
  for (const [key, member] of Object.entries(value)) {
    if (!key.isWellFormed()) throw refuse(argument, "has an unpaired surrogate");
    if (member !== undefined) copy[key] = plain(member, argument, depth, ancestors);
  }
  return copy;
}
