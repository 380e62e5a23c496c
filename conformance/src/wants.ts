import { isDeepStrictEqual } from "node:util";
import { isTaskStoreError, type Task, type TaskStoreErrorCode } from "@mcp-task-store/core";
import type { Attempt } from "./attempt.ts";
import { isError } from "./is-error.ts";
import type { Want } from "./rule.ts";
import { shown } from "./shown.ts";

/** Whatever the predicate holds for; `text` completes "wanted …". */
export function which<T>(text: string, holds: (seen: T) => boolean): Want<T> {
  return { text, holds };
}

/** Deep equality, key order aside; -0 equals 0, as JSON may lose the sign. */
export function equalTo<T>(value: T): Want<unknown> {
  return { text: shown(value), holds: (seen) => sameValue(seen, value) };
}

/** The task with nothing changed, its revision included. */
export function unchanged(task: Task): Want<Task | undefined> {
  return { text: `the task unchanged: ${shown(task)}`, holds: (seen) => sameValue(seen, task) };
}

/** As {@link unchanged}, but a cancelled task may be gone at any time (S-59). */
export function unchangedOrGone(task: Task): Want<Task | undefined> {
  const same = unchanged(task);
  return { text: same.text, holds: (seen) => same.holds(seen) || (task.status === "cancelled" && seen === undefined) };
}

/** What may become of a cancelled task: some stores keep it, others delete it (S-59). */
export const cancelledOrGone: Want<Task | undefined> = which(
  "cancelled, or gone",
  (task) => task === undefined || task.status === "cancelled",
);

/** A call that succeeded, and whose value is so. */
export function fulfilled<T>(value?: Want<T>): Want<Attempt<T>> {
  return {
    text: value === undefined ? "the call to succeed" : `the call to succeed with ${value.text}`,
    holds: (seen) => seen.kind === "fulfilled" && (value === undefined || value.holds(seen.value)),
  };
}

/** A call that was refused with one of these codes. */
export function refused(...codes: readonly TaskStoreErrorCode[]): Want<Attempt<unknown>> {
  return {
    text: `an error with code ${codes.join(" or ")}`,
    holds: (seen) => seen.kind === "rejected" && hasCode(seen.error, codes),
  };
}

/** TASK_TERMINAL that carries the task as it stands. */
export function refusedAsEnded(task: Task): Want<Attempt<unknown>> {
  return {
    text: `TASK_TERMINAL carrying the ${task.status} task at revision ${task.revision}`,
    holds: (seen) =>
      seen.kind === "rejected" &&
      isTaskStoreError(seen.error, "TASK_TERMINAL") &&
      seen.error.task?.taskId === task.taskId &&
      seen.error.task.status === task.status &&
      seen.error.task.revision === task.revision,
  };
}

/** What any method says of a task that the caller has no part in; `getTask` and `deleteTask` answer instead. */
export const notFound: Want<Attempt<unknown>> = {
  text: "what an unknown id gets: TASK_NOT_FOUND, or undefined from getTask, or false from deleteTask",
  holds: (seen) =>
    seen.kind === "fulfilled"
      ? seen.value === undefined || seen.value === false
      : seen.kind === "rejected" && isTaskStoreError(seen.error, "TASK_NOT_FOUND"),
};

/** What a method answers, and does not reject with, where there is no such task for its caller. */
const ANSWERS: Readonly<Record<string, unknown>> = {
  getTask: undefined,
  "getTask with request and outcome": undefined,
  deleteTask: false,
  // It shows nothing, and ends.
  watchTasks: undefined,
};

/** What this method says of a task that the caller has no part in. */
export function notFoundBy(method: string): Want<Attempt<unknown>> {
  if (!Object.hasOwn(ANSWERS, method)) return refused("TASK_NOT_FOUND");
  const wanted = equalTo(ANSWERS[method]);
  return {
    text: `${wanted.text}, as for an unknown id`,
    holds: (seen) => seen.kind === "fulfilled" && wanted.holds(seen.value),
  };
}

/** A call that ended, either way. */
export const settled: Want<Attempt<unknown>> = {
  text: "the call to settle before the deadline",
  holds: (seen) => seen.kind !== "pending",
};

export function hasCode(error: unknown, codes: readonly TaskStoreErrorCode[]): boolean {
  return codes.some((code) => isTaskStoreError(error, code));
}

function sameValue(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(plain(a), plain(b));
}

/** Copies without -0, and with objects and lists of one prototype and one realm, so that only their JSON counts. */
function plain(value: unknown): unknown {
  if (value === 0) return 0;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return Array.from(value, plain);
  if (isError(value)) return value;
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return new Map(entries.map(([key, item]) => [key, plain(item)]));
}
