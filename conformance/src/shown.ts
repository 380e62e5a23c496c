import { inspect, types } from "node:util";
import { isTaskStoreError } from "@mcp-task-store/core";
import { isError } from "./is-error.ts";
import { printable } from "./report/printable.ts";

/**
 * A value as a report shows it: one line, cut at `limit` characters. Errors show their code and text, no stack. Never
 * throws, whatever the value does when it is looked at.
 */
export function shown(value: unknown, limit = 600): string {
  const text =
    inspected(() => withReadableErrors(value, 3)) ?? inspected(() => value) ?? "something that cannot be shown";
  return text.length <= limit ? oneLine(text) : `${oneLine(text.slice(0, limit))} …`;
}

/** @returns undefined if it does not let itself be looked at */
function inspected(value: () => unknown): string | undefined {
  try {
    return inspect(value(), {
      depth: 6,
      compact: true,
      breakLength: Infinity,
      maxArrayLength: 20,
      maxStringLength: 200,
      sorted: false,
    });
  } catch {
    return undefined;
  }
}

function oneLine(text: string): string {
  return printable(text.replaceAll("\n", String.raw`\n`));
}

class Shown {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  [inspect.custom](): string {
    return this.#text;
  }
}

/** A text that is shown as it is, without quotes. */
export function verbatim(text: string): unknown {
  return new Shown(text);
}

function withReadableErrors(value: unknown, depth: number): unknown {
  if (isTaskStoreError(value)) return new Shown(`${value.code} (${value.message})`);
  if (isError(value)) return new Shown(`${value.name}: ${value.message}`);
  if (depth === 0 || typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.slice(0, 21).map((item) => withReadableErrors(item, depth - 1));
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withReadableErrors(item, depth - 1)]));
}

/** How much of a value a snapshot keeps: a little more than is shown. */
const KEPT_DEPTH = 6;
const KEPT_ENTRIES = 40;

/**
 * A value as it is now, to be shown later: plain objects and arrays are copied as far as they are shown. Runs no code of
 * the value, such as accessors.
 */
export function snapshot(value: unknown, depth: number = KEPT_DEPTH): unknown {
  if (depth === 0 || typeof value !== "object" || value === null) return value;
  if (types.isProxy(value)) return value;
  if (Array.isArray(value)) return value.slice(0, KEPT_ENTRIES).map((item) => snapshot(item, depth - 1));
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  const entries: [string, unknown][] = [];
  for (const key of Object.keys(value).slice(0, KEPT_ENTRIES)) {
    const property = Object.getOwnPropertyDescriptor(value, key);
    if (property === undefined || !("value" in property)) return value;
    entries.push([key, snapshot(property.value, depth - 1)]);
  }
  return Object.fromEntries(entries);
}

/** How many parts of a value are looked at. */
const KEPT_PARTS = 1_000;

/** A value and the objects in it, as far as a snapshot copies them, each once. Runs no code of the value. */
export function partsOf(value: unknown): readonly object[] {
  const parts = new Set<object>();
  const collect = (part: unknown, depth: number): void => {
    if (typeof part !== "object" || part === null || parts.has(part) || parts.size === KEPT_PARTS) return;
    parts.add(part);
    if (depth === 0 || types.isProxy(part)) return;
    if (!Array.isArray(part) && Object.getPrototypeOf(part) !== Object.prototype) return;
    for (const key of Object.keys(part).slice(0, KEPT_ENTRIES)) {
      collect(Object.getOwnPropertyDescriptor(part, key)?.value, depth - 1);
    }
  };
  collect(value, KEPT_DEPTH);
  return [...parts];
}
