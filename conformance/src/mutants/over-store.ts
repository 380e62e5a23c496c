import type { JsonObject, ScopedTaskStore, Task, TaskOutcome, TaskPage, TaskStore } from "@mcp-task-store/core";
import { isTaskStoreError, type TaskStoreErrorCode } from "@mcp-task-store/core";

/** What views and the root have in common. */
export type Methods = Omit<ScopedTaskStore, "principal" | "createTask">;

/** Changes to a store: `methods` to the root and to every view, the others to one of the two. */
export interface StoreChanges {
  /** @param principal undefined: the root */
  readonly methods?: (inner: Methods, principal: string | null | undefined) => Partial<Methods>;
  readonly view?: (inner: ScopedTaskStore) => Partial<ScopedTaskStore>;
  readonly root?: (inner: TaskStore) => Partial<TaskStore>;
}

/** The store with some methods replaced. */
export function overStore(store: TaskStore, changes: StoreChanges): TaskStore {
  const changed: TaskStore = {
    ...store,
    ...changes.methods?.(store, undefined),
    scoped(principal) {
      const view = store.scoped(principal);
      const methods = changes.methods?.(view, principal);
      return { ...view, ...methods, ...changes.view?.({ ...view, ...methods }) };
    },
  };
  return { ...changed, ...changes.root?.(changed) };
}

/** A call that recovers from an error of one code by another answer. */
export async function onCode<T>(
  code: TaskStoreErrorCode,
  call: Promise<T>,
  instead: (error: { readonly task?: Task }) => Promise<T> | T,
): Promise<T> {
  try {
    return await call;
  } catch (error) {
    if (!isTaskStoreError(error, code)) throw error;
    return await instead(error);
  }
}

/** Never settles, unless the signal fires or the time is over. */
export function hang(signal?: AbortSignal, timeoutMs?: number): Promise<undefined> {
  return new Promise((resolve, reject) => {
    if (timeoutMs !== undefined && timeoutMs < 2 ** 31) setTimeout(() => resolve(undefined), timeoutMs).unref();
    signal?.addEventListener("abort", () => reject(new Error("aborted")));
  });
}

/** Every task that the store hands out, through one function. */
export function mapTasks(store: TaskStore, change: (task: Task) => Task): TaskStore {
  const maybe = (task: Task | undefined): Task | undefined => task && change(task);
  const page = (found: TaskPage): TaskPage => ({ ...found, tasks: found.tasks.map(change) });
  return overStore(store, {
    methods: (inner) => ({
      getTask: async (taskId, options) => maybe(await inner.getTask(taskId, options)),
      listTasks: async (query, options) => page(await inner.listTasks(query, options)),
      cancelTask: async (taskId, options) => change(await inner.cancelTask(taskId, options)),
      requestCancellation: async (taskId, options) => change(await inner.requestCancellation(taskId, options)),
      answerInputs: async (taskId, answers, options) => change(await inner.answerInputs(taskId, answers, options)),
      waitForUpdate: async (taskId, options) => maybe(await inner.waitForUpdate(taskId, options)),
    }),
    view: (inner) => ({ createTask: async (params, options) => change(await inner.createTask(params, options)) }),
    root: (inner) => ({
      createTask: async (params, options) => change(await inner.createTask(params, options)),
      updateTask: async (taskId, report, options) => change(await inner.updateTask(taskId, report, options)),
      finishTask: async (taskId, outcome, options) => change(await inner.finishTask(taskId, outcome, options)),
      requestInputs: async (taskId, inputs, options) => change(await inner.requestInputs(taskId, inputs, options)),
    }),
  });
}

/** Every payload that the store takes, through one function, before anything looks at it. */
export function mapPayloads(store: TaskStore, change: (payload: JsonObject) => JsonObject): TaskStore {
  const params = <R extends { readonly params?: JsonObject | undefined }>(request: R): R =>
    request.params === undefined ? request : { ...request, params: change(request.params) };
  const each = <V>(values: Readonly<Record<string, V>>, one: (value: V) => V): Record<string, V> =>
    Object.fromEntries(Object.entries(values).map(([key, value]) => [key, one(value)]));
  const outcomeWith = (outcome: TaskOutcome): TaskOutcome => {
    if ("result" in outcome && isObject(outcome.result)) return { ...outcome, result: change(outcome.result) };
    if (!("error" in outcome) || !isObject(outcome.error?.data)) return outcome;
    return { ...outcome, error: { ...outcome.error, data: change(outcome.error.data) } };
  };
  return overStore(store, {
    methods: (inner) => ({
      answerInputs: async (taskId, answers, options) => inner.answerInputs(taskId, each(answers, change), options),
    }),
    root: (inner) => ({
      createTask: async (given = {}, options) =>
        inner.createTask(
          {
            ...given,
            ...(given.metadata === undefined ? {} : { metadata: change(given.metadata) }),
            ...(given.request === undefined ? {} : { request: params(given.request) }),
          },
          options,
        ),
      updateTask: async (taskId, report, options) => {
        const { metadata } = report;
        return inner.updateTask(
          taskId,
          isObject(metadata) ? { ...report, metadata: change(metadata) } : report,
          options,
        );
      },
      finishTask: async (taskId, outcome, options) => inner.finishTask(taskId, outcomeWith(outcome), options),
      requestInputs: async (taskId, inputs, options) => inner.requestInputs(taskId, each(inputs, params), options),
    }),
  });
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
