import type { Task, TaskStore } from "@mcp-task-store/core";
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { checkHistory, describeWitness, type History } from "../../src/history.ts";
import { mapTasks, overStore } from "../../src/mutants/over-store.ts";
import { ALL_TELLINGS, type HistoryOptions, randomHistory, scripts } from "./random-history.ts";

/** `HISTORY_SEED=7 vitest run history/legal` repeats a run; a failure prints its seed and the shortest script found. */
const seed = Number(process.env.HISTORY_SEED ?? Math.floor(Math.random() * 2 ** 31));
const seeds = fc.nat(2 ** 31 - 1);

/** Far more than any of these histories takes: what is undecided here is a flaw of the search. */
const maxSteps = 20_000;

/** What must have come up for a run to mean anything. */
const EVERYTHING = [
  "createTask returned",
  "createTask ALREADY_EXISTS",
  "getTask returned",
  "getTask nothing",
  "getOutcome returned",
  "getOutcome nothing",
  "getOutcome TASK_NOT_FOUND",
  "waitForUpdate returned",
  "updateTask returned",
  "updateTask TASK_TERMINAL",
  "updateTask LEASE_LOST",
  "updateTask WRITE_OUTCOME_UNKNOWN",
  "finishTask returned",
  "finishTask TASK_TERMINAL",
  "finishTask LEASE_LOST",
  "finishTask WRITE_OUTCOME_UNKNOWN",
  "cancelTask returned",
  "cancelTask TASK_TERMINAL",
  "cancelTask TASK_NOT_FOUND",
  "requestCancellation returned",
  "requestInputs returned",
  "requestInputs INPUT_KEY_REUSED",
  "requestInputs LEASE_LOST",
  "requestInputs TASK_TERMINAL",
  "answerInputs returned",
  "answerInputs TASK_NOT_FOUND",
  "answerInputs TASK_TERMINAL",
  "acquireLease returned",
  "acquireLease nothing",
  "renewLease returned",
  "renewLease LEASE_LOST",
  "releaseLease returned",
  "deleteTask returned",
  "push nothing",
] as const;

function endOf({ method, answer }: History["calls"][number]): string {
  if (answer === null) return `${method} pending`;
  if (answer.kind === "threw") return `${method} ${answer.code}`;
  return `${method} ${answer.value === undefined ? "nothing" : "returned"}`;
}

function expectLinearizable(history: History): void {
  const verdict = checkHistory(history, { maxSteps });
  if (verdict.linearizable === false) throw new Error(describeWitness(history, verdict.witness));
  expect(verdict.linearizable).toBe(true);
}

/** Where a create is sent again, and where the first one was deleted meanwhile, there are two: nobody can tell. */
const FAULTY = scripts({ clients: 3, tellings: ALL_TELLINGS, without: "recreate" });

it(`three clients on memory, with lost answers (HISTORY_SEED=${seed})`, { timeout: 240_000 }, async () => {
  const ends = new Set<string>();
  const played = async (options: HistoryOptions): Promise<void> => {
    const history = await randomHistory(options);
    for (const call of history.calls) ends.add(endOf(call));
    // A log comes from a file.
    expectLinearizable(JSON.parse(JSON.stringify(history)));
  };
  const faulty = fc.asyncProperty(FAULTY, seeds, fc.integer({ min: 1, max: 3 }), (script, order, maxFaults) =>
    played({ script, seed: order, maxFaults }),
  );
  const forgetful = fc.asyncProperty(scripts({ clients: 3, tellings: ALL_TELLINGS }), seeds, (script, order) =>
    played({ script, seed: order }),
  );
  const unseen = (): readonly string[] => EVERYTHING.filter((end) => !ends.has(end));
  // Further histories, not the same again, for what chance left out; all of them have to be explained.
  for (let batch = 0; batch < 5 && (batch === 0 || unseen().length > 0); batch += 1) {
    await fc.assert(faulty, { seed: seed + batch, numRuns: 250 });
    await fc.assert(forgetful, { seed: seed + batch, numRuns: 250 });
  }
  expect(unseen()).toEqual([]);
});

/** Shows what stands when its caller is answered, not what the write made. */
function readsAfterWriting(store: TaskStore): TaskStore {
  const later = async (task: Promise<Task>): Promise<Task> => {
    const written = await task;
    return (await store.getTask(written.taskId)) ?? written;
  };
  return overStore(store, {
    methods: (inner) => ({
      cancelTask: (taskId, options) => later(inner.cancelTask(taskId, options)),
      answerInputs: (taskId, answers, options) => later(inner.answerInputs(taskId, answers, options)),
    }),
    root: (inner) => ({
      updateTask: (taskId, change, options) => later(inner.updateTask(taskId, change, options)),
      requestInputs: (taskId, inputs, options) => later(inner.requestInputs(taskId, inputs, options)),
    }),
  });
}

const RIGHT_IN_ANOTHER_WAY: Readonly<Record<string, Pick<HistoryOptions, "around" | "driver">>> = {
  "that shows what stands a moment after the write": { around: readsAfterWriting },
  "whose revisions have gaps": {
    around: (store) => mapTasks(store, (task) => ({ ...task, revision: 3 * task.revision })),
  },
  "that deletes what is cancelled": {
    driver: (driver) => ({
      ...driver,
      async write(write, options) {
        const answer = await driver.write(write, options);
        const isNew = answer.kind === "written" && answer.row.status === "cancelled";
        if (isNew) await driver.remove({ taskId: write.taskId, notAfterUs: Number.MAX_SAFE_INTEGER });
        return answer;
      },
    }),
  },
};

it.each(Object.entries(RIGHT_IN_ANOTHER_WAY))(`a store %s (HISTORY_SEED=${seed})`, async (_name, layers) => {
  const property = fc.asyncProperty(scripts({ clients: 3 }), seeds, async (script, order) => {
    expectLinearizable(await randomHistory({ script, seed: order, ...layers }));
  });
  await fc.assert(property, { seed, numRuns: 150 });
});

it(`calls one after another, in just that order (HISTORY_SEED=${seed})`, async () => {
  const property = fc.asyncProperty(scripts({ clients: 1 }), async (script) => {
    const history = await randomHistory({ script, seed: 1 });
    const verdict = checkHistory(history);
    const inOrder = history.calls.flatMap(({ answer }, index) =>
      answer?.kind === "threw" && answer.code === "INVALID_ARGUMENT" ? [] : [index],
    );
    expect(verdict).toEqual({ linearizable: true, order: inOrder, steps: expect.any(Number) });
    // There is nothing to try.
    expect(verdict.steps).toBeLessThanOrEqual(2 * history.calls.length);
  });
  await fc.assert(property, { seed, numRuns: 150 });
});
