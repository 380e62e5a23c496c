import type { JsonObject, Lease, ScopedTaskStore, Task, TaskOutcome, TaskPage, TaskStore } from "@mcp-task-store/core";
import { isTaskStoreError, TaskStoreError, type TaskStoreErrorCode } from "@mcp-task-store/core";

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
    if (timeoutMs !== undefined && timeoutMs < 2 ** 31 - 1) setTimeout(() => resolve(undefined), timeoutMs).unref();
    signal?.addEventListener("abort", () => reject(new Error("aborted")));
  });
}

/** Every task that the store hands out, refusals and leases included, through one function. */
export function mapTasks(store: TaskStore, change: (task: Task) => Task): TaskStore {
  const maybe = (task: Task | undefined): Task | undefined => task && change(task);
  const page = (found: TaskPage): TaskPage => ({ ...found, tasks: found.tasks.map(change) });
  const leased = (lease: Lease): Lease => ({ ...lease, task: change(lease.task) });
  const through = async <T>(call: Promise<T>, map: (value: T) => T): Promise<T> => {
    try {
      return map(await call);
    } catch (error) {
      if (!isTaskStoreError(error, "TASK_TERMINAL")) throw error;
      throw new TaskStoreError(error.code, error.message, { cause: error, task: change(error.task) });
    }
  };
  return overStore(store, {
    methods: (inner) => ({
      getTask: (taskId, options) => through(inner.getTask(taskId, options), maybe),
      listTasks: (query, options) => through(inner.listTasks(query, options), page),
      cancelTask: (taskId, options) => through(inner.cancelTask(taskId, options), change),
      requestCancellation: (taskId, options) => through(inner.requestCancellation(taskId, options), change),
      answerInputs: (taskId, answers, options) => through(inner.answerInputs(taskId, answers, options), change),
      waitForUpdate: (taskId, options) => through(inner.waitForUpdate(taskId, options), maybe),
      watchTasks: (taskIds, options) => mapItems(inner.watchTasks(taskIds, options), change),
    }),
    view: (inner) => ({ createTask: (params, options) => through(inner.createTask(params, options), change) }),
    root: (inner) => ({
      createTask: (params, options) => through(inner.createTask(params, options), change),
      updateTask: (taskId, report, options) => through(inner.updateTask(taskId, report, options), change),
      finishTask: (taskId, outcome, options) => through(inner.finishTask(taskId, outcome, options), change),
      requestInputs: (taskId, inputs, options) => through(inner.requestInputs(taskId, inputs, options), change),
      acquireLease: (taskId, options) =>
        through(inner.acquireLease(taskId, options), (lease) => lease && leased(lease)),
      renewLease: (taskId, token, options) => through(inner.renewLease(taskId, token, options), leased),
      releaseLease: (taskId, token, options) => through(inner.releaseLease(taskId, token, options), change),
      messages: {
        ...inner.messages,
        push: (taskId, message, options) => through(inner.messages.push(taskId, message, options), (done) => done),
      },
    }),
  });
}

function mapItems(items: AsyncIterable<Task>, change: (task: Task) => Task): AsyncIterable<Task> {
  return {
    [Symbol.asyncIterator]() {
      const inner = items[Symbol.asyncIterator]();
      return {
        async next() {
          const item = await inner.next();
          return item.done === true ? item : { done: false, value: change(item.value) };
        },
        return: async () => (await inner.return?.()) ?? { done: true, value: undefined },
      };
    },
  };
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
