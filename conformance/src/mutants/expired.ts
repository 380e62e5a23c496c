import type { Task } from "@mcp-task-store/core";
import { isVisible } from "@mcp-task-store/core/transitions";
import { overMessages } from "./over-messages.ts";
import { defineMutant, type Layers, type Mutant } from "./mutant.ts";
import { intercepting, type WriteKind } from "./over-driver.ts";
import { type Methods, onCode, overStore } from "./over-store.ts";

/** The task of an expired row, as a store that forgot to look at the clock would show it. */
type Ghost = (taskId: string) => Task | undefined;

/** Which methods forget the clock, by the rule catalogue's name for each. */
const FORGETFUL: Readonly<Record<string, (inner: Methods, ghost: Ghost) => Partial<Methods>>> = {
  get: (inner, ghost) => ({
    getTask: async (taskId, options) => (await inner.getTask(taskId, options)) ?? ghost(taskId),
  }),
  cancel: (inner, ghost) => ({
    cancelTask: (taskId, options) =>
      onCode("TASK_NOT_FOUND", inner.cancelTask(taskId, options), () => ghost(taskId) ?? inner.cancelTask(taskId)),
  }),
  delete: (inner, ghost) => ({
    deleteTask: async (taskId, options) => (await inner.deleteTask(taskId, options)) || ghost(taskId) !== undefined,
  }),
  answer: (inner, ghost) => ({
    answerInputs: (taskId, answers, options) =>
      onCode("TASK_NOT_FOUND", inner.answerInputs(taskId, answers, options), () => {
        return ghost(taskId) ?? inner.answerInputs(taskId, answers);
      }),
  }),
  list: (inner, ghost) => ({
    async listTasks(query, options) {
      const page = await inner.listTasks(query, options);
      const expired = ghost("");
      return expired === undefined ? page : { ...page, tasks: [...page.tasks, expired] };
    },
  }),
};

/** Remembers owned tasks; gives one back once its row is expired and nobody deleted it. */
function withGhosts(change: (inner: Methods, ghost: Ghost) => Partial<Methods>): Pick<Layers, "store"> {
  return {
    store(store, { backend, fired }) {
      const known = new Map<string, Task>();
      const ghostFor =
        (principal: string | null | undefined): Ghost =>
        (taskId) => {
          const found = [...known.values()].find((task) => {
            const row = backend.rows.get(task.taskId);
            const mine = principal === undefined ? task.principal !== null : task.principal === principal;
            const asked = taskId === "" || taskId === task.taskId;
            return asked && mine && row !== undefined && !isVisible(row, backend.nowUs());
          });
          if (found !== undefined) fired();
          return found;
        };
      return overStore(store, {
        methods: (inner, principal) => change(inner, ghostFor(principal)),
        root: (inner) => ({
          async createTask(params, options) {
            const task = await inner.createTask(params, options);
            known.set(task.taskId, task);
            return task;
          },
        }),
      });
    },
  };
}

const operations: readonly Mutant[] = Object.entries(FORGETFUL).map(([operation, change]) =>
  defineMutant({
    name: `expired-${operation}`,
    fault: `${operation} does not look whether the ttl is over.`,
    killedBy: ["ttl/gone"],
    mayAlso: ["ttl/no-return", "ttl/restart-once"],
    ...withGhosts(change),
  }),
);

/** Writes of these kinds find an expired row all the same. */
function writesExpired(...kinds: readonly WriteKind[]): Pick<Layers, "driver"> {
  return {
    driver: (driver, { backend, fired }) =>
      intercepting(driver, async (write, kind, send) => {
        const row = backend.rows.get(write.taskId);
        if (kinds.includes(kind) && row !== undefined && !isVisible(row, backend.nowUs())) {
          fired();
          backend.patch(write.taskId, () => ({ expiresAt: backend.nowMs() + 10_000 }));
        }
        return send(write);
      }),
  };
}

export const expired: readonly Mutant[] = [
  ...operations,
  defineMutant({
    name: "expired-finish",
    fault: "A finish does not look whether the ttl is over.",
    killedBy: ["ttl/gone"],
    mayAlso: ["ttl/no-return"],
    ...writesExpired("finish"),
  }),
  defineMutant({
    name: "expired-lease",
    fault: "A lease is given after the ttl.",
    killedBy: ["ttl/gone"],
    mayAlso: ["ttl/no-return"],
    ...writesExpired("acquire"),
  }),
  defineMutant({
    name: "expired-push",
    fault: "A push does not look whether the ttl is over.",
    killedBy: ["ttl/gone"],
    mayAlso: ["messages/own"],
    driver: (driver, { backend, fired }) => ({
      ...driver,
      messages: overMessages(driver, {
        async push(push, send) {
          const row = backend.rows.get(push.taskId);
          if (row !== undefined && !isVisible(row, backend.nowUs())) {
            fired();
            backend.patch(push.taskId, () => ({ expiresAt: backend.nowMs() + 10_000 }));
          }
          return send(push);
        },
      }),
    }),
  }),
];
