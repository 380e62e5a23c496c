import type { Task, TaskStore } from "@mcp-task-store/core";
import { isTerminal, TaskStoreError } from "@mcp-task-store/core";
import { defineMutant, type Layers, type Mutant, type Plot } from "./mutant.ts";
import { intercepting, rewriting } from "./over-driver.ts";
import { sharedBy } from "./over-messages.ts";
import { hang, type Methods, onCode, overStore } from "./over-store.ts";

type Wait = Methods["waitForUpdate"];

/** Another way to wait for an update, made once for each handle. */
function waiting(make: (plot: Plot, store: TaskStore) => (inner: Methods) => Wait): Pick<Layers, "store"> {
  return {
    store(store, plot) {
      const wait = make(plot, store);
      return overStore(store, { methods: (inner) => ({ waitForUpdate: wait(inner) }) });
    },
  };
}

/** The methods by which a process learns of its own changes. */
const WRITES = [
  "updateTask",
  "finishTask",
  "requestInputs",
  "acquireLease",
  "releaseLease",
  "cancelTask",
  "answerInputs",
] as const;

/** Calls back when this handle has written, never when another one has. */
function heardLocally(store: TaskStore, heard: (taskId: unknown) => void): TaskStore {
  return new Proxy(Object.assign({}, store), {
    get(target, key): unknown {
      const value: unknown = Reflect.get(target, key);
      if (typeof value !== "function" || !WRITES.some((name) => name === key)) return value;
      return async (...args: readonly unknown[]): Promise<unknown> => {
        const answer: unknown = await Reflect.apply(value, target, args);
        heard(args[0]);
        return answer;
      };
    },
  });
}

/** Those who wait for a write, whoever makes it. */
const listenersOf = sharedBy((): (() => void)[] => []);

