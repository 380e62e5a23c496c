import { inspect } from "node:util";
import { isTaskStoreError } from "@mcp-task-store/core";

/**
 * A value as a report shows it: one line, cut at `limit` characters. Errors show their code and text, no stack.
 */
export function shown(value: unknown, limit = 600): string {
  const text = inspect(withReadableErrors(value, 3), {
    depth: 6,
    compact: true,
    breakLength: Infinity,
    maxArrayLength: 20,
    maxStringLength: 200,
    sorted: false,
  });
  return text.length <= limit ? text : `${text.slice(0, limit)} …`;
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
  if (value instanceof Error) return new Shown(`${value.name}: ${value.message}`);
  if (depth === 0 || typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.slice(0, 21).map((item) => withReadableErrors(item, depth - 1));
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withReadableErrors(item, depth - 1)]));
}
