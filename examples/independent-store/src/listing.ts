/** Pages of tasks, newest first. */
import { createHmac, timingSafeEqual } from "node:crypto";
import { TaskStoreError } from "@mcp-task-store/core";
import type { CallOptions, ListTasksParams, TaskPage, TaskStatus } from "@mcp-task-store/core";
import { objectWithKeys, oneOf, optionalInteger, refuse } from "./checks.ts";
import type { Handle, Reach } from "./handle.ts";
import { notSupported } from "./settings.ts";
import { isVisible, shownTask, type StoredTask } from "./stored-task.ts";

const STATUSES = ["working", "input_required", "completed", "failed", "cancelled"] as const;

export async function listTasks(
  handle: Handle,
  reach: Reach,
  page: ListTasksParams,
  options: CallOptions | undefined,
): Promise<TaskPage> {
  handle.throwIfClosed();
  if (reach === null) throw notSupported("Listing without a principal");
  objectWithKeys("page", page, ["cursor", "limit", "status"]);
  const limit = optionalInteger("limit", page.limit, 1, 1_000) ?? 50;
  const status = page.status === undefined ? undefined : givenStatuses(page.status);
  const before = page.cursor === undefined ? Infinity : positionOf(handle, reach, page.cursor);
  return await handle.call(options, (now) => {
    const found = newestFirst(handle).filter(
      (task) =>
        task.sequence < before &&
        isVisible(task, now) &&
        (reach === undefined || task.principal === reach) &&
        (status?.includes(task.status) ?? true),
    );
    const tasks = found.slice(0, limit);
    // A full page may be the last: then an empty one comes behind it.
    const last = tasks.length === limit ? tasks.at(-1) : undefined;
    return Object.freeze({
      tasks: Object.freeze(tasks.map((task) => shownTask(task))),
      ...(last === undefined ? {} : { nextCursor: cursorAt(handle, reach, last.sequence) }),
    });
  });
}

/** The Map is in the order in which tasks were made. */
function newestFirst({ backend }: Handle): readonly StoredTask[] {
  return [...backend.tasks.values()].toReversed();
}

function givenStatuses(status: readonly TaskStatus[]): readonly TaskStatus[] {
  if (!Array.isArray(status)) refuse("status", "an array of statuses");
  return status.map((each) => oneOf("status", each, STATUSES));
}

/** The number of the last task shown, signed for whose listing it is. It says nothing of the task. */
function cursorAt(handle: Handle, reach: string | undefined, sequence: number): string {
  return `${sequence}.${signature(handle, reach, sequence).toString("base64url")}`;
}

function signature({ backend }: Handle, reach: string | undefined, sequence: number): Buffer {
  // undefined is left out of the list, and so differs from every principal.
  const signed = JSON.stringify(reach === undefined ? [sequence] : [sequence, reach]);
  return createHmac("sha256", backend.secret).update(signed).digest();
}

/** @throws TaskStoreError INVALID_CURSOR, the same for all that is no cursor of this listing */
function positionOf(handle: Handle, reach: string | undefined, cursor: unknown): number {
  const [, digits = "", text = ""] = /^([1-9]\d{0,15})\.([\w-]{43})$/.exec(String(cursor)) ?? [];
  const sequence = Number(digits);
  const given = Buffer.from(text, "base64url");
  const expected = signature(handle, reach, sequence);
  // Of the last character not all bits count: the text has to be the one that was made.
  const isOurs = given.length === expected.length && timingSafeEqual(given, expected);
  if (typeof cursor !== "string" || !isOurs || given.toString("base64url") !== text) {
    throw new TaskStoreError("INVALID_CURSOR", "The cursor is none of this listing.", { argument: "cursor" });
  }
  return sequence;
}
