import { expect, it } from "vitest";
import { delegate } from "../../../conformance/src/driver-model/delegate.ts";
import { createMemoryBackend, createMemoryDriver } from "../../memory/src/index.ts";
import { createTaskStore } from "../src/index.ts";
import type { Task, TaskDriver, TaskStore } from "../src/index.ts";

/** Listings go by creation, which is a ms long, and then by id: these are in the order in which they are made. */
const idAt = (at: number): string => `task-${String(at).padStart(3, "0")}`;

/** Looks at so many tasks for a page, and stops short then. */
function lookingAt(most: number, driver: TaskDriver): TaskDriver {
  return {
    ...delegate(driver),
    async page({ status, ...query }, options) {
      const looked = await driver.page({ ...query, limit: most }, options);
      const passing = looked.rows.filter((row) => status?.includes(row.status) ?? true);
      const rows = passing.slice(0, query.limit);
      const last = looked.rows.at(-1);
      const isShort = rows.length < query.limit && looked.rows.length === most && last !== undefined;
      return { ...looked, rows, ...(isShort ? { reached: { createdAt: last.createdAt, taskId: last.taskId } } : {}) };
    },
  };
}

async function walk(store: TaskStore, limit: number): Promise<readonly (readonly Task[])[]> {
  const pages: (readonly Task[])[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.listTasks({ limit, status: ["completed"], cursor });
    pages.push(page.tasks);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return pages;
}

it("a driver that stops short before a page is full is asked on from there", async () => {
  const backend = createMemoryBackend();
  const store = createTaskStore(lookingAt(10, createMemoryDriver({ backend })), { maintenance: false });
  const completed: string[] = [];
  for (let at = 0; at < 60; at += 1) {
    const { taskId } = await store.createTask({ taskId: idAt(at) });
    if (at !== 5 && at !== 25 && at < 50) continue;
    await store.finishTask(taskId, { status: "completed", result: {} });
    completed.push(taskId);
  }
  for (const limit of [1, 3, 9, 1_000]) {
    const pages = await walk(store, limit);
    expect(pages.flat().map(({ taskId }) => taskId)).toEqual(expect.arrayContaining(completed));
    expect(pages.flat()).toHaveLength(completed.length);
    expect(pages.every((tasks) => tasks.length <= limit)).toBe(true);
    // Where nothing was found for a while, there are pages with nothing.
    expect(pages.some((tasks) => tasks.length === 0)).toBe(true);
  }
});
