import { randomUUID } from "node:crypto";
import type { ListTasksParams, Task, TaskPage, TaskRecord } from "@mcp-task-store/core";
import { TaskStoreError } from "@mcp-task-store/core";
import { isVisible } from "@mcp-task-store/core/transitions";
import { defineMutant, type Layers, type Mutant, type Plot } from "./mutant.ts";
import { type Methods, onCode, overStore } from "./over-store.ts";

/** A page that looks for its tasks in another way. */
type Lister = (inner: Methods, query: ListTasksParams, principal: string | null | undefined) => Promise<TaskPage>;

function listing(make: (plot: Plot) => Lister): Pick<Layers, "store"> {
  return {
    store(store, plot) {
      const list = make(plot);
      return overStore(store, {
        methods: (inner, principal) => ({ listTasks: (query = {}) => list(inner, query, principal) }),
      });
    },
  };
}

function invalid(): never {
  throw new TaskStoreError("INVALID_CURSOR", "The cursor is not valid here.", { argument: "cursor" });
}

/** A page without its cursor. */
function lastPage({ tasks }: TaskPage): TaskPage {
  return { tasks };
}

/** The page query with another cursor, or without one. */
function from({ cursor: _cursor, ...query }: ListTasksParams, cursor?: string): ListTasksParams {
  return cursor === undefined || cursor === "" ? query : { ...query, cursor };
}

/** Offsets bound to their principal, so that nothing but the counting is wrong. */
const byOffset: (plot: Plot) => Lister =
  ({ fired }) =>
  async (inner, query, principal) => {
    const owner = Buffer.from(`${principal}`).toString("base64url");
    const [, offset = "0", bound] =
      query.cursor === undefined ? [] : (/^(\d{1,9})~(.*)$/s.exec(query.cursor) ?? invalid());
    if (query.cursor !== undefined && bound !== owner) return invalid();
    const { tasks } = await inner.listTasks(from({ ...query, limit: 1_000 }));
    const limit = query.limit ?? 50;
    const end = Number(offset) + limit;
    const page = tasks.slice(Number(offset), end);
    if (offset !== "0") fired();
    return end < tasks.length ? { tasks: page, nextCursor: `${end}~${owner}` } : { tasks: page };
  };

/** Positions in the order of the last updates, bound to their principal likewise. */
const byUpdate: (plot: Plot) => Lister =
  ({ fired }) =>
  async (inner, query, principal) => {
    const owner = Buffer.from(`${principal}`).toString("base64url");
    const [, position = "", bound] = query.cursor === undefined ? [] : (/^(.*)~(.*)$/s.exec(query.cursor) ?? invalid());
    if (query.cursor !== undefined && bound !== owner) return invalid();
    const { tasks } = await inner.listTasks(from({ ...query, limit: 1_000 }));
    const at = (task: Task): string => String(Number.MAX_SAFE_INTEGER - task.revision).padStart(16, "0");
    const sorted = tasks.toSorted((a, b) => (at(a) < at(b) ? -1 : 1)).filter((task) => at(task) > position);
    const page = sorted.slice(0, query.limit ?? 50);
    const last = page.at(-1);
    if (position !== "") fired();
    return last === undefined || sorted.length === page.length
      ? { tasks: page }
      : { tasks: page, nextCursor: `${at(last)}~${owner}` };
  };

/** Rows that are looked through before those that do not count are left out. */
function cutFirst(
  leftOut: (row: TaskRecord, plot: Plot) => boolean,
  whole: (plot: Plot) => readonly TaskRecord[],
): Pick<Layers, "driver"> {
  return {
    driver: (driver, plot) => ({
      ...driver,
      async page(query, options) {
        if (query.after !== undefined) return driver.page(query, options);
        const first = whole(plot)
          .filter((row) => query.scope === undefined || row.scope === query.scope)
          .slice(0, query.limit);
        const answer = await driver.page(query, options);
        const shown = new Set(first.filter((row) => !leftOut(row, plot)).map((row) => row.taskId));
        const rows = answer.rows.filter((row) => shown.has(row.taskId));
        if (rows.length < answer.rows.length) plot.fired();
        return { ...answer, rows };
      },
    }),
  };
}

