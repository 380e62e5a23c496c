import type { TaskRecord } from "@mcp-task-store/core";

/** Which fields of two records are not the same, one line each; empty if none. Keys that only one has count too. */
export function recordDifferences(expected: TaskRecord, actual: TaskRecord): readonly string[] {
  const wanted = new Map<string, unknown>(Object.entries(expected));
  const found = new Map<string, unknown>(Object.entries(actual));
  const keys = new Set([...wanted.keys(), ...found.keys()]);
  return [...keys].flatMap((key) => {
    // Payloads are long: most are the same string, and then nothing has to be printed.
    if (wanted.get(key) === found.get(key) && wanted.has(key) === found.has(key)) return [];
    const [want, got] = [shown(wanted, key), shown(found, key)];
    return want === got ? [] : [`${key}: expected ${want}, got ${got}`];
  });
}

/** A record as a driver's answer carries it: without what was not asked for. */
export function withoutPayloads(row: TaskRecord): TaskRecord {
  const { request: _request, outcome: _outcome, ...rest } = row;
  return rest;
}

function shown(fields: ReadonlyMap<string, unknown>, key: string): string {
  return fields.has(key) ? canonical(fields.get(key)) : "no such key";
}

/** JSON with sorted keys, in which values that JSON cannot tell apart stay apart. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    if (Object.getPrototypeOf(value) !== Object.prototype) return `an instance of ${value.constructor.name}`;
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([key, item]) => `${key}: ${canonical(item)}`).join(", ")}}`;
  }
  if (typeof value === "number" && !Number.isSafeInteger(value)) return `the number ${value}`;
  return typeof value === "bigint" ? `${value}n` : (JSON.stringify(value) ?? "undefined");
}
