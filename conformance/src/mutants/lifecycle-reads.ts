import type { JsonObject, Task, TaskOutcome, TaskStore } from "@mcp-task-store/core";
import { isTerminal } from "@mcp-task-store/core";
import { MOST_THEMES } from "./ids.ts";
import { defineMutant, type Mutant, type Plot } from "./mutant.ts";
import { sharedBy } from "./over-messages.ts";
import { changeWithout, changing } from "./over-driver.ts";
import { mapTasks, overStore } from "./over-store.ts";

/** A store that keeps what it gave out and gives it again, to be written over. */
function livingObjects(store: TaskStore, { fired }: Plot): TaskStore {
  const live = new Map<string, Task>();
  return overStore(store, {
    methods: (inner) => ({
      async getTask(taskId, options) {
        const task = await inner.getTask(taskId, options);
        if (task === undefined || options?.outcome === true || options?.request === true) return task;
        const known = live.get(taskId);
        if (known !== undefined) fired();
        if (known !== undefined && JSON.stringify(known).includes("vandalised")) return known;
        const copy = structuredClone(task);
        live.set(taskId, copy);
        return copy;
      },
    }),
  });
}

function livingOutcomes(store: TaskStore, { fired }: Plot): TaskStore {
  const live = new Map<string, TaskOutcome>();
  return overStore(store, {
    methods: (inner) => ({
      async getOutcome(taskId, options) {
        const outcome = await inner.getOutcome(taskId, options);
        if (outcome === undefined) return undefined;
        const copy = live.get(taskId) ?? structuredClone(outcome);
        live.set(taskId, copy);
        return copy;
      },
      async getTask(taskId, options) {
        const task = await inner.getTask(taskId, options);
        const outcome = live.get(taskId);
        if (task?.outcome === undefined || outcome === undefined) return task;
        fired();
        return { ...task, outcome };
      },
    }),
  });
}

function keepsArguments(store: TaskStore, { fired }: Plot): TaskStore {
  const kept = new Map<string, JsonObject>();
  return overStore(store, {
    methods: (inner) => ({
      async getTask(taskId, options) {
        const task = await inner.getTask(taskId, options);
        const metadata = kept.get(taskId);
        if (task === undefined || metadata === undefined) return task;
        fired();
        return { ...task, metadata };
      },
    }),
    root: (inner) => ({
      async createTask(params = {}, options) {
        const { metadata } = params;
        const task = await inner.createTask(params, options);
        if (metadata !== undefined) kept.set(task.taskId, metadata);
        return task;
      },
      async updateTask(taskId, change, options) {
        kept.delete(taskId);
        return inner.updateTask(taskId, change, options);
      },
    }),
  });
}

/** A cache for reads: a process sees its own writes at once, and others' when the entry is old. */
function cachesReads(store: TaskStore, { fired }: Plot): TaskStore {
  const cache = new Map<string, { readonly task: Task; readonly at: number }>();
  return overStore(store, {
    methods: (inner) => ({
      async getTask(taskId, options) {
        const entry = cache.get(taskId);
        if (options === undefined && entry !== undefined && performance.now() - entry.at < 50)
          return (fired(), entry.task);
        const task = await inner.getTask(taskId, options);
        if (task !== undefined) cache.set(taskId, { task, at: performance.now() });
        return task;
      },
    }),
  });
}

function copiesLater(store: TaskStore, fired: () => void): TaskStore {
  const later = async <T>(call: () => Promise<T>): Promise<T> => {
    fired();
    await Promise.resolve();
    return call();
  };
  return overStore(store, {
    methods: (inner) => ({ answerInputs: (...call) => later(() => inner.answerInputs(...call)) }),
    root: (inner) => ({
      updateTask: (...call) => later(() => inner.updateTask(...call)),
      requestInputs: (...call) => later(() => inner.requestInputs(...call)),
      messages: { ...inner.messages, push: (...call) => later(() => inner.messages.push(...call)) },
    }),
  });
}

/** Tasks that other processes do not see yet. */
const freshIn = sharedBy(() => new Set<string>());

