/** The kit's own store with the fault that the variable FAULT names: each harms the process that it runs in. */
import { setImmediate } from "node:timers/promises";
import type { TaskStore } from "@mcp-task-store/core";
import { referenceStore, storeTarget, type Target } from "../../src/targets.ts";

const never = (): Promise<never> => new Promise(() => undefined);

const FAULTS: Readonly<Record<string, (store: TaskStore) => Partial<TaskStore>>> = {
  none: () => ({}),
  exits: () => ({ deleteTask: () => process.exit(7) }),
  "always-exits": () => ({ getTask: () => process.exit(0) }),
  "cancel-exits": () => ({ cancelTask: () => process.exit(5) }),
  "throws-untouchable": () => ({
    deleteTask: async () => {
      throw untouchable();
    },
  }),
  loops: () => ({
    deleteTask() {
      for (;;);
    },
  }),
  throws: () => ({
    deleteTask() {
      queueMicrotask(() => {
        throw new TypeError("nobody catches this");
      });
      return never();
    },
  }),
  rejects: () => ({
    deleteTask() {
      void Promise.reject(new TypeError("nobody handles this"));
      return never();
    },
  }),
  "exits-beside-others": (store) => ({
    async createTask(params, options) {
      // A principal of the kit starts with the id of the rule.
      const [rule = ""] = (params?.principal ?? "").split(" ");
      if (rule.includes("/")) creating.push(rule);
      await setImmediate();
      if (new Set(creating).size > 1) process.exit(9);
      creating.splice(0, 1);
      return store.createTask(params, options);
    },
  }),
  "cancels-in-silence": (store) => ({
    async cancelTask(taskId, options) {
      const task = await store.getTask(taskId, options);
      return task?.status === "completed" ? task : store.cancelTask(taskId, options);
    },
  }),
};

/** Rules of the creates that are under way. */
const creating: string[] = [];

const fault = process.env["FAULT"] ?? "none";
if (fault === "no-open") storeTarget(JSON.parse('{ "name": "closed" }'));
if (fault === "not-loaded") throw new Error("no server listens");
if (fault === "never-loaded") await never();
if (fault === "loops-at-load") for (;;);
if (fault === "deaf") process.removeAllListeners("message");
if (fault === "talks-nonsense") {
  for (const nonsense of [null, "x", {}, { type: "ended" }, { type: "ended", report: null }, { type: "calibrated" }])
    process.send?.(nonsense);
}

/** An error that does not let itself be looked at. */
function untouchable(): Error {
  return Object.defineProperty(new Error(), "message", {
    get() {
      throw new TypeError("nobody reads this");
    },
  });
}

export const target: Target = {
  ...storeTarget({
    name: "hurt",
    ...(fault === "pins-the-future" ? { ruleset: "99.0" } : {}),
    ...(fault === "no-lanes" ? { concurrency: 0 } : {}),
    ...(fault === "claims-nonsense" ? { claims: JSON.parse('"P1"') } : {}),
    open(namespaceId, settings) {
      const store = referenceStore(namespaceId, settings);
      return { ...store, ...FAULTS[fault]?.(store) };
    },
  }),
  ...(fault === "stays" ? { close: never } : {}),
  ...(fault === "does-not-close" ? { close: () => Promise.reject(new Error("the server is stuck")) } : {}),
};
