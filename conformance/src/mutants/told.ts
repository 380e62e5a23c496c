import type { Task } from "@mcp-task-store/core";
import { isTerminal, TaskStoreError } from "@mcp-task-store/core";
import { defineMutant, type Mutant } from "./mutant.ts";
import { onCode, overStore } from "./over-store.ts";

/** What callers in all processes were shown of a task last. */
class LastSeen {
  readonly #notes: Map<string, string>;

  constructor(notes: Map<string, string>) {
    this.#notes = notes;
  }

  of(taskId: string): Task | undefined {
    const text = this.#notes.get(taskId);
    return text === undefined ? undefined : JSON.parse(text);
  }

  async noting(call: Promise<Task>): Promise<Task> {
    const task = await call;
    this.#notes.set(task.taskId, JSON.stringify(task));
    return task;
  }
}

function isAnswered(task: Task, key: string): boolean {
  return task.inputs[key]?.response !== undefined;
}

/** Stores that do everything right, and tell a caller in a race something else: only its history shows that. */
export const told: readonly Mutant[] = [
  defineMutant({
    name: "loser-stale",
    fault: "A finish that loses against one that is under way is shown the task as it was before.",
    killedBy: ["finish/one-winner"],
    mayAlso: ["cancel/race-finish", "durable/not-mine"],
    store(store, { notes, fired }) {
      const seen = new LastSeen(notes);
      return overStore(store, {
        methods: (inner) => ({ cancelTask: (taskId, options) => seen.noting(inner.cancelTask(taskId, options)) }),
        root: (inner) => ({
          createTask: (params, options) => seen.noting(inner.createTask(params, options)),
          finishTask(taskId, outcome, options) {
            const before = seen.of(taskId);
            const finishing = seen.noting(inner.finishTask(taskId, outcome, options));
            if (before === undefined || isTerminal(before.status)) return finishing;
            return onCode("TASK_TERMINAL", finishing, () => {
              fired();
              throw new TaskStoreError("TASK_TERMINAL", "It ended.", { task: before });
            });
          },
        }),
      });
    },
  }),
  defineMutant({
    name: "answer-shows-own",
    fault: "Of answers that cross each other, each shows the task with its own answers alone.",
    killedBy: ["inputs/race"],
    store(store, { notes, fired }) {
      const seen = new LastSeen(notes);
      return overStore(store, {
        methods: (inner) => ({
          async answerInputs(taskId, answers, options) {
            const before = seen.of(taskId);
            const now = await seen.noting(inner.answerInputs(taskId, answers, options));
            const own: ReadonlySet<string> = new Set(Object.keys(answers));
            const crossed = Object.keys(now.inputs).filter(
              (key) => before !== undefined && !own.has(key) && isAnswered(now, key) && !isAnswered(before, key),
            );
            if (before === undefined || crossed.length === 0) return now;
            fired();
            const open = crossed.flatMap((key) => (before.inputs[key] ? [[key, before.inputs[key]] as const] : []));
            return { ...now, status: before.status, inputs: { ...now.inputs, ...Object.fromEntries(open) } };
          },
        }),
        root: (inner) => ({
          requestInputs: (taskId, inputs, options) => seen.noting(inner.requestInputs(taskId, inputs, options)),
        }),
      });
    },
  }),
  defineMutant({
    name: "read-torn",
    fault: "A read takes status and outcome of a task that is being finished, and the revision from before.",
    killedBy: ["finish/atomic"],
    mayAlso: ["durable"],
    store(store, { notes, fired }) {
      const seen = new LastSeen(notes);
      return overStore(store, {
        methods: (inner) => ({
          async getTask(taskId, options) {
            const before = seen.of(taskId);
            const now = await inner.getTask(taskId, options);
            if (now?.status !== "completed" || before === undefined || isTerminal(before.status)) return now;
            fired();
            return { ...now, revision: before.revision };
          },
        }),
        root: (inner) => ({
          createTask: (params, options) => seen.noting(inner.createTask(params, options)),
          finishTask: (taskId, outcome, options) => seen.noting(inner.finishTask(taskId, outcome, options)),
        }),
      });
    },
  }),
];
