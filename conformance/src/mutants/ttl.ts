import { isTerminal } from "@mcp-task-store/core";
import { isVisible } from "@mcp-task-store/core/transitions";
import { expiryAfter } from "./expiry-after.ts";
import { MOST_THEMES } from "./ids.ts";
import { defineMutant, type Layers, type Mutant } from "./mutant.ts";
import { changeWithout, changing, intercepting } from "./over-driver.ts";
import { hang, mapTasks, onCode, overStore } from "./over-store.ts";

/** Creates with another lifetime than the one that was asked for, and says nothing of it. */
function lifetimes(change: (ttlMs: number | null) => number | null): Pick<Layers, "driver"> {
  return {
    driver: (driver, { backend, fired }) => ({
      ...driver,
      async insert(insert, options) {
        const answer = await driver.insert({ ...insert, ttlMs: change(insert.ttlMs) }, options);
        if (change(insert.ttlMs) !== insert.ttlMs) fired();
        if (answer.kind !== "inserted") return answer;
        backend.patch(insert.taskId, () => ({ ttlMs: insert.ttlMs }));
        return { ...answer, row: { ...answer.row, ttlMs: insert.ttlMs } };
      },
    }),
  };
}

/** Wakes for expiry, or for deletion, get lost. */
function stranded(kind: "expiry" | "deletion"): Pick<Layers, "store"> {
  return {
    store: (store, { backend, fired }) =>
      overStore(store, {
        methods: (inner) => ({
          async waitForUpdate(taskId, options) {
            const before = backend.rows.get(taskId);
            return onCode("TASK_NOT_FOUND", inner.waitForUpdate(taskId, options), () => {
              const expired = before !== undefined && !isVisible(before, backend.nowUs());
              if (before === undefined || expired !== (kind === "expiry")) return inner.waitForUpdate(taskId, options);
              fired();
              return hang(options.signal, options.timeoutMs);
            });
          },
        }),
      }),
  };
}

