import type { ScopedTaskStore, Task, TaskStore } from "@mcp-task-store/core";
import { isTaskStoreError, isTerminal, TaskStoreError } from "@mcp-task-store/core";
import { defineMutant, type Mutant } from "./mutant.ts";
import { hang, type Methods, onCode, overStore } from "./over-store.ts";

/** The methods of a view that could forget its principal, by the rule catalogue's name for each. */
const OPEN: Readonly<Record<string, (root: TaskStore) => Partial<Methods>>> = {
  get: ({ getTask }) => ({ getTask }),
  outcome: ({ getOutcome }) => ({ getOutcome }),
  cancel: ({ cancelTask }) => ({ cancelTask }),
  coop: ({ requestCancellation }) => ({ requestCancellation }),
  answer: ({ answerInputs }) => ({ answerInputs }),
  delete: ({ deleteTask }) => ({ deleteTask }),
  wait: ({ waitForUpdate }) => ({ waitForUpdate }),
  waitOutcome: ({ waitForOutcome }) => ({ waitForOutcome }),
  watch: ({ watchTasks }) => ({ watchTasks }),
};

const openOperations: readonly Mutant[] = Object.entries(OPEN).map(([operation, open]) =>
  defineMutant({
    name: `scope-open-${operation}`,
    fault: `A view's ${operation} reaches every principal's tasks.`,
    killedBy: ["scope/every-op"],
    mayAlso: ["scope", "watch"],
    store: (store, { fired }) => overStore(store, { view: () => (fired(), open(store)) }),
  }),
);

/** Principals changed before the store sees them. */
function principalsThrough(change: (principal: string) => string) {
  return (store: TaskStore, { fired }: { readonly fired: () => void }): TaskStore => {
    const through = (principal: string): string => {
      const changed = change(principal);
      if (changed !== principal) fired();
      return changed;
    };
    return overStore(store, {
      root: (inner) => ({
        scoped: (principal) => inner.scoped(typeof principal === "string" ? through(principal) : principal),
        createTask: (params = {}, options) =>
          inner.createTask(
            typeof params.principal === "string" ? { ...params, principal: through(params.principal) } : params,
            options,
          ),
      }),
    });
  };
}

/** What a view does when the id exists, but for somebody else. */
function onForeign(store: TaskStore, instead: (task: Task) => Promise<never>): TaskStore {
  return overStore(store, {
    view: (view) => ({
      cancelTask: (taskId, options) =>
        onCode("TASK_NOT_FOUND", view.cancelTask(taskId, options), async () => {
          const task = await store.getTask(taskId);
          if (task !== undefined) await instead(task);
          return view.cancelTask(taskId, options);
        }),
    }),
  });
}

