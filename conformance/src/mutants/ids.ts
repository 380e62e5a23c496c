import { randomBytes } from "node:crypto";
import type {
  CallOptions,
  CreateTaskParams,
  RootCreateTaskParams,
  ScopedTaskStore,
  Task,
  TaskStore,
} from "@mcp-task-store/core";
import { TaskStoreError } from "@mcp-task-store/core";
import { isVisible } from "@mcp-task-store/core/transitions";
import { defineMutant, type Mutant } from "./mutant.ts";
import { hang, onCode, overStore } from "./over-store.ts";

/** Themes that a fault in nearly every task touches. */
export const MOST_THEMES: readonly string[] = [
  "ids",
  "lifecycle",
  "cancel",
  "scope",
  "ttl",
  "list",
  "wait",
  "lease",
  "inputs",
  "payload",
  "bad",
  "durable",
];

/** A store that chooses its own ids; one that is taken gives the task that has it. */
function withIds(store: TaskStore, next: () => string): TaskStore {
  return overStore(store, {
    root: (inner) => ({
      async createTask(params: RootCreateTaskParams = {}, options) {
        if (params.taskId !== undefined || params.idempotencyKey !== undefined)
          return inner.createTask(params, options);
        const taskId = next();
        return onCode("ALREADY_EXISTS", inner.createTask({ ...params, taskId }, options), async () => {
          return (await inner.getTask(taskId)) ?? (await hang()) ?? inner.createTask(params);
        });
      },
    }),
  });
}

/** The store whose views create otherwise. */
function viewCreates(
  store: TaskStore,
  create: (view: ScopedTaskStore, params: CreateTaskParams, options: CallOptions | undefined) => Promise<Task>,
): TaskStore {
  return overStore(store, {
    view: (view) => ({ createTask: (params = {}, options) => create(view, params, options) }),
  });
}

