import type { JsonObject } from "@mcp-task-store/core";
import type { Want } from "../rule.ts";
import { which } from "../wants.ts";
import type { HttpAnswer } from "./http-answer.ts";

/** An answer with this JSON-RPC error, and this HTTP status where one is given. */
export function errorCode(code: number, status?: number): Want<HttpAnswer> {
  const http = status === undefined ? "" : ` with HTTP ${status}`;
  return which(
    `the JSON-RPC error ${code}${http}`,
    (answer) => answer.message?.error?.code === code && (status === undefined || answer.status === status),
  );
}

/** A result that has these members, and none of those. */
export function resultWith(
  members: Readonly<Record<string, (value: unknown) => boolean>>,
  without: readonly string[] = [],
  text?: string,
): Want<HttpAnswer> {
  const names = Object.keys(members).join(", ");
  const others = without.length === 0 ? "" : `, without ${without.join(", ")}`;
  return which(text ?? `a result with right ${names}${others}`, ({ message }) =>
    fits(message?.result, members, without),
  );
}

/** A task, or what else is an object, that has these members, and none of those. */
export function objectWith(
  members: Readonly<Record<string, (value: unknown) => boolean>>,
  without: readonly string[] = [],
  text?: string,
): Want<JsonObject | undefined> {
  const names = Object.keys(members).join(", ");
  const others = without.length === 0 ? "" : `, without ${without.join(", ")}`;
  return which(text ?? `right ${names}${others}`, (seen) => fits(seen, members, without));
}

function fits(
  value: JsonObject | undefined,
  members: Readonly<Record<string, (value: unknown) => boolean>>,
  without: readonly string[],
): boolean {
  return (
    value !== undefined &&
    Object.entries(members).every(([name, holds]) => holds(value[name])) &&
    without.every((name) => !Object.hasOwn(value, name))
  );
}

export const is =
  (...wanted: readonly unknown[]): ((value: unknown) => boolean) =>
  (value) =>
    wanted.includes(value);

/** ISO 8601 with a zone. */
export const isInstant = (value: unknown): boolean =>
  typeof value === "string" && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/.test(value);

export const isText = (value: unknown): boolean => typeof value === "string" && value !== "";

export const isObject = (value: unknown): boolean =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Milliseconds, or null for no limit. */
export const isTtl = (value: unknown): boolean => value === null || (typeof value === "number" && value > 0);
