import { isTerminal, type Task } from "@mcp-task-store/core";
import * as fc from "fast-check";
import { expect, it } from "vitest";
import {
  type CallAnswer,
  checkHistory,
  describeWitness,
  type History,
  type HistoryCall,
  type HistoryWitness,
} from "../../src/history.ts";
import { SeededRandom } from "../../src/seeded-random.ts";
import { randomHistory, scripts } from "./random-history.ts";

/** `HISTORY_SEED=7 vitest run history/wrong` repeats a run. */
const seed = Number(process.env.HISTORY_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** One answer of a history that is replaced by one that cannot be. */
interface Lie {
  readonly at: number;
  readonly answer: CallAnswer;
}

type Liar = (history: History) => readonly Lie[];

function isTask(value: unknown): value is Task {
  return typeof value === "object" && value !== null && "taskId" in value && "status" in value;
}

/** The task that a call returned. */
function taskOf({ answer }: HistoryCall): Task | undefined {
  return answer?.kind === "returned" && isTask(answer.value) ? answer.value : undefined;
}

function precedes(first: HistoryCall, then: HistoryCall): boolean {
  return first.end !== null && first.end < then.start;
}

/** A lie about each call for which there is one. */
function about(lie: (call: HistoryCall, history: History) => CallAnswer | undefined): Liar {
  return (history) =>
    history.calls.flatMap((call, at) => {
      const answer = lie(call, history);
      return answer === undefined ? [] : [{ at, answer }];
    });
}

/** A lie about each read of the task. */
function aboutReads(lie: (task: Task, call: HistoryCall, history: History) => object | undefined): Liar {
  return about((call, history) => {
    const task = taskOf(call);
    const value = call.method === "getTask" && task !== undefined ? lie(task, call, history) : undefined;
    return value && { kind: "returned", value };
  });
}

function refusalOf({ method, answer }: HistoryCall): Task | undefined {
  const ends = method === "finishTask" || method === "cancelTask";
  const isRefusal = ends && answer?.kind === "threw" && answer.code === "TASK_TERMINAL";
  return isRefusal && isTask(answer.task) ? answer.task : undefined;
}

/** Not: requestCancellation, which succeeds whoever ended the task. */
function isWinner(call: HistoryCall): boolean {
  return (call.method === "finishTask" || call.method === "cancelTask") && taskOf(call) !== undefined;
}

const LIARS: Readonly<Record<string, Liar>> = {
  "two winners": about((call, { calls }) => {
    const task = refusalOf(call);
    return task && calls.some(isWinner) ? { kind: "returned", value: task } : undefined;
  }),
  "a refusal with a state from before": about((call, { calls: [create] }) =>
    refusalOf(call) && create ? { kind: "threw", code: "TASK_TERMINAL", task: taskOf(create) } : undefined,
  ),
  "a refusal with a revision that never was": about((call) => {
    const task = refusalOf(call);
    return task && { kind: "threw", code: "TASK_TERMINAL", task: { ...task, revision: task.revision - 1 } };
  }),
  "a refusal without its task": about((call) =>
    refusalOf(call) ? { kind: "threw", code: "TASK_TERMINAL" } : undefined,
  ),
  "a lost answer": aboutReads((task, call, { calls }) => {
    const [key, input] = Object.entries(task.inputs).find(([, { response }]) => response !== undefined) ?? [];
    if (key === undefined || input === undefined) return undefined;
    const wasKept = calls.some((other) => precedes(other, call) && taskOf(other)?.inputs[key]?.response !== undefined);
    return wasKept ? { ...task, inputs: { ...task.inputs, [key]: { request: input.request } } } : undefined;
  }),
  "a revived task": aboutReads((task, call, { calls }) => {
    const wasOver = calls.some((other) => precedes(other, call) && isTerminal(taskOf(other)?.status ?? "working"));
    const { outcome: _outcome, ...open } = task;
    return wasOver ? { ...open, status: "working", revision: task.revision + 1 } : undefined;
  }),
  "another result": aboutReads((task) =>
    task.outcome === undefined ? undefined : { ...task, outcome: { status: task.status, result: { n: 99 } } },
  ),
  "another result from getOutcome": about(({ method, answer }) =>
    method === "getOutcome" && answer?.kind === "returned" && answer.value !== undefined
      ? { kind: "returned", value: { status: "completed", result: { n: 99 } } }
      : undefined,
  ),
  "an end without a result": aboutReads(({ outcome, ...task }) => (outcome === undefined ? undefined : task)),
  "a result before the end": aboutReads((task) =>
    isTerminal(task.status) ? undefined : { ...task, outcome: { status: "cancelled" } },
  ),
  "a look into the future": aboutReads((_task, call, { calls }) => {
    const later = calls.find((other) => precedes(call, other) && isWinner(other));
    return later && { ...taskOf(later), outcome: taskOf(calls.at(-2) ?? later)?.outcome };
  }),
  "a stranger who is served": about((call, { calls: [create] }) =>
    call.as === "q" && create ? { kind: "returned", value: taskOf(create) } : undefined,
  ),
};

function withLie(history: History, { at, answer }: Lie): History {
  const calls = history.calls.map((call, index): HistoryCall => (index === at ? { ...call, answer } : call));
  return { ...history, calls };
}

/** The calls of a witness, as they stood before the answer that fits nowhere was given. */
function beforeThatAnswer(history: History, witness: HistoryWitness): History {
  const culpritEnd = history.calls[witness.call]?.end ?? 0;
  const calls = witness.prefix.flatMap((index): readonly HistoryCall[] => {
    const call = history.calls[index];
    if (call === undefined) return [];
    return [call.end !== null && call.end >= culpritEnd ? { ...call, end: null, answer: null } : call];
  });
  return { ...history, calls };
}

it.each(Object.entries(LIARS))(`finds %s (HISTORY_SEED=${seed})`, async (_name, liar) => {
  let found = 0;
  const property = fc.asyncProperty(
    scripts({ clients: 3, without: "delete" }),
    fc.nat(2 ** 31 - 1),
    async (script, order) => {
      const honest = await randomHistory({ script, seed: order });
      const lies = liar(honest);
      fc.pre(lies.length > 0);
      const history = withLie(honest, new SeededRandom(order).pick(lies));
      const verdict = checkHistory(history);
      expect(verdict.linearizable).toBe(false);
      if (verdict.linearizable !== false) return;
      found += 1;
      const { witness } = verdict;
      expect(witness.prefix).toContain(witness.call);
      expect(checkHistory(beforeThatAnswer(history, witness)).linearizable).toBe(true);
      expect(witness.order.map(({ call }) => call)).toContain(witness.call);
      expect(witness.couldHaveBeenTold).not.toEqual([]);
      expect(describeWitness(history, witness)).toContain(`  > ${witness.call} `);
    },
  );
  await fc.assert(property, { seed, numRuns: 12, maxSkipsPerRun: 400 });
  expect(found).toBeGreaterThanOrEqual(12);
});