export const ids: readonly Mutant[] = [
  defineMutant({
    name: "id-counter",
    fault: "Each process counts its tasks from 1 and uses the count as id.",
    killedBy: ["ids/unique"],
    mayAlso: ["messages", ...MOST_THEMES, "finish", "exec", "watch", "clock", "close", "caps"],
    store(store, { fired }) {
      let count = 0;
      return withIds(store, () => (fired(), `task-${(count += 1)}`));
    },
  }),
  defineMutant({
    name: "id-number",
    fault: "An id is a number.",
    killedBy: ["ids/unique"],
    mayAlso: [
      "close/settles",
      "ids/unguessable",
      "lifecycle/updated-moves",
      "cancel/coop",
      "scope",
      "list/stable",
      "bad",
      "clock",
      "caps",
    ],
    store: (store, { fired }) =>
      overStore(store, {
        root: (inner) => ({
          async createTask(params, options) {
            const task = await inner.createTask(params, options);
            if (params !== undefined) return task;
            fired();
            return { ...task, taskId: JSON.parse(String(task.revision)) };
          },
        }),
      }),
  }),
  defineMutant({
    name: "id-short",
    fault: "An id holds 32 random bits.",
    killedBy: ["ids/unguessable"],
    store: (store, { fired }) => withIds(store, () => (fired(), randomBytes(4).toString("hex"))),
  }),
  defineMutant({
    name: "id-time",
    fault: "An id is the time and a count.",
    killedBy: ["ids/unguessable"],
    store: (store, { backend, notes, fired }) =>
      withIds(store, () => {
        fired();
        const count = Number(notes.get("ids") ?? 0) + 1;
        notes.set("ids", `${count}`);
        return `${backend.nowMs()}${String(count).padStart(9, "0")}`;
      }),
  }),
  defineMutant({
    name: "create-upserts",
    fault: "Creating a taken id replaces the task.",
    killedBy: ["ids/taken"],
    mayAlso: ["durable/own-win", "ids/idempotent", "bad/typed"],
    driver: (driver, { backend, fired }) => ({
      ...driver,
      async insert(insert, options) {
        if (backend.rows.delete(insert.taskId)) fired();
        return driver.insert(insert, options);
      },
    }),
  }),
  defineMutant({
    name: "create-look-insert",
    fault: "Create looks whether the id is free, then writes without a condition.",
    killedBy: ["ids/taken"],
    mayAlso: ["ids/idempotent"],
    driver: (driver, { backend, fired }) => ({
      ...driver,
      async insert(insert, options) {
        const { rows } = await driver.read([insert.taskId], options);
        if (rows.length === 0 && backend.rows.delete(insert.taskId)) fired();
        return driver.insert(insert, options);
      },
    }),
  }),
  defineMutant({
    name: "idem-ignored",
    fault: "The idempotency key is ignored.",
    killedBy: ["ids/idempotent"],
    mayAlso: ["durable/reopen"],
    store: (store, { fired }) =>
      viewCreates(store, async (view, { idempotencyKey, ...params }, options) => {
        if (idempotencyKey !== undefined) fired();
        return view.createTask(params, options);
      }),
  }),
  defineMutant({
    name: "idem-global",
    fault: "Idempotency keys of all principals are one namespace.",
    killedBy: ["ids/idempotent"],
    store: (store, { notes, fired }) =>
      viewCreates(store, async (view, params, options) => {
        const { idempotencyKey } = params;
        const first =
          idempotencyKey === undefined ? undefined : await store.getTask(notes.get(idempotencyKey) ?? "none");
        if (first !== undefined && first.principal !== view.principal) return (fired(), first);
        const task = await view.createTask(params, options);
        if (idempotencyKey !== undefined) notes.set(idempotencyKey, task.taskId);
        return task;
      }),
  }),
  defineMutant({
    name: "idem-joined",
    fault: "The id of an idempotency key is made from the principal and the key, one after the other.",
    killedBy: ["ids/idempotent"],
    store: (store, { notes, fired }) =>
      viewCreates(store, async (view, params, options) => {
        const { idempotencyKey } = params;
        if (idempotencyKey === undefined || view.principal === null) return view.createTask(params, options);
        const whose = notes.get(`${view.principal}${idempotencyKey}`) ?? view.principal;
        if (whose !== view.principal) {
          fired();
          throw new TaskStoreError("ALREADY_EXISTS", "A task with this id exists.");
        }
        notes.set(`${view.principal}${idempotencyKey}`, view.principal);
        return view.createTask(params, options);
      }),
  }),
  defineMutant({
    name: "idem-race",
    fault: "Create looks for the idempotency key, then makes a task all the same.",
    killedBy: ["ids/idempotent"],
    store: (store, { notes, fired }) =>
      viewCreates(store, async (view, { idempotencyKey, ...params }, options) => {
        if (idempotencyKey === undefined) return view.createTask(params, options);
        if (view.principal === null) return view.createTask({ ...params, idempotencyKey }, options);
        const name = `${view.principal} ${idempotencyKey}`;
        const first = await view.getTask(notes.get(name) ?? "none");
        if (first !== undefined) return first;
        const task = await view.createTask(params, options);
        if (notes.has(name)) fired();
        notes.set(name, task.taskId);
        return task;
      }),
  }),
  defineMutant({
    name: "revision-restarts",
    fault: "The revision of a recreated id starts again from 1.",
    killedBy: ["ids/reborn"],
    mayAlso: ["ids/idempotent", "durable/own-win"],
    driver: (driver, { backend, fired }) => ({
      ...driver,
      async insert(insert, options) {
        const answer = await driver.insert(insert, options);
        if (answer.kind !== "inserted") return answer;
        fired();
        backend.patch(insert.taskId, () => ({ revision: 1 }));
        return { ...answer, row: { ...answer.row, revision: 1 } };
      },
    }),
  }),
  defineMutant({
    name: "expired-blocks-create",
    fault: "An expired task that was not purged yet keeps its id taken.",
    killedBy: ["ids/reborn"],
    mayAlso: ["ttl/maintain-race", "ttl/all-gone"],
    driver: (driver, { backend, fired }) => ({
      ...driver,
      async insert(insert, options) {
        const row = backend.rows.get(insert.taskId);
        const nowUs = backend.nowUs();
        if (row === undefined || isVisible(row, nowUs)) return driver.insert(insert, options);
        fired();
        return { kind: "exists", row, nowUs };
      },
    }),
  }),
];
