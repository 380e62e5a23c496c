import type { JsonObject, TaskStore } from "@mcp-task-store/core";
import { isTaskStoreError, TaskStoreError } from "@mcp-task-store/core";
import { defineMutant, type Layers, type Mutant } from "./mutant.ts";
import { isObject, mapPayloads, onCode, overStore } from "./over-store.ts";

/** Ids changed by `getTask` and `deleteTask` before the store checks them; knows the ids that were made. */
function idsThrough(change: (taskId: unknown, known: readonly string[]) => string | undefined): Pick<Layers, "store"> {
  return {
    store(store, { backend, fired }) {
      const through = (taskId: string): string => {
        const changed = change(taskId, [...backend.rows.keys()]);
        if (changed === undefined) return taskId;
        fired();
        return changed;
      };
      return overStore(store, {
        methods: (inner) => ({ getTask: (taskId, options) => inner.getTask(through(taskId), options) }),
      });
    },
  };
}

/** Errors that leave the store in another form. */
function errorsThrough(methods: (store: TaskStore, fired: () => void) => TaskStore): Pick<Layers, "store"> {
  return { store: (store, { fired }) => methods(store, fired) };
}

export const bad: readonly Mutant[] = [
  defineMutant({
    name: "id-operator",
    fault: "An object as id is a query.",
    killedBy: ["bad/ids"],
    ...idsThrough((taskId, known) => (isObject(taskId) ? known.at(-1) : undefined)),
  }),
  defineMutant({
    name: "id-coerced",
    fault: "An id is made into text first.",
    killedBy: ["bad/ids"],
    ...idsThrough((taskId) => (Array.isArray(taskId) ? String(taskId) : undefined)),
  }),
  defineMutant({
    name: "id-pattern",
    fault: "A * in an id stands for anything.",
    killedBy: ["bad/ids"],
    ...idsThrough((taskId, known) => {
      if (typeof taskId !== "string" || !taskId.endsWith("*")) return undefined;
      return known.find((id) => id.startsWith(taskId.slice(0, -1)));
    }),
  }),
  defineMutant({
    name: "nan-immortal",
    fault: "A ttl of NaN means for ever.",
    killedBy: ["bad/numbers"],
    store: (store, { fired }) =>
      overStore(store, {
        root: (inner) => ({
          createTask: (params = {}, options) =>
            Number.isNaN(params.ttlMs)
              ? (fired(), inner.createTask({ ...params, ttlMs: null }, options))
              : inner.createTask(params, options),
        }),
      }),
  }),
  defineMutant({
    name: "negative-accepted",
    fault: "A negative ttl is taken for the default.",
    killedBy: ["bad/numbers"],
    mayAlso: ["bad/typed"],
    store: (store, { fired }) =>
      overStore(store, {
        root: (inner) => ({
          createTask({ ttlMs, ...params } = {}, options) {
            if (typeof ttlMs !== "number" || !(ttlMs < 0))
              return inner.createTask(ttlMs === undefined ? params : { ...params, ttlMs }, options);
            fired();
            return inner.createTask(params, options);
          },
        }),
      }),
  }),
  defineMutant({
    name: "limit-zero-all",
    fault: "A limit of 0 means all.",
    killedBy: ["bad/numbers"],
    store: (store, { fired }) =>
      overStore(store, {
        methods: (inner) => ({
          listTasks: (query = {}, options) =>
            query.limit === 0
              ? (fired(), inner.listTasks({ ...query, limit: 1_000 }, options))
              : inner.listTasks(query, options),
        }),
      }),
  }),
  defineMutant({
    name: "map-stored-empty",
    fault: "A Map is stored as an empty object.",
    killedBy: ["bad/non-json"],
    store: (store, { fired }) =>
      mapPayloads(store, (payload) => {
        if (!(payload["value"] instanceof Map)) return payload;
        fired();
        return { ...payload, value: {} };
      }),
  }),
  defineMutant({
    name: "infinity-null",
    fault: "Infinity is stored as null.",
    killedBy: ["bad/non-json"],
    store: (store, { fired }) =>
      mapPayloads(store, (payload) => {
        if (payload["value"] !== Infinity) return payload;
        fired();
        return { ...payload, value: null };
      }),
  }),
  defineMutant({
    name: "cycle-crashes",
    fault: "A cycle crashes the call.",
    killedBy: ["bad/non-json"],
    store: (store, { fired }) =>
      mapPayloads(store, (payload) => {
        if (payload["value"] !== payload) return payload;
        fired();
        const text = JSON.stringify(payload);
        const parsed: JsonObject = JSON.parse(text);
        return parsed;
      }),
  }),
  defineMutant({
    name: "half-applied",
    fault: "A report writes its message before it looks at the metadata.",
    killedBy: ["bad/whole"],
    mayAlso: ["cancel/race-update"],
    store: (store, { fired }) =>
      overStore(store, {
        root: (inner) => ({
          async updateTask(taskId, { statusMessage, ...change }, options) {
            if (statusMessage === undefined || change.metadata === undefined) {
              return inner.updateTask(
                taskId,
                statusMessage === undefined ? change : { ...change, statusMessage },
                options,
              );
            }
            fired();
            await inner.updateTask(taskId, { statusMessage }, options);
            return inner.updateTask(taskId, change, options);
          },
        }),
      }),
  }),
  defineMutant({
    name: "poisoned-connection",
    fault: "After a refused report its connection is left in a failed transaction.",
    killedBy: ["bad/whole"],
    mayAlso: ["payload/limits"],
    store(store, { fired }) {
      let failed = false;
      return overStore(store, {
        root: (inner) => ({
          async updateTask(taskId, change, options) {
            try {
              return await inner.updateTask(taskId, change, options);
            } catch (error) {
              // Only where a part of it was good, and may have been written.
              failed = change.statusMessage !== undefined && change.metadata !== undefined;
              throw error;
            }
          },
          async createTask(params, options) {
            if (!failed || params !== undefined) return inner.createTask(params, options);
            fired();
            failed = false;
            throw new TaskStoreError("NOT_SUPPORTED", "current transaction is aborted");
          },
        }),
      });
    },
  }),
  defineMutant({
    name: "raw-driver-error",
    fault: "A taken id shows the database's own error.",
    killedBy: ["bad/typed"],
    mayAlso: ["ids/taken"],
    ...errorsThrough((store, fired) =>
      overStore(store, {
        root: (inner) => ({
          createTask: (params, options) =>
            onCode("ALREADY_EXISTS", inner.createTask(params, options), () => {
              fired();
              throw new Error('duplicate key value violates unique constraint "tasks_pkey"');
            }),
        }),
      }),
    ),
  }),
  defineMutant({
    name: "error-plain",
    fault: "An error loses its brand on the way out.",
    killedBy: ["bad/typed"],
    mayAlso: ["durable", "scope/every-op", "ttl/gone", "bad/ids", "close/after"],
    ...errorsThrough((store, fired) =>
      overStore(store, {
        methods: (inner) => ({
          async getOutcome(taskId, options) {
            try {
              return await inner.getOutcome(taskId, options);
            } catch (error) {
              if (!isTaskStoreError(error)) throw error;
              fired();
              throw new Error(error.message, { cause: error });
            }
          },
        }),
      }),
    ),
  }),
];
