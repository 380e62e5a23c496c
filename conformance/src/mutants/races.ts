import type { ReadAnswer } from "@mcp-task-store/core";
import { isTerminal, taskExecution, TaskStoreError } from "@mcp-task-store/core";
import { isVisible } from "@mcp-task-store/core/transitions";
import { defineMutant, type Mutant } from "./mutant.ts";
import { eachAlternative, intercepting, unguarded, type WriteKind } from "./over-driver.ts";
import { onCode, overStore } from "./over-store.ts";

function revives(name: string, reviving: WriteKind, fault: string): Mutant {
  return defineMutant({
    name,
    fault,
    killedBy: ["cancel/race-update"],
    mayAlso: ["cancel/not-starved", "lifecycle/terminal-final", "lease", "exec"],
    driver: (driver, { backend, fired }) =>
      intercepting(driver, async (write, kind, send) => {
        if (kind !== reviving) return send(write);
        const { rows } = await driver.read([write.taskId]);
        const [row] = rows;
        if (row === undefined || isTerminal(row.status)) return send(write);
        const wanted = write.alternatives[0]?.when.lease;
        const leased = typeof wanted === "object" && "token" in wanted;
        if (leased && row.lease?.token !== wanted.token) return send(write);
        if (isTerminal(backend.rows.get(write.taskId)?.status ?? "working")) fired();
        const { status, inputs } = row;
        const whole = eachAlternative(write, ({ when, then }) => ({
          when,
          then: { ...then, set: { status, inputs, ...then.set } },
        }));
        return send(leased ? unguarded(whole, "open", "lease") : unguarded(whole, "open"));
      }),
  });
}