export const list: readonly Mutant[] = [
  defineMutant({
    name: "index-lag",
    fault: "A task is listed some time after it was acknowledged.",
    killedBy: ["list/complete"],
    mayAlso: ["durable/outage", "list", "scope/list-own", "scope/exact", "bad/whole", "durable/reopen"],
    driver: (driver, { backend, fired }) => ({
      ...driver,
      async page(query, options) {
        const answer = await driver.page(query, options);
        const rows = answer.rows.filter((row) => row.createdAt < backend.nowMs() - 100);
        if (rows.length < answer.rows.length) fired();
        return { ...answer, rows };
      },
    }),
  }),
  defineMutant({
    name: "list-stale-item",
    fault: "A listing shows tasks as they were made.",
    killedBy: ["list/complete"],
    driver(driver, { backend, fired }) {
      const born = new Map<string, TaskRecord>();
      return {
        ...driver,
        async page(query, options) {
          for (const [taskId, row] of backend.rows) if (row.ring.length === 0) born.set(taskId, row);
          const answer = await driver.page(query, options);
          return {
            ...answer,
            rows: answer.rows.map((row) => {
              const first = born.get(row.taskId);
              if (first === undefined || first.revision === row.revision || query.status !== undefined) return row;
              fired();
              return first;
            }),
          };
        },
      };
    },
  }),
  defineMutant({
    name: "cursor-offset",
    fault: "A cursor is a count of tasks.",
    killedBy: ["list/stable"],
    mayAlso: ["list/cursor-task-gone", "bad/numbers"],
    ...listing(byOffset),
  }),
  defineMutant({
    name: "list-by-updated",
    fault: "The tasks changed last come first.",
    killedBy: ["list/stable"],
    mayAlso: ["list", "scope/list-own", "bad/numbers"],
    ...listing(byUpdate),
  }),
  defineMutant({
    name: "cursor-lookup",
    fault: "A cursor works only while its task exists.",
    killedBy: ["list/cursor-task-gone"],
    mayAlso: ["list/bad-cursor", "list/stable"],
    ...listing(({ fired }) => async (inner, query) => {
      const [taskId, cursor] = query.cursor === undefined ? [] : query.cursor.split("~");
      if (
        query.cursor !== undefined &&
        (await inner.getTask(taskId === "" || taskId === undefined ? "none" : taskId)) === undefined
      ) {
        fired();
        return invalid();
      }
      const page = await inner.listTasks(from(query, cursor));
      return page.nextCursor === undefined
        ? page
        : { ...page, nextCursor: `${page.tasks.at(-1)?.taskId}~${page.nextCursor}` };
    }),
  }),
  defineMutant({
    name: "cursor-time-only",
    fault: "A cursor holds the instant only: others of the same one are skipped.",
    killedBy: ["list/same-instant"],
    mayAlso: ["scope/list-own", "list"],
    driver: (driver, { fired }) => ({
      ...driver,
      page({ after, ...query }, options) {
        if (after === undefined) return driver.page(query, options);
        fired();
        return driver.page({ ...query, after: { createdAt: after.createdAt, taskId: "" } }, options);
      },
    }),
  }),
  defineMutant({
    name: "expired-short-page",
    fault: "Expired tasks count towards the size of a page.",
    killedBy: ["list/dead-page"],
    ...cutFirst(
      (row, { backend }) => !isVisible(row, backend.nowUs()),
      ({ backend }) => backend.inOrder(),
    ),
  }),
  defineMutant({
    name: "filter-after-limit",
    fault: "A page is cut first and filtered by status then.",
    killedBy: ["list/dead-page"],
    driver: (driver, { fired }) => ({
      ...driver,
      async page({ status, ...query }, options) {
        const answer = await driver.page(query, options);
        if (status === undefined) return answer;
        fired();
        return { ...answer, rows: answer.rows.filter((row) => status.includes(row.status)) };
      },
    }),
  }),
  defineMutant({
    name: "cursor-lost-last",
    fault: "The page before a short last one carries no cursor.",
    killedBy: ["list/next"],
    mayAlso: ["list"],
    ...listing(({ fired }) => async (inner, query) => {
      const page = await inner.listTasks(query);
      if (page.nextCursor === undefined) return page;
      const next = await inner.listTasks(from(query, page.nextCursor));
      if (next.tasks.length >= (query.limit ?? 50)) return page;
      fired();
      return lastPage(page);
    }),
  }),
  defineMutant({
    name: "cursor-null",
    fault: "The last page carries an empty cursor.",
    killedBy: ["list/next"],
    mayAlso: ["scope/list-own", "scope/exact"],
    ...listing(({ fired }) => async (inner, query) => {
      const page = await inner.listTasks(query);
      if (page.nextCursor !== undefined) return page;
      fired();
      return { ...page, nextCursor: "" };
    }),
  }),
  defineMutant({
    name: "bad-cursor-first-page",
    fault: "A bad cursor gives the first page.",
    killedBy: ["list/bad-cursor"],
    mayAlso: ["bad/typed"],
    ...listing(
      ({ fired }) =>
        (inner, query) =>
          onCode("INVALID_CURSOR", inner.listTasks(query), () => {
            fired();
            return inner.listTasks(from(query));
          }),
    ),
  }),
  defineMutant({
    name: "cursor-unbound",
    fault: "A cursor shows the tasks of whoever it was made for.",
    killedBy: ["list/bad-cursor"],
    store: (store, { notes, fired }) =>
      overStore(store, {
        view: (view) => ({
          async listTasks(query = {}, options) {
            const page = await onCode("INVALID_CURSOR", view.listTasks(query, options), async () => {
              const owner = notes.get(query.cursor ?? "");
              if (owner === undefined) return view.listTasks(query, options);
              fired();
              return store.scoped(owner).listTasks(query, options);
            });
            if (page.nextCursor !== undefined && view.principal !== null) notes.set(page.nextCursor, view.principal);
            return page;
          },
        }),
      }),
  }),
  defineMutant({
    name: "cursor-names-scope",
    fault: "A cursor names its principal in clear and is believed.",
    killedBy: ["list/forged-cursor"],
    mayAlso: ["list/bad-cursor"],
    store: (store, { fired }) =>
      overStore(store, {
        view: (view) => ({
          async listTasks(query = {}, options) {
            const text = Buffer.from(query.cursor ?? "", "base64url").toString();
            const [, owner = "", cursor] = /^([^~]*)~(.*)$/s.exec(text) ?? [];
            if (query.cursor !== undefined && owner === "") return invalid();
            const other = query.cursor !== undefined && owner !== view.principal;
            if (other) fired();
            const page = other
              ? await onCode("INVALID_ARGUMENT", (async () => store.scoped(owner).listTasks(from(query)))(), invalid)
              : await view.listTasks(from(query, cursor), options);
            if (page.nextCursor === undefined) return page;
            return { ...page, nextCursor: Buffer.from(`${view.principal}~${page.nextCursor}`).toString("base64url") };
          },
        }),
      }),
  }),
  defineMutant({
    name: "cursor-process-key",
    fault: "Cursors are signed with a secret of the process.",
    killedBy: ["list/cursor-travels"],
    mayAlso: ["durable/outage", "durable/reopen"],
    ...listing(({ fired }) => {
      const secret = randomUUID();
      return async (inner, query) => {
        if (query.cursor !== undefined && !query.cursor.endsWith(secret)) {
          fired();
          return invalid();
        }
        const page = await inner.listTasks(from(query, query.cursor?.slice(0, -secret.length)));
        return page.nextCursor === undefined ? page : { ...page, nextCursor: `${page.nextCursor}${secret}` };
      };
    }),
  }),
];
