import { expiryAfter } from "./expiry-after.ts";
import { defineMutant, type Mutant } from "./mutant.ts";
import { changeWithout, changing, eachAlternative, intercepting, rewriting } from "./over-driver.ts";
import { mapTasks, overStore } from "./over-store.ts";

/** By how much a task outlives the expiry that it shows. */
const LATE_MS = 60;

export const ttlMoved: readonly Mutant[] = [
  defineMutant({
    name: "renew-keeps-expiry",
    fault: "The task's expiry is raised when it is taken, and by no heartbeat.",
    killedBy: ["ttl/lease-raises"],
    ...expiryAfter(["renew"], (_row, before) => before.expiresAt),
  }),
  defineMutant({
    name: "release-keeps-expiry",
    fault: "A release leaves the expiry to which the lease has raised it.",
    killedBy: ["ttl/given-back"],
    driver: (driver, { fired }) =>
      changing(driver, "release", fired, (then) =>
        then.set?.status === undefined ? changeWithout(then, "ttl") : then,
      ),
  }),
  defineMutant({
    name: "ttl-later-unaged",
    fault: "A ttl that a report gives is stated as if it counted from creation.",
    killedBy: ["ttl/later"],
    driver: (driver, { backend, fired }) =>
      intercepting(driver, async (write, kind, send) => {
        const answer = await send(write);
        const ttlMs = write.alternatives[0]?.then.set?.ttlMs;
        if (kind !== "report" || answer.kind !== "written" || typeof ttlMs !== "number") return answer;
        fired();
        backend.patch(write.taskId, () => ({ ttlMs }));
        return { ...answer, row: { ...answer.row, ttlMs } };
      }),
  }),
  defineMutant({
    name: "ttl-later-stated",
    fault: "A ttl that a report gives is stated, and the task expires as before.",
    killedBy: ["ttl/later"],
    mayAlso: ["ttl/later-capped", "ttl/all-gone", "list/cursor-task-gone"],
    driver: (driver, { fired }) =>
      rewriting(driver, (write, kind) => {
        if (kind !== "report" || write.alternatives.every(({ then }) => then.ttl === undefined)) return write;
        fired();
        return eachAlternative(write, ({ when, then }) => ({ when, then: changeWithout(then, "ttl") }));
      }),
  }),
  defineMutant({
    name: "ttl-null-kept",
    fault: "A report that takes the ttl away leaves it.",
    killedBy: ["ttl/later"],
    store: (store, { fired }) =>
      overStore(store, {
        root: (inner) => ({
          async updateTask(taskId, change, options) {
            if (change.ttlMs !== null) return inner.updateTask(taskId, change, options);
            fired();
            const { ttlMs: _, ...rest } = change;
            return inner.updateTask(taskId, rest, options);
          },
        }),
      }),
  }),
  defineMutant({
    name: "ttl-later-uncapped",
    fault: "The longest ttl of a store binds who creates, not who reports.",
    killedBy: ["ttl/later-capped"],
    store: (store, { backend, fired }) =>
      overStore(store, {
        root: (inner) => ({
          async updateTask(taskId, change, options) {
            const task = await inner.updateTask(taskId, change, options);
            const { ttlMs } = change;
            if (ttlMs === undefined || task.ttlMs === null || (ttlMs !== null && ttlMs <= task.ttlMs)) return task;
            fired();
            backend.patch(taskId, () => ({ ttlMs, expiresAt: ttlMs === null ? null : backend.nowMs() + ttlMs }));
            return (await inner.getTask(taskId)) ?? task;
          },
        }),
      }),
  }),
  defineMutant({
    name: "writes-past-expiry",
    fault: `A task is there for ${LATE_MS} ms more than it shows.`,
    killedBy: ["ttl/last-write"],
    driver: (driver, { fired }) => ({
      ...driver,
      insert(insert, options) {
        if (insert.ttlMs === null) return driver.insert(insert, options);
        fired();
        return driver.insert({ ...insert, ttlMs: insert.ttlMs + LATE_MS }, options);
      },
    }),
    store: (store) =>
      mapTasks(store, (task) => {
        const { ttlMs, expiresAt } = task;
        if (ttlMs === null || expiresAt === null) return task;
        return {
          ...task,
          ttlMs: ttlMs - LATE_MS,
          expiresAt: new Date(Date.parse(expiresAt) - LATE_MS).toISOString(),
        };
      }),
  }),
];