export const scope: readonly Mutant[] = [
  ...openOperations,
  defineMutant({
    name: "foreign-forbidden",
    fault: "A foreign task is forbidden instead of unknown.",
    killedBy: ["scope/every-op"],
    store: (store, { fired }) =>
      onForeign(store, async () => {
        fired();
        throw new TaskStoreError("NOT_SUPPORTED", "The task is another principal's.");
      }),
  }),
  defineMutant({
    name: "foreign-says-terminal",
    fault: "The status is checked before the owner.",
    killedBy: ["scope/every-op"],
    mayAlso: ["scope/clean-errors"],
    store: (store, { fired }) =>
      onForeign(store, async (task) => {
        if (!isTerminal(task.status)) throw new TaskStoreError("TASK_NOT_FOUND", `Task not found: ${task.taskId}`);
        fired();
        throw new TaskStoreError("TASK_TERMINAL", "It ended.", { task });
      }),
  }),
  defineMutant({
    name: "foreign-wait-blocks",
    fault: "Waiting for a foreign task waits for ever.",
    killedBy: ["scope/no-oracle"],
    mayAlso: ["scope/every-op"],
    store: (store, { fired }) =>
      overStore(store, {
        view: (view) => ({
          waitForUpdate: (taskId, options) =>
            onCode("TASK_NOT_FOUND", view.waitForUpdate(taskId, options), async () => {
              if ((await store.getTask(taskId)) === undefined) return view.waitForUpdate(taskId, options);
              fired();
              return hang(options.signal, options.timeoutMs);
            }),
        }),
      }),
  }),
  defineMutant({
    name: "list-unscoped",
    fault: "A listing shows every principal's tasks.",
    killedBy: ["scope/list-own"],
    mayAlso: ["scope", "ttl", "list", "bad", "durable/reopen"],
    driver: (driver, { fired }) => ({
      ...driver,
      page: ({ scope: _scope, ...query }, options) => (fired(), driver.page(query, options)),
    }),
  }),
  defineMutant({
    name: "list-filter-late",
    fault: "A page is cut first and filtered by owner then.",
    killedBy: ["scope/list-own"],
    mayAlso: ["list", "durable/reopen"],
    driver: (driver, { fired }) => ({
      ...driver,
      async page({ scope: owner, ...query }, options) {
        const answer = await driver.page(query, options);
        const rows = answer.rows.filter((row) => owner === undefined || row.scope === owner);
        if (rows.length < answer.rows.length) fired();
        return { ...answer, rows };
      },
    }),
  }),
  defineMutant({
    name: "scope-casefold",
    fault: "Principals that differ in case are the same.",
    killedBy: ["scope/exact"],
    store: principalsThrough((principal) => principal.toLowerCase()),
  }),
  defineMutant({
    name: "scope-prefix",
    fault: "A principal reads the tasks of all whose names begin with its own.",
    killedBy: ["scope/exact"],
    mayAlso: ["scope"],
    store: (store, { fired }) =>
      overStore(store, {
        view: (view) => ({
          async getTask(taskId, options) {
            const task = (await view.getTask(taskId, options)) ?? (await store.getTask(taskId, options));
            if (view.principal === null || task?.principal?.startsWith(view.principal) !== true)
              return view.getTask(taskId, options);
            if (task.principal !== view.principal) fired();
            return task;
          },
        }),
      }),
  }),
  defineMutant({
    name: "scope-joined-key",
    fault: "Principal and id are joined to one key, with a colon.",
    killedBy: ["scope/exact"],
    store: (store, { backend, fired }) =>
      overStore(store, {
        view: (view) => ({
          async getTask(taskId, options) {
            const task = await view.getTask(taskId, options);
            if (task !== undefined || view.principal === null) return task;
            const same = [...backend.rows.values()].find((row) => {
              return row.scope !== null && `${row.scope}:${row.taskId}` === `${view.principal}:${taskId}`;
            });
            if (same === undefined || same.scope === view.principal) return undefined;
            fired();
            return store.getTask(same.taskId, options);
          },
        }),
      }),
  }),
  defineMutant({
    name: "scope-trim",
    fault: "Blanks around a principal are dropped.",
    killedBy: ["scope/exact"],
    store: principalsThrough((principal) => principal.trim()),
  }),
  defineMutant({
    name: "scope-empty-is-root",
    fault: "The empty principal sees everything.",
    killedBy: ["scope/fail-closed"],
    store: (store, { fired }) =>
      overStore(store, {
        root: (inner) => ({
          scoped: (principal) =>
            principal === "" ? (fired(), { ...inner, principal: null }) : inner.scoped(principal),
        }),
      }),
  }),
  defineMutant({
    name: "null-is-root",
    fault: "A caller without principal reaches owned tasks.",
    killedBy: ["scope/fail-closed"],
    mayAlso: ["scope/every-op"],
    store: (store, { fired }) =>
      overStore(store, {
        view: (view) => (view.principal === null ? (fired(), { getTask: store.getTask }) : {}),
      }),
  }),
  defineMutant({
    name: "null-lists",
    fault: "A caller without principal may list.",
    killedBy: ["scope/fail-closed"],
    mayAlso: ["bad/typed"],
    store: (store, { fired }) =>
      overStore(store, {
        view: (view) => (view.principal === null ? (fired(), { listTasks: store.listTasks }) : {}),
      }),
  }),
  defineMutant({
    name: "view-inherits-root",
    fault: "A view has the root's methods, too.",
    killedBy: ["scope/fail-closed"],
    store: (store, { fired }) =>
      overStore(store, {
        root: (inner) => ({
          scoped(principal) {
            fired();
            const view: ScopedTaskStore = { ...inner, ...inner.scoped(principal) };
            return view;
          },
        }),
      }),
  }),
  defineMutant({
    name: "scope-from-params",
    fault: "A view's create takes the owner from its parameters.",
    killedBy: ["scope/owner"],
    store: (store, { fired }) =>
      overStore(store, {
        view: (view) => ({
          createTask(params = {}, options) {
            const principal: unknown = "principal" in params ? params.principal : undefined;
            if (typeof principal !== "string") return view.createTask(params, options);
            fired();
            return store.createTask({ ...params, principal }, options);
          },
        }),
      }),
  }),
  defineMutant({
    name: "unowned-public",
    fault: "Every principal reads unowned tasks.",
    killedBy: ["scope/owner"],
    store: (store, { fired }) =>
      overStore(store, {
        view: (view) => ({
          async getTask(taskId, options) {
            const task = await view.getTask(taskId, options);
            if (task !== undefined || view.principal === null) return task;
            const unowned = await store.getTask(taskId, options);
            if (unowned?.principal !== null) return undefined;
            fired();
            return unowned;
          },
        }),
      }),
  }),
  defineMutant({
    name: "error-dumps-row",
    fault: "Not found carries the foreign row as its cause.",
    killedBy: ["scope/clean-errors"],
    mayAlso: ["scope/every-op"],
    store: (store, { fired }) =>
      overStore(store, {
        view: (view) => ({
          async cancelTask(taskId, options) {
            try {
              return await view.cancelTask(taskId, options);
            } catch (error) {
              if (!isTaskStoreError(error, "TASK_NOT_FOUND")) throw error;
              fired();
              throw new TaskStoreError(error.code, error.message, { cause: await store.getTask(taskId) });
            }
          },
        }),
      }),
  }),
];