export const ttl: readonly Mutant[] = [
  defineMutant({
    name: "ttl-cap-silent",
    fault: "A ttl that was cut is reported as it was asked for.",
    killedBy: ["ttl/actual"],
    mayAlso: ["ttl/later"],
    store(store, { fired }) {
      const wishes = new Map<string, number | null>();
      const spoken = mapTasks(store, (task) => {
        const ttlMs = wishes.get(task.taskId);
        if (ttlMs === undefined || ttlMs === task.ttlMs) return task;
        fired();
        return { ...task, ttlMs };
      });
      return overStore(spoken, {
        root: (inner) => ({
          async createTask(params = {}, options) {
            const task = await inner.createTask(params, options);
            if (params.ttlMs === undefined) return task;
            wishes.set(task.taskId, params.ttlMs);
            if (params.ttlMs !== task.ttlMs) fired();
            return { ...task, ttlMs: params.ttlMs };
          },
        }),
      });
    },
  }),
  defineMutant({
    name: "ttl-counts-down",
    fault: "The stated ttl is what is left of it.",
    killedBy: ["ttl/actual"],
    mayAlso: ["exec/lost-lease", ...MOST_THEMES, "messages", "watch", "clock", "close", "caps"],
    store: (store, { backend, fired }) =>
      mapTasks(store, (task) => {
        if (task.expiresAt === null) return task;
        fired();
        return { ...task, ttlMs: Date.parse(task.expiresAt) - backend.nowMs() };
      }),
  }),
  defineMutant({
    name: "poll-dropped",
    fault: "The poll interval that was asked for is dropped.",
    killedBy: ["ttl/actual"],
    mayAlso: ["bad/numbers"],
    store: (store, { fired }) =>
      overStore(store, {
        root: (inner) => ({
          async createTask({ pollIntervalMs, ...params } = {}, options) {
            if (pollIntervalMs === undefined) return inner.createTask(params, options);
            fired();
            return inner.createTask(params, options);
          },
        }),
      }),
  }),
  defineMutant({
    name: "ttl-floor",
    fault: "A ttl counts in tens of seconds.",
    killedBy: ["ttl/not-early"],
    mayAlso: ["ttl", "clock/deadlines"],
    ...lifetimes((ttlMs) => (ttlMs === null ? null : Math.max(1, Math.floor(ttlMs / 10_000) * 10_000))),
  }),
  defineMutant({
    name: "timer-overflow",
    fault: "A ttl of more than 2^31 ms is over at once.",
    killedBy: ["ttl/not-early"],
    ...lifetimes((ttlMs) => (ttlMs !== null && ttlMs >= 2 ** 31 ? 1 : ttlMs)),
  }),
  defineMutant({
    name: "null-default",
    fault: "A task without a ttl expires all the same, after a day.",
    killedBy: ["ttl/not-early"],
    mayAlso: ["ttl/actual"],
    ...lifetimes((ttlMs) => ttlMs ?? 86_400_000),
  }),
  defineMutant({
    name: "ttl-no-restart",
    fault: "The end of a task does not restart its ttl.",
    killedBy: ["ttl/restart"],
    mayAlso: ["clock/stamps"],
    driver: (driver, { fired }) => changing(driver, "finish", fired, (then) => changeWithout(then, "ttl")),
  }),
  defineMutant({
    name: "ttl-slides-read",
    fault: "Reading an owned task starts its ttl again.",
    killedBy: ["ttl/restart-once"],
    mayAlso: ["exec/lost-lease", ...MOST_THEMES, "finish", "messages", "watch", "clock", "close", "caps/restart"],
    driver: (driver, { backend, fired }) => ({
      ...driver,
      async read(ids, options) {
        const answer = await driver.read(ids, options);
        for (const { taskId, scope, ttlMs } of answer.rows) {
          if (scope === null || ttlMs === null) continue;
          fired();
          backend.patch(taskId, (row) => ({ expiresAt: Math.max(row.expiresAt ?? 0, backend.nowMs() + ttlMs) }));
        }
        return answer;
      },
    }),
  }),
  defineMutant({
    name: "ttl-slides-update",
    fault: "A report starts the ttl again.",
    killedBy: ["ttl/restart-once"],
    mayAlso: ["ttl/last-write"],
    driver: (driver, { fired }) => changing(driver, "report", fired, (then) => ({ ...then, ttl: "restart" })),
  }),
  defineMutant({
    name: "ttl-slides-wish",
    fault: "A wish to cancel that is noted starts the ttl again.",
    killedBy: ["ttl/restart-once"],
    ...expiryAfter(["request-cancel"], (row, _before, { backend }) =>
      row.status === "working" && row.ttlMs !== null ? backend.nowMs() + row.ttlMs : row.expiresAt,
    ),
  }),
  defineMutant({
    name: "ttl-slides-refusal",
    fault: "A refused finish starts the ttl again.",
    killedBy: ["ttl/restart-once"],
    mayAlso: ["durable/own-win", "lifecycle/terminal-final", "cancel/late-result"],
    ...expiryAfter(["finish"], (row, before, { backend }) =>
      isTerminal(before.status) && row.ttlMs !== null ? backend.nowMs() + row.ttlMs : row.expiresAt,
    ),
  }),
  defineMutant({
    name: "leased-expires",
    fault: "A lease does not keep its task beyond the ttl.",
    killedBy: ["ttl/leased-lives"],
    mayAlso: ["ttl/grace", "ttl/lease-raises"],
    ...expiryAfter(["acquire", "renew"], (_row, before) => before.expiresAt),
  }),
  defineMutant({
    name: "leased-purged",
    fault: "Maintenance purges by the first ttl, whoever works on the task.",
    killedBy: ["ttl/leased-lives"],
    mayAlso: ["ttl/grace", "lease"],
    driver: (driver, { backend, fired }) => ({
      ...driver,
      async due(limit, holdMs, options) {
        for (const { taskId, lease, ttlMs, createdAt } of backend.rows.values()) {
          if (lease === null || ttlMs === null || backend.nowMs() < createdAt + ttlMs) continue;
          fired();
          backend.rows.delete(taskId);
        }
        return driver.due(limit, holdMs, options);
      },
    }),
  }),
  defineMutant({
    name: "renew-sets-expiry",
    fault: "A heartbeat sets the expiry to the lease's end.",
    killedBy: ["ttl/leased-lives"],
    mayAlso: [
      "lease/late-finish",
      "lease/fenced",
      "exec/lost-lease",
      "exec/max-run",
      "lease/stale-refused",
      "ttl/lease-raises",
    ],
    ...expiryAfter(["renew"], (row) => row.lease?.expiresAt ?? row.expiresAt),
  }),
  defineMutant({
    name: "orphan-vanishes",
    fault: "A task expires with its lease, without a period of grace.",
    killedBy: ["ttl/grace"],
    mayAlso: ["ttl/lease-raises"],
    ...expiryAfter(["acquire", "renew"], (row, before) => {
      return row.expiresAt === before.expiresAt ? row.expiresAt : (row.lease?.expiresAt ?? row.expiresAt);
    }),
  }),
  defineMutant({
    name: "recovery-resurrects",
    fault: "Maintenance writes expired tasks back.",
    killedBy: ["ttl/no-return"],
    mayAlso: ["ttl/maintain-race", "ttl/all-gone"],
    driver: (driver, { backend, fired }) => ({
      ...driver,
      async due(limit, holdMs, options) {
        const expired = [...backend.rows.values()].filter((row) => !isVisible(row, backend.nowUs()));
        const answer = await driver.due(limit, holdMs, options);
        for (const row of expired) {
          fired();
          backend.rows.set(row.taskId, { ...row, expiresAt: null, dueAt: null });
        }
        return answer;
      },
    }),
  }),
  defineMutant({
    name: "acquire-resurrects",
    fault: "Taking an expired task is refused, and makes it live on.",
    killedBy: ["ttl/no-return"],
    mayAlso: ["ttl/gone"],
    driver: (driver, { backend, fired }) =>
      intercepting(driver, async (write, kind, send) => {
        const answer = await send(write);
        if (kind !== "acquire" || answer.kind !== "gone" || !backend.rows.has(write.taskId)) return answer;
        fired();
        backend.patch(write.taskId, () => ({ expiresAt: null, dueAt: null }));
        return answer;
      }),
  }),
  defineMutant({
    name: "expires-never",
    fault: "No task ever expires.",
    killedBy: ["ttl/gone"],
    mayAlso: [...MOST_THEMES, "exec", "clock"],
    ...lifetimes(() => null),
  }),
  defineMutant({
    name: "expiry-strands",
    fault: "Expiry wakes nobody.",
    killedBy: ["ttl/wakes"],
    mayAlso: ["scope/every-op", "ttl/gone"],
    ...stranded("expiry"),
  }),
  defineMutant({
    name: "delete-strands",
    fault: "Deletion wakes nobody.",
    killedBy: ["ttl/wakes"],
    mayAlso: ["scope/every-op", "scope/no-oracle"],
    ...stranded("deletion"),
  }),
  defineMutant({
    name: "delete-always-true",
    fault: "Deleting answers true whether or not there was a task.",
    killedBy: ["ttl/wakes"],
    mayAlso: ["scope/every-op", "ttl/gone", "bad/ids"],
    store: (store, { fired }) =>
      overStore(store, {
        methods: (inner) => ({
          deleteTask: async (taskId, options) => (await inner.deleteTask(taskId, options), fired(), true),
        }),
      }),
  }),
  defineMutant({
    name: "inputs-outlive",
    fault: "Inputs are kept by task id: a new task of the same id gets them.",
    killedBy: ["ttl/all-gone"],
    driver: (driver, { backend, notes, fired }) => ({
      ...driver,
      async write(write, options) {
        const answer = await driver.write(write, options);
        if (answer.kind === "written" && answer.row.inputs !== null) notes.set(write.taskId, answer.row.inputs);
        return answer;
      },
      async insert(insert, options) {
        const answer = await driver.insert(insert, options);
        const inputs = notes.get(insert.taskId);
        if (answer.kind !== "inserted" || inputs === undefined) return answer;
        fired();
        backend.patch(insert.taskId, () => ({ inputs, inputsId: "outlived" }));
        return { ...answer, row: { ...answer.row, inputs, inputsId: "outlived" } };
      },
    }),
  }),
  defineMutant({
    name: "outcome-outlives",
    fault: "Outcomes are kept by task id: a new task of the same id has one before it ends.",
    killedBy: ["ttl/all-gone"],
    store: (store, { notes, fired }) =>
      overStore(store, {
        methods: (inner) => ({
          async getOutcome(taskId, options) {
            const outcome = await inner.getOutcome(taskId, options);
            const text = notes.get(taskId);
            if (outcome !== undefined || text === undefined) return outcome;
            fired();
            return JSON.parse(text);
          },
        }),
        root: (inner) => ({
          async finishTask(taskId, outcome, options) {
            const task = await inner.finishTask(taskId, outcome, options);
            notes.set(taskId, JSON.stringify(outcome));
            return task;
          },
        }),
      }),
  }),
];
