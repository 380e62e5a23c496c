import { randomBytes, randomUUID } from "node:crypto";
import type { PageQuery, Task, TaskDriver, TaskRecord, TaskStore } from "@mcp-task-store/core";
import { isVisible } from "@mcp-task-store/core/transitions";
import type { Plot } from "../mutants/layered-target.ts";
import { intercepting } from "../mutants/over-driver.ts";
import { mapTasks, overStore } from "../mutants/over-store.ts";
import { trueEpochMs } from "../wall-clock.ts";
import { defineVariant, type Variant } from "./variant.ts";

/** Ids of the store's own making, in place of core's. */
function withIds(store: TaskStore, next: () => string): TaskStore {
  return overStore(store, {
    root: (inner) => ({
      async createTask(params = {}, options) {
        const chosen = params.taskId !== undefined || params.idempotencyKey !== undefined;
        return inner.createTask(chosen ? params : { ...params, taskId: next() }, options);
      },
    }),
  });
}

/** RFC 9562, version 7: the time in front, 74 random bits behind. */
function uuidV7(): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(Math.floor(trueEpochMs()), 0, 6);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x70, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** The rows of a page, the oldest first. */
function oldestFirst({ backend }: Plot, { scope, status, after, limit }: PageQuery): readonly TaskRecord[] {
  const key = (row: { readonly createdAt: number; readonly taskId: string }): string =>
    `${String(row.createdAt).padStart(16, "0")} ${row.taskId}`;
  const rows = backend
    .inOrder()
    .filter(
      (row) =>
        isVisible(row, backend.nowUs()) &&
        (scope === undefined || row.scope === scope) &&
        (status === undefined || status.includes(row.status)) &&
        (after === undefined || key(row) > key(after)),
    );
  const sorted = rows.toSorted((a, b) => (key(a) < key(b) ? -1 : 1)).slice(0, limit);
  return sorted.map(({ request: _request, outcome: _outcome, ...row }) => row);
}

/** A cancelled task is deleted in the step that cancels it; the one who did it is still shown it. */
function forgetsCancelled(driver: TaskDriver, { backend }: Plot): TaskDriver {
  return intercepting(driver, async (write, _kind, send) => {
    const answer = await send(write);
    if (answer.kind === "written" && answer.row.status === "cancelled") backend.rows.delete(write.taskId);
    return answer;
  });
}

/** Revisions in steps of three at least, with everything that a caller may do with one. */
function wideRevisions(store: TaskStore): TaskStore {
  const widened = mapTasks(store, (task) => ({ ...task, revision: 3 * task.revision }));
  return overStore(widened, {
    methods: (inner) => ({
      waitForUpdate: (taskId, options) =>
        inner.waitForUpdate(taskId, {
          ...options,
          // One that was never handed out differs from all.
          ...(typeof options.since === "number" ? { since: options.since % 3 === 0 ? options.since / 3 : 0 } : {}),
        }),
    }),
  });
}

/** An instant without fractions of a second, written without them. */
function wholeSecond(instant: string): string {
  return `${instant.slice(0, 19)}Z`;
}

function wholeSeconds(task: Task): Task {
  return {
    ...task,
    createdAt: wholeSecond(task.createdAt),
    lastUpdatedAt: wholeSecond(task.lastUpdatedAt),
    expiresAt: task.expiresAt === null ? null : wholeSecond(task.expiresAt),
  };
}

export const tasks: readonly Variant[] = [
  defineVariant("uuid-v7", "Ids begin with the time.", () => ({ store: (store) => withIds(store, uuidV7) })),
  defineVariant("id-prefix", "All ids begin with the same text.", () => ({
    store: (store) => withIds(store, () => `task_${randomUUID()}`),
  })),
  defineVariant("oldest-first", "Listings begin with the oldest task.", () => ({
    driver: (driver, plot) => ({
      ...driver,
      async page(query, options) {
        const { nowUs } = await driver.page({ ...query, limit: 1 }, options);
        return { rows: oldestFirst(plot, query), nowUs };
      },
    }),
  })),
  defineVariant("cancelled-vanishes", "A cancelled task is deleted at once.", () => ({ driver: forgetsCancelled })),
  defineVariant("wide-revisions", "Revisions grow by three or more.", () => ({ store: wideRevisions })),
  defineVariant("one-attempt", "A task that lost its worker gets no other, unless it is told to allow more.", () => ({
    settings: (settings) => ({ maxAttempts: 1, ...settings }),
  })),
  defineVariant("whole-seconds", "Times are shown without fractions of a second.", () => ({
    store: (store) => mapTasks(store, wholeSeconds),
  })),
  defineVariant("cursor-undefined", "The last page has a nextCursor: undefined.", () => ({
    store: (store) =>
      overStore(store, {
        methods: (inner) => ({
          async listTasks(query, options) {
            const page = await inner.listTasks(query, options);
            // The types here forbid it to be written. Those of a store may not.
            if (page.nextCursor === undefined) Object.assign(page, { nextCursor: undefined });
            return page;
          },
        }),
      }),
  })),
  defineVariant("limit-clamped", "A page shows ten tasks at most, whatever its limit.", () => ({
    store: (store) =>
      overStore(store, {
        methods: (inner) => ({
          listTasks: (query = {}, options) =>
            inner.listTasks(
              Number.isInteger(query.limit) && (query.limit ?? 0) > 10 ? { ...query, limit: 10 } : query,
              options,
            ),
        }),
      }),
  })),
];
