import type { JsonObject } from "@mcp-task-store/core";
import { isObject } from "./over-store.ts";

/** A change of the parts of a payload: each value bottom-up, then each key. */
export interface Edit {
  readonly value?: (value: unknown) => unknown;
  readonly entries?: (entries: readonly (readonly [string, unknown])[]) => readonly (readonly [string, unknown])[];
}

/** How deep payloads are followed: deeper ones are none of these faults' business. */
export const DEPTH = 50;

export function edited(value: unknown, edit: Edit, depth: number): unknown {
  const change = edit.value ?? ((same: unknown) => same);
  if (depth === 0) return value;
  if (Array.isArray(value))
    return change(
      sameIfSame(
        value,
        value.map((item) => edited(item, edit, depth - 1)),
      ),
    );
  if (!isPlainObject(value)) return change(value);
  return change(editedObject(value, edit, depth));
}

export function editedObject(value: JsonObject, edit: Edit, depth: number): JsonObject {
  const before = Object.entries(value);
  const entries = before.map(([key, item]) => [key, edited(item, edit, depth - 1)] as const);
  const after = edit.entries?.(entries) ?? entries;
  return Object.fromEntries(after);
}

/** Sparse arrays stay as they are: their refusal is another rule's. */
function sameIfSame(before: readonly unknown[], after: readonly unknown[]): readonly unknown[] {
  return before.every((item, index) => item === after[index]) ? before : after;
}

export function isPlainObject(value: unknown): value is JsonObject {
  if (!isObject(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