export const lifecycleReads: readonly Mutant[] = [
  defineMutant({
    name: "live-object",
    fault: "A read task is given out again, as its reader left it.",
    killedBy: ["lifecycle/copies-out"],
    store: livingObjects,
  }),
  defineMutant({
    name: "live-outcome",
    fault: "A read outcome is given out again, as its reader left it.",
    killedBy: ["lifecycle/copies-out"],
    store: livingOutcomes,
  }),
  defineMutant({
    name: "keeps-argument",
    fault: "The metadata object given to create is kept by reference.",
    killedBy: ["lifecycle/copies-in"],
    mayAlso: ["lifecycle/copies-out"],
    store: keepsArguments,
  }),
  defineMutant({
    name: "serialises-late",
    fault: "Arguments are copied in a later turn.",
    killedBy: ["lifecycle/copies-in"],
    store: (store, { fired }) =>
      overStore(store, {
        root: (inner) => ({
          async createTask(params, options) {
            fired();
            await Promise.resolve();
            return inner.createTask(params, options);
          },
          async finishTask(taskId, outcome, options) {
            await Promise.resolve();
            return inner.finishTask(taskId, outcome, options);
          },
        }),
      }),
  }),
  defineMutant({
    name: "copies-later",
    fault: "Questions, answers, reports and messages are copied in a later turn.",
    killedBy: ["lifecycle/copies-in"],
    store: (store, { fired }) => copiesLater(store, fired),
  }),
  defineMutant({
    name: "peer-cache",
    fault: "A process answers reads from a cache for 50 ms.",
    killedBy: ["lifecycle/read-your-writes"],
    mayAlso: [
      "lifecycle/copies-in",
      "inputs/ask-atomic",
      "durable/not-mine",
      "durable/own-win",
      "lifecycle/message",
      "payload/limits",
    ],
    store: cachesReads,
  }),
  defineMutant({
    name: "create-deferred",
    fault: "Other processes see a new task a moment after it was acknowledged.",
    killedBy: ["lifecycle/read-your-writes"],
    mayAlso: [...MOST_THEMES, "finish", "exec", "watch", "messages", "close", "caps", "clock"],
    driver(driver, { backend, fired }) {
      const fresh = freshIn(backend);
      const mine = new Set<string>();
      return {
        ...driver,
        async insert(insert, options) {
          const answer = await driver.insert(insert, options);
          if (answer.kind !== "inserted") return answer;
          mine.add(insert.taskId);
          fresh.add(insert.taskId);
          setImmediate(() => setImmediate(() => fresh.delete(insert.taskId)));
          return answer;
        },
        async read(taskIds, options) {
          const answer = await driver.read(taskIds, options);
          const rows = answer.rows.filter(({ taskId }) => mine.has(taskId) || !fresh.has(taskId));
          if (rows.length < answer.rows.length) fired();
          return { ...answer, rows };
        },
      };
    },
  }),
  defineMutant({
    name: "cancel-background",
    fault: "A cancel is acknowledged first and carried out then.",
    killedBy: ["lifecycle/read-your-writes"],
    mayAlso: [...MOST_THEMES, "finish", "exec", "messages"],
    store: (store, { fired }) =>
      overStore(store, {
        methods: (inner) => ({
          async cancelTask(taskId, options) {
            const task = await inner.getTask(taskId);
            if (task === undefined || isTerminal(task.status)) return inner.cancelTask(taskId, options);
            fired();
            setImmediate(() => void inner.cancelTask(taskId, options).catch(() => undefined));
            return { ...task, status: "cancelled", revision: task.revision + 1 };
          },
        }),
      }),
  }),
  defineMutant({
    name: "claim-shown-leased",
    fault: "A task that somebody holds shows the lease's end as the time by which to claim it.",
    killedBy: ["lifecycle/shape"],
    store: (store, { fired }) =>
      mapTasks(store, (task) => {
        if (task.lease === undefined) return task;
        fired();
        return { ...task, claimBy: task.lease.expiresAt };
      }),
  }),
  defineMutant({
    name: "asked-claimed",
    fault: "A task that waits for an answer keeps the time by which to claim it.",
    killedBy: ["lifecycle/shape"],
    driver: (driver, { fired }) => changing(driver, "ask", fired, (then) => changeWithout(then, "claimInMs")),
  }),
  defineMutant({
    name: "release-asked-claimed",
    fault: "A release sets the time by which to claim a task, also of one that waits for an answer.",
    killedBy: ["lifecycle/shape"],
    driver: (driver, { fired }) =>
      changing(driver, "release", fired, (then, when) =>
        when.status === "input_required" ? { ...then, claimInMs: 60_000 } : then,
      ),
  }),
];
