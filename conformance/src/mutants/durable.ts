import { generateTaskId, isTaskStoreError, type Task, type TaskStore, TaskStoreError } from "@mcp-task-store/core";
import { defineMutant, type Mutant } from "./mutant.ts";
import { intercepting, kindOf, type WriteKind } from "./over-driver.ts";
import { overMessages } from "./over-messages.ts";
import { hang, onCode, overStore } from "./over-store.ts";

/** Repeats of these commands under ids of their own: what landed before is not known again. */
function forgetful(name: string, fault: string, kinds: readonly WriteKind[]): Mutant {
  return defineMutant({
    name,
    fault,
    killedBy: ["durable/own-win"],
    // A write is also sent again when what was known of its row was too old.
    mayAlso: ["durable", "lease"],
    driver(driver, { fired }) {
      const sent = new Set<string>();
      return {
        ...driver,
        write(write, options) {
          if (!kinds.includes(kindOf(write)) || !sent.has(write.writeId)) {
            sent.add(write.writeId);
            return driver.write(write, options);
          }
          fired();
          const { sinceRevision: _revision, createId: _createId, bornByUs: _bornByUs, ...rest } = write;
          return driver.write({ ...rest, writeId: generateTaskId() }, options);
        },
      };
    },
  });
}

/** What finishing says when the outcome of the write is unknown. */
function toldOtherwise(
  name: string,
  fault: string,
  tell: (
    store: TaskStore,
    taskId: string,
    signal: AbortSignal | undefined,
    error: unknown,
  ) => Promise<TaskStoreError | undefined>,
): Mutant {
  return defineMutant({
    name,
    fault,
    killedBy: ["durable/unknown"],
    mayAlso: ["durable"],
    store: (store, { fired }) =>
      overStore(store, {
        root: (inner) => ({
          finishTask: (taskId, outcome, options) =>
            onCode(
              "WRITE_OUTCOME_UNKNOWN",
              inner.finishTask(taskId, outcome, options),
              async (error): Promise<Task> => {
                const told = await tell(store, taskId, options?.signal, error);
                if (told === undefined) throw asError(error);
                fired();
                throw told;
              },
            ),
        }),
      }),
  });
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error("no error", { cause: error });
}

export const durable: readonly Mutant[] = [
  forgetful("ambiguous-lost", "A finish whose answer was lost is refused, since the task has ended: by that finish.", [
    "finish",
    "cancel",
  ]),
  forgetful("retry-twice", "A report or an acquire whose answer was lost is sent anew.", ["report", "acquire"]),
  defineMutant({
    name: "ring-of-one",
    fault: "Only the last write of a task is remembered.",
    killedBy: ["durable/own-win"],
    mayAlso: ["durable"],
    driver(driver, { backend, fired }) {
      const sent = new Set<string>();
      return intercepting(driver, async (write, _kind, send) => {
        backend.patch(write.taskId, ({ ring }) => ({ ring: ring.slice(-1) }));
        const known = backend.rows.get(write.taskId)?.ring.some(({ writeId }) => writeId === write.writeId) === true;
        if (sent.has(write.writeId) && !known) fired();
        sent.add(write.writeId);
        return send(write);
      });
    },
  }),
  defineMutant({
    name: "create-retry-exists",
    fault: "A create whose answer was lost finds its own task, and takes it for another's.",
    killedBy: ["durable/own-win"],
    mayAlso: ["durable", "ids/idempotent"],
    driver(driver, { fired }) {
      const sent = new Set<string>();
      return {
        ...driver,
        insert(insert, options) {
          if (!sent.has(insert.createId)) {
            sent.add(insert.createId);
            return driver.insert(insert, options);
          }
          fired();
          return driver.insert({ ...insert, createId: generateTaskId() }, options);
        },
      };
    },
  }),
  defineMutant({
    name: "push-twice",
    fault: "A push whose answer was lost is a second message.",
    killedBy: ["durable/own-win"],
    mayAlso: ["durable"],
    driver(driver, { fired }) {
      let lost = false;
      return {
        ...driver,
        messages: overMessages(driver, {
          async push(push, send) {
            const again = lost;
            lost = false;
            if (again) fired();
            try {
              return await send(again ? { ...push, message: { ...push.message, messageId: generateTaskId() } } : push);
            } catch (error) {
              lost = isTaskStoreError(error, "WRITE_OUTCOME_UNKNOWN");
              throw error;
            }
          },
        }),
      };
    },
  }),
  toldOtherwise(
    "unknown-as-failed",
    "A finish of unknown outcome is called unavailable, as if nothing had been written.",
    async () => new TaskStoreError("STORE_UNAVAILABLE", "The backend is away."),
  ),
  toldOtherwise(
    "unknown-as-gone",
    "A finish of unknown outcome is called not found, when there is no task any more.",
    async (store, taskId, signal) => {
      if (signal?.aborted === true) return undefined;
      const task = await store.getTask(taskId, { timeoutMs: 1_000 }).catch(() => "away");
      return task === undefined ? new TaskStoreError("TASK_NOT_FOUND", "Task not found.") : undefined;
    },
  ),
  toldOtherwise(
    "abort-as-failed",
    "A finish that is given up on its way is called aborted, as if nothing had been written.",
    async (_store, _taskId, signal) =>
      signal?.aborted === true ? new TaskStoreError("ABORTED", "The call was aborted.") : undefined,
  ),
  defineMutant({
    name: "ambiguous-ok",
    fault: "A finish whose answer was lost is taken for done.",
    killedBy: ["durable/not-mine"],
    mayAlso: ["durable"],
    driver: (driver, { fired }) =>
      intercepting(driver, async (write, kind, send) => {
        if (kind !== "finish") return send(write);
        return onCode("WRITE_OUTCOME_UNKNOWN", send(write), async () => {
          const { rows, nowUs } = await driver.read([write.taskId]);
          const [row] = rows;
          if (row === undefined) return { kind: "gone" };
          fired();
          return { kind: "written", row, nowUs };
        });
      }),
  }),
  defineMutant({
    name: "outage-not-found",
    fault: "While the backend is away there are no tasks.",
    killedBy: ["durable/outage"],
    mayAlso: ["durable"],
    store: (store, { fired }) =>
      overStore(store, {
        methods: (inner) => ({
          getTask: (taskId, options) =>
            onCode<Task | undefined>("STORE_UNAVAILABLE", inner.getTask(taskId, options), () => (fired(), undefined)),
        }),
      }),
  }),
  defineMutant({
    name: "outage-hangs",
    fault: "A read waits until the backend is back.",
    killedBy: ["durable/outage"],
    mayAlso: ["durable"],
    store: (store, { fired }) =>
      overStore(store, {
        methods: (inner) => ({
          getOutcome: (taskId, options) =>
            onCode(
              "STORE_UNAVAILABLE",
              inner.getOutcome(taskId, options),
              () => (fired(), hang().then(() => undefined)),
            ),
        }),
      }),
  }),
];