export const wait: readonly Mutant[] = [
  defineMutant({
    name: "wait-local",
    fault: "Only changes of the own process wake.",
    killedBy: ["wait/peer"],
    mayAlso: [
      "cancel/signal-early",
      "wait",
      "inputs/open-only",
      "lease/orphan-fail",
      "ttl/wakes",
      "bad/numbers",
      "ids/reborn",
      "exec/inputs",
    ],
    store(store, { fired }) {
      const listeners = new Map<unknown, (() => void)[]>();
      const heard = heardLocally(store, (taskId) => {
        for (const listener of listeners.get(taskId) ?? []) listener();
        listeners.delete(taskId);
      });
      const local = (taskId: string): Promise<void> =>
        new Promise((resolve) => listeners.set(taskId, [...(listeners.get(taskId) ?? []), resolve]));
      return overStore(heard, {
        methods: (inner) => ({
          async waitForUpdate(taskId, options) {
            const until = options.timeoutMs === undefined ? Infinity : performance.now() + options.timeoutMs;
            for (;;) {
              const now = await inner.waitForUpdate(taskId, { ...options, timeoutMs: 0 });
              if (now !== undefined || performance.now() >= until) return now;
              fired();
              const left = until === Infinity ? undefined : Math.max(1, until - performance.now());
              await Promise.race([local(taskId), hang(options.signal, left)]);
            }
          },
        }),
      });
    },
  }),
  defineMutant({
    name: "wake-status-only",
    fault: "Only a new status wakes.",
    killedBy: ["wait/peer"],
    mayAlso: [
      "cancel/signal-early",
      "wait",
      "cancel/signal",
      "exec/keeps-terminal",
      "ids/reborn",
      "exec/inputs",
      "messages/wakes",
    ],
    ...waiting(({ fired }, store) => (inner) => async (taskId, options) => {
      const before = (await store.getTask(taskId))?.status;
      for (let since = options.since; ;) {
        const task = await inner.waitForUpdate(taskId, { ...options, since });
        if (task === undefined || task.status !== before || isTerminal(task.status)) return task;
        fired();
        since = task.revision;
      }
    }),
  }),
  defineMutant({
    name: "wait-future-only",
    fault: "A change between what the caller saw and the call does not count.",
    killedBy: ["wait/peer"],
    mayAlso: ["cancel/signal-early", "wait", "lifecycle/copies-out", "ids/reborn", "messages/wakes"],
    ...waiting(({ fired }, store) => (inner) => async (taskId, options) => {
      const revision = (await store.getTask(taskId))?.revision ?? options.since;
      if (revision !== options.since) fired();
      return inner.waitForUpdate(taskId, { ...options, since: revision });
    }),
  }),
  defineMutant({
    name: "since-greater",
    fault: "Only a higher revision wakes, not another one.",
    killedBy: ["wait/peer"],
    ...waiting(({ fired }, store) => (inner) => async (taskId, options) => {
      const task = await store.getTask(taskId);
      if (task === undefined || task.revision >= options.since || isTerminal(task.status))
        return inner.waitForUpdate(taskId, options);
      fired();
      return inner.waitForUpdate(taskId, { ...options, since: task.revision });
    }),
  }),
  defineMutant({
    name: "terminal-blocks",
    fault: "Waiting for an update of an ended task waits for ever.",
    killedBy: ["wait/peer"],
    ...waiting(({ fired }, store) => (inner) => async (taskId, options) => {
      const task = await store.getTask(taskId);
      if (task === undefined || task.revision !== options.since || !isTerminal(task.status))
        return inner.waitForUpdate(taskId, options);
      fired();
      return hang(options.signal, options.timeoutMs);
    }),
  }),
  defineMutant({
    name: "waiter-replaced",
    fault: "A process keeps one waiter for a task: a second one takes its place.",
    killedBy: ["wait/many"],
    mayAlso: ["wait/outage", "wait/abort"],
    ...waiting(({ fired }) => {
      const latest = new Map<string, symbol>();
      return (inner) => async (taskId, options) => {
        const me = Symbol(taskId);
        latest.set(taskId, me);
        const task = await inner.waitForUpdate(taskId, options);
        if (latest.get(taskId) === me) return task;
        fired();
        return hang(options.signal, options.timeoutMs);
      };
    }),
  }),
  defineMutant({
    name: "waiter-shift",
    fault: "A write wakes one waiter of a process, the one that has waited longest.",
    killedBy: ["wait/many"],
    mayAlso: ["wait", "exec/inputs"],
    ...waiting(({ fired }) => {
      const lines = new Map<string, symbol[]>();
      return (inner) => async (taskId, options) => {
        const me = Symbol(taskId);
        const line = lines.get(taskId) ?? [];
        lines.set(taskId, line);
        line.push(me);
        try {
          for (let since = options.since; ;) {
            const task = await inner.waitForUpdate(taskId, { ...options, since });
            if (task === undefined || line[0] === me || isTerminal(task.status)) return task;
            fired();
            since = task.revision;
          }
        } finally {
          // Not in the turn of this write: it was this one's.
          setImmediate(() => line.splice(line.indexOf(me), 1));
        }
      };
    }),
  }),
  defineMutant({
    name: "wait-stale-copy",
    fault: "A waiter is handed the copy that the wait before it got.",
    killedBy: ["wait/fresh"],
    mayAlso: ["wait/outage"],
    ...waiting(({ fired }) => {
      const copies = new Map<string, Task>();
      return (inner) => async (taskId, options) => {
        const task = await inner.waitForUpdate(taskId, options);
        if (task === undefined || isTerminal(task.status)) return task;
        const stale = copies.get(taskId);
        copies.set(taskId, task);
        if (stale === undefined) return task;
        fired();
        return stale;
      };
    }),
  }),
  defineMutant({
    name: "wait-overflow",
    fault: "A time-out of more than 2^31 ms is over at once.",
    killedBy: ["wait/timeout"],
    mayAlso: ["bad/numbers"],
    ...waiting(({ fired }) => (inner) => async (taskId, options) => {
      if (options.timeoutMs === undefined || options.timeoutMs < 2 ** 31) return inner.waitForUpdate(taskId, options);
      fired();
      return inner.waitForUpdate(taskId, { ...options, timeoutMs: 1 });
    }),
  }),
  defineMutant({
    name: "timeout-as-change",
    fault: "At its time-out a wait gives the task as if it had changed.",
    killedBy: ["wait/timeout"],
    ...waiting(({ fired }) => (inner) => async (taskId, options) => {
      const task = await inner.waitForUpdate(taskId, options);
      if (task !== undefined) return task;
      fired();
      return inner.getTask(taskId);
    }),
  }),
  defineMutant({
    name: "wait-ghost",
    fault: "Waiting for an id that never was waits for ever.",
    killedBy: ["wait/timeout"],
    mayAlso: ["scope/every-op", "scope/no-oracle", "ttl/gone", "ttl/wakes", "bad/ids"],
    ...waiting(
      ({ fired }) =>
        (inner) =>
        (taskId, options) =>
          onCode("TASK_NOT_FOUND", inner.waitForUpdate(taskId, options), () => {
            fired();
            return hang(options.signal, options.timeoutMs);
          }),
    ),
  }),
  defineMutant({
    name: "preaborted-hangs",
    fault: "A signal that has fired before the call is not seen.",
    killedBy: ["wait/abort"],
    mayAlso: ["bad/typed"],
    ...waiting(({ fired }) => (inner) => (taskId, options) => {
      if (options.signal?.aborted !== true) return inner.waitForUpdate(taskId, options);
      fired();
      return hang();
    }),
  }),
  defineMutant({
    name: "abort-all",
    fault: "An abort ends every wait of the process.",
    killedBy: ["wait/abort"],
    mayAlso: ["ids", "lifecycle", "cancel", "exec", "ttl", "wait", "watch", "lease", "inputs", "close"],
    ...waiting(({ fired }) => {
      let all = new AbortController();
      return (inner) => async (taskId, options) => {
        const abort = (): void => {
          fired();
          all.abort();
          all = new AbortController();
        };
        if (options.signal?.aborted === true) throw new TaskStoreError("ABORTED", "The signal has fired.");
        options.signal?.addEventListener("abort", abort, { once: true });
        return inner.waitForUpdate(taskId, { ...options, signal: all.signal });
      };
    }),
  }),
  defineMutant({
    name: "wake-heartbeat",
    fault: "A heartbeat is a change.",
    killedBy: ["wait/quiet"],
    mayAlso: ["cancel/race-update", "lease/exclusive"],
    driver: (driver, { fired }) =>
      rewriting(driver, (write, kind) => {
        if (kind !== "renew") return write;
        fired();
        const { quiet: _quiet, ...loud } = write;
        return loud;
      }),
  }),
  defineMutant({
    name: "wake-crosstalk",
    fault: "A change of any task wakes whoever waits.",
    killedBy: ["wait/quiet"],
    mayAlso: [
      "wait",
      "watch",
      "cancel",
      "exec",
      "ids",
      "ttl",
      "inputs",
      "lease",
      "messages",
      "lifecycle",
      "scope",
      "close",
    ],
    driver: (driver, { backend }) =>
      intercepting(driver, async (write, _kind, send) => {
        const answer = await send(write);
        for (const listener of listenersOf(backend).splice(0)) listener();
        return answer;
      }),
    ...waiting(({ backend, fired }) => (inner) => async (taskId, options) => {
      if (options.timeoutMs !== undefined) return inner.waitForUpdate(taskId, options);
      const woken = new Promise<void>((resolve) => listenersOf(backend).push(resolve));
      const changed = inner.waitForUpdate(taskId, options);
      const first = await Promise.race([changed, woken]);
      if (first !== undefined) return first;
      fired();
      changed.catch(() => undefined);
      return inner.getTask(taskId);
    }),
  }),
  defineMutant({
    name: "poll-only",
    fault: "Hints are not listened to.",
    killedBy: ["wait/hint-and-poll"],
    mayAlso: ["wait/gap"],
    driver: (driver, { fired }) => ({
      ...driver,
      hints: {
        publish: async () => undefined,
        async subscribe() {
          fired();
          return async () => undefined;
        },
      },
    }),
  }),
];