/** Faults that show only in one order of steps. */
export const races: readonly Mutant[] = [
  revives("update-revives", "report", "A report writes back the whole task as it read it."),
  revives("renew-revives", "renew", "A renewal writes back the whole task as it read it."),
  defineMutant({
    name: "signal-armed-late",
    fault:
      "The watch of a run begins with the state in which it finds the task, not with the one that it was taken at.",
    killedBy: ["cancel/signal-early"],
    execute: (fired) => (store, taskId, handler, options) => {
      const late = overStore(store, {
        methods: (inner) => ({
          async waitForUpdate(id, wait) {
            const now = await inner.getTask(id);
            if (now !== undefined && now.revision !== wait.since) fired();
            return inner.waitForUpdate(id, { ...wait, since: now?.revision ?? wait.since });
          },
        }),
      });
      return taskExecution(late, taskId, handler, options);
    },
  }),
  defineMutant({
    name: "exec-writes-after-loss",
    fault: "A handler that throws fails its task, whoever holds it by then.",
    killedBy: ["exec/lost-lease"],
    mayAlso: ["exec", "lease/handed-on", "exec/keeps-terminal"],
    execute: (fired) => (store, taskId, handler, options) =>
      taskExecution(
        store,
        taskId,
        async (context) => {
          try {
            return await handler(context);
          } catch (error) {
            const now = await store.getTask(taskId);
            if (now === undefined || isTerminal(now.status)) throw error;
            if (now.attempts > 1) fired();
            const message = error instanceof Error ? error.message : "thrown";
            await store.finishTask(taskId, { status: "failed", error: { code: -32603, message } }, { force: true });
            throw error;
          }
        },
        options,
      ),
  }),
  defineMutant({
    name: "purge-by-id",
    fault: "Maintenance selects expired tasks, and then deletes what has their ids.",
    killedBy: ["ttl/maintain-race"],
    mayAlso: ["ids/reborn"],
    driver: (driver, { backend, fired }) => ({
      ...driver,
      async due(limit, holdMs, options) {
        const answer = await driver.due(limit, holdMs, options);
        if (answer.purged.length === 0) return answer;
        await driver.read([]);
        for (const taskId of answer.purged) {
          const row = backend.rows.get(taskId);
          if (row !== undefined && isVisible(row, backend.nowUs())) fired();
          backend.rows.delete(taskId);
        }
        return answer;
      },
    }),
  }),
  defineMutant({
    name: "recover-by-id",
    fault: "Maintenance fails the tasks that it found without a look at who holds them by then.",
    killedBy: ["ttl/maintain-race"],
    driver: (driver, { backend, fired }) =>
      intercepting(driver, async (write, kind, send) => {
        if (kind !== "recover") return send(write);
        const lease = backend.rows.get(write.taskId)?.lease ?? null;
        if (lease !== null && lease.expiresAt > backend.nowMs()) fired();
        return send(unguarded(write, "lease", "runOver"));
      }),
  }),
  defineMutant({
    name: "wake-between",
    fault: "A wait looks, and then waits for what comes after a second look.",
    killedBy: ["wait/gap"],
    mayAlso: ["exec/keeps-terminal", "messages/wakes", "cancel/signal", "wait", "cancel/signal-early"],
    store: (store, { fired }) =>
      overStore(store, {
        methods: (inner) => ({
          async waitForUpdate(taskId, options) {
            const first = await inner.getTask(taskId);
            if (first === undefined || first.revision !== options.since) return inner.waitForUpdate(taskId, options);
            const second = await inner.getTask(taskId);
            if (second !== undefined && second.revision !== first.revision) fired();
            return inner.waitForUpdate(taskId, { ...options, since: second?.revision ?? options.since });
          },
        }),
      }),
  }),
  defineMutant({
    name: "wake-old-read",
    fault: "A read joins one of the same task that is under way, whenever that was sent.",
    killedBy: ["wait/gap"],
    mayAlso: ["wait", "cancel/signal-early", "lifecycle/read-your-writes"],
    driver(driver, { fired }) {
      const underWay = new Map<string, Promise<ReadAnswer>>();
      return {
        ...driver,
        read(taskIds, options) {
          const key = JSON.stringify([taskIds, options?.request, options?.outcome]);
          const known = underWay.get(key);
          if (known !== undefined && taskIds.length > 0) {
            fired();
            return known;
          }
          const reading = driver.read(taskIds, options).finally(() => underWay.delete(key));
          underWay.set(key, reading);
          return reading;
        },
      };
    },
  }),
  defineMutant({
    name: "waiter-dies",
    fault: "A wait ends with the first read that fails, however often it has seen its task.",
    killedBy: ["wait/outage"],
    // On a busy machine a look may take too long for it in any wait.
    mayAlso: ["wait", "bad/numbers", "durable"],
    store: (store, { fired }) =>
      overStore(store, {
        methods: (inner) => ({
          async waitForUpdate(taskId, options) {
            for (let waitedMs = 0; ; waitedMs += STEP_MS) {
              const leftMs = (options.timeoutMs ?? Infinity) - waitedMs;
              // A first look that an outage holds up goes on after it: that is what this wait does not do.
              const late = AbortSignal.timeout(2 * STEP_MS);
              const signal = options.signal === undefined ? late : AbortSignal.any([options.signal, late]);
              const timeoutMs = Math.max(0, Math.min(STEP_MS, leftMs));
              const step = inner.waitForUpdate(taskId, { ...options, signal, timeoutMs });
              const task = await onCode("ABORTED", step, () => (options.signal?.aborted === true ? step : undefined));
              if (task !== undefined || leftMs <= STEP_MS) return task;
              await onCode<unknown>("STORE_UNAVAILABLE", inner.getTask(taskId, { timeoutMs: 100 }), (error) => {
                fired();
                throw new TaskStoreError("STORE_UNAVAILABLE", "The wait lost its backend.", { cause: error });
              });
            }
          },
        }),
      }),
  }),
  defineMutant({
    name: "hint-only",
    fault: "A wait looks again on hints only, and a lost connection hints at nothing.",
    killedBy: ["wait/outage"],
    mayAlso: ["wait", "cancel/signal-early"],
    settings: (settings) => ({ ...settings, safetyPollMs: 600_000 }),
    store: (store) => ({ ...store, capabilities: { ...store.capabilities, safetyPollMs: 500 } }),
    driver(driver, { fired }) {
      const { hints } = driver;
      if (hints === undefined) return driver;
      return {
        ...driver,
        hints: {
          publish: (taskIds) => hints.publish(taskIds),
          subscribe: (listener) => hints.subscribe({ onHint: (taskIds) => listener.onHint(taskIds), onGap: fired }),
        },
      };
    },
  }),
];

/** How long `waiter-dies` waits before it reads by itself, ms. */
const STEP_MS = 100;
