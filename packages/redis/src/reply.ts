/**
 * Replies of our own scripts, as they come: checked for their shape, since that is all that their types rest on. Texts
 * come as bytes, since a task's state is no text.
 */

export function asArray(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new TypeError("Redis answered something else than a list");
}

export function asBytes(value: unknown): Buffer {
  if (Buffer.isBuffer(value)) return value;
  throw new TypeError("Redis answered something else than a text");
}

export function asText(value: unknown): string {
  return asBytes(value).toString();
}

/** A text, or what Redis calls nil. */
export function asTextOrNull(value: unknown): string | null {
  return value === null ? null : asText(value);
}

export function asNumber(value: unknown): number {
  if (typeof value === "number" && Number.isSafeInteger(value)) return value;
  throw new TypeError("Redis answered something else than a whole number");
}
