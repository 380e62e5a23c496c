import { describe, expect, it } from "vitest";
import { type CallAnswer, checkHistory, describeWitness, type History, type HistoryCall } from "../../src/history.ts";
import { history, returned, task } from "./hand-made.ts";

const DONE = { status: "completed", result: { n: 1 } } as const;
const QUESTION = { method: "elicitation/create" };

/** A call from one instant to another. */
function call(
  [start, end]: readonly [number, number],
  operation: Record<string, unknown>,
  answer: CallAnswer,
): HistoryCall {
  const made: HistoryCall = Object.assign(
    { client: "A", method: "deleteTask", start, end, answer } as const,
    operation,
  );
  return made;
}

function threw(code: Extract<CallAnswer, { kind: "threw" }>["code"], carried?: unknown): CallAnswer {
  return { kind: "threw", code, ...(carried === undefined ? {} : { task: carried }) };
}

const finish = { method: "finishTask", outcome: DONE };
const cancel = { method: "cancelTask" };
const read = { method: "getTask", outcome: true };
const finished = task({ status: "completed", revision: 5 });
const cancelled = task({ status: "cancelled", revision: 6 });
const asked = task({ status: "input_required", revision: 3, inputs: { k: { request: QUESTION } } });
const YES = { yes: true };
const answeredYes = task({ revision: 4, inputs: { k: { request: QUESTION, response: YES } } });

const RIGHT: readonly (readonly [string, History])[] = [
  ["no calls", history([])],
  [
    "a finish and a cancel at the same time, of which the cancel loses",
    history([
      call([1, 9], finish, returned(finished)),
      call([2, 8], cancel, threw("TASK_TERMINAL", finished)),
      call([10, 11], read, returned({ ...finished, outcome: DONE })),
    ]),
  ],
  [
    "a write that is seen although its caller was told nothing",
    history([
      call([1, 2], finish, threw("WRITE_OUTCOME_UNKNOWN")),
      call([3, 4], read, returned(task())),
      call([5, 6], read, returned({ ...finished, outcome: DONE })),
    ]),
  ],
  [
    "a write that never ended and never happened",
    history([{ ...call([1, 2], finish, returned()), end: null, answer: null }, call([5, 6], read, returned(task()))]),
  ],
  [
    "an update that shows what another call wrote after it",
    history([
      call(
        [1, 9],
        { method: "updateTask", change: { statusMessage: "half" } },
        returned(task({ revision: 5, statusMessage: "half", status: "completed" })),
      ),
      call([2, 8], finish, returned(task({ revision: 5, statusMessage: "half", status: "completed" }))),
    ]),
  ],
  [
    "a cancelled task that vanished",
    history([
      call([1, 2], cancel, returned(cancelled)),
      call([3, 4], read, returned()),
      call([5, 6], finish, threw("TASK_NOT_FOUND")),
      call([7, 8], { method: "deleteTask" }, returned(false)),
    ]),
  ],
  [
    "two answers to one question, of which the first stays",
    history(
      [
        call([1, 9], { method: "answerInputs", answers: { k: { no: 0 } } }, returned(answeredYes)),
        call([2, 8], { method: "answerInputs", answers: { k: YES } }, returned(answeredYes)),
      ],
      { before: asked },
    ),
  ],
  [
    "a deleted task whose id is used again, with a higher revision",
    history([
      call([1, 2], { method: "deleteTask" }, returned(true)),
      call([3, 4], { method: "createTask", params: { taskId: "t" } }, returned(task({ revision: 2 }))),
      call([5, 6], { method: "createTask", params: { taskId: "t" } }, threw("ALREADY_EXISTS")),
      call([7, 8], { method: "createTask", params: { idempotencyKey: "k" } }, returned(task({ revision: 2 }))),
    ]),
  ],
  [
    "a stranger who is told that there is no such task",
    history([call([1, 2], { ...cancel, as: "q" }, threw("TASK_NOT_FOUND")), call([3, 4], read, returned(task()))]),
  ],
  [
    "a lease, an intent to cancel, and a worker that finishes all the same",
    history([
      call(
        [1, 2],
        { method: "acquireLease", holder: "w" },
        returned({ token: 7, task: task({ revision: 7, attempts: 1 }) }),
      ),
      call([3, 4], { method: "acquireLease", holder: "v" }, returned()),
      call([3, 4], finish, threw("LEASE_LOST")),
      call(
        [5, 6],
        { method: "requestCancellation" },
        returned(task({ revision: 8, attempts: 1, cancelRequestedAt: "2026-01-01T00:00:00.000Z" })),
      ),
      call(
        [7, 8],
        { ...finish, lease: 7 },
        returned(
          task({ revision: 9, attempts: 1, status: "completed", cancelRequestedAt: "2026-01-01T00:00:00.000Z" }),
        ),
      ),
    ]),
  ],
  [
    "a task that expired, where that is allowed",
    history([call([1, 2], read, returned()), call([3, 4], finish, threw("TASK_NOT_FOUND"))], {
      allows: { expiry: true },
    }),
  ],
  [
    "a lease that ran out and a task that maintenance failed, where that is allowed",
    history(
      [
        call(
          [1, 2],
          { method: "acquireLease", holder: "w" },
          returned({ token: 7, task: task({ revision: 7, attempts: 1 }) }),
        ),
        call([3, 4], { ...finish, lease: 7 }, threw("LEASE_LOST")),
        call(
          [5, 6],
          read,
          returned({
            ...task({ revision: 8, attempts: 1, status: "failed", statusMessage: "The worker was lost." }),
            outcome: { status: "failed", error: { code: -32603, message: "The worker was lost." } },
          }),
        ),
      ],
      { allows: { lapse: true } },
    ),
  ],
  [
    "a log that shows little",
    history([call([1, 2], finish, returned({ status: "completed" })), call([3, 4], cancel, threw("TASK_TERMINAL"))], {
      before: { status: "working" },
      shows: [],
    }),
  ],
  [
    "an error result, which fails a task of 2025-11-25",
    history(
      [
        call(
          [1, 2],
          { method: "finishTask", outcome: { status: "completed", result: { isError: true } } },
          returned(
            task({ generation: "2025-11-25", revision: 2, status: "failed", statusMessage: "said by the store" }),
          ),
        ),
      ],
      { before: task({ generation: "2025-11-25" }) },
    ),
  ],
];

const WRONG: readonly (readonly [string, number, History])[] = [
  ["two winners", 1, history([call([1, 9], finish, returned(finished)), call([2, 10], cancel, returned(cancelled))])],
  [
    "a refusal of a task that is open",
    0,
    history([call([1, 2], cancel, threw("TASK_TERMINAL", task())), call([3, 4], read, returned(task()))]),
  ],
  [
    "a refusal with a task that lost its end",
    1,
    history([call([1, 9], finish, returned(finished)), call([2, 10], cancel, threw("TASK_TERMINAL", task()))]),
  ],
  [
    "a write that was acknowledged and is not there",
    1,
    history([call([1, 2], finish, returned(finished)), call([3, 4], read, returned(task()))]),
  ],
  [
    "a write that the store says did not happen, and that did",
    1,
    history([call([1, 2], finish, threw("STORE_UNAVAILABLE")), call([3, 4], read, returned(finished))]),
  ],
  [
    "a write that is there, gone, and there again",
    2,
    history([
      call([1, 2], finish, threw("WRITE_OUTCOME_UNKNOWN")),
      call([3, 4], read, returned({ ...finished, outcome: DONE })),
      call([5, 6], read, returned(task())),
      call([7, 8], read, returned({ ...finished, outcome: DONE })),
    ]),
  ],
  [
    "an end without its outcome",
    1,
    history([call([1, 2], finish, returned(finished)), call([3, 4], read, returned(finished))]),
  ],
  [
    "an outcome that changes",
    2,
    history([
      call([1, 2], finish, returned(finished)),
      call([3, 4], { method: "getOutcome" }, returned(DONE)),
      call([5, 6], { method: "getOutcome" }, returned({ status: "completed", result: { n: 2 } })),
    ]),
  ],
  [
    "an answer that is overwritten",
    1,
    history(
      [
        call([1, 2], { method: "answerInputs", answers: { k: YES } }, returned(answeredYes)),
        call(
          [3, 4],
          { method: "answerInputs", answers: { k: { no: 0 } } },
          returned(task({ revision: 5, inputs: { k: { request: QUESTION, response: { no: 0 } } } })),
        ),
      ],
      { before: asked },
    ),
  ],
  [
    "a revision that stays when the task changes",
    0,
    history([
      call(
        [1, 2],
        { method: "updateTask", change: { statusMessage: "half" } },
        returned(task({ statusMessage: "half" })),
      ),
    ]),
  ],
  [
    "two leases",
    1,
    history([
      call(
        [1, 9],
        { method: "acquireLease", holder: "w" },
        returned({ token: 7, task: task({ revision: 7, attempts: 1 }) }),
      ),
      call(
        [2, 10],
        { method: "acquireLease", holder: "v" },
        returned({ token: 8, task: task({ revision: 8, attempts: 1 }) }),
      ),
    ]),
  ],
  ["a task that vanished", 0, history([call([1, 2], read, returned())])],
  ["a stranger who cancels", 0, history([call([1, 2], { ...cancel, as: "q" }, returned(cancelled))])],
  ["another task", 0, history([call([1, 2], read, returned(task({ taskId: "u" })))])],
  ["something that is no task", 0, history([call([1, 2], read, returned({ odd: true }))])],
  [
    "an id that is used again with a revision from before",
    1,
    history([
      call([1, 2], { method: "deleteTask" }, returned(true)),
      call([3, 4], { method: "createTask", params: {} }, returned(task({ revision: 1 }))),
    ]),
  ],
];

describe("checkHistory", () => {
  it.each(RIGHT)("explains %s", (_what, given) => {
    const verdict = checkHistory(given);
    if (verdict.linearizable === false) throw new Error(describeWitness(given, verdict.witness));
    expect(verdict.linearizable).toBe(true);
  });

  it.each(WRONG)("finds %s", (_what, culprit, given) => {
    const verdict = checkHistory(given);
    expect(verdict).toMatchObject({ linearizable: false, witness: { call: culprit } });
  });

  it("names the part that differs, where it is none of the usual ones", () => {
    const given = history([call([1, 2], read, returned(task({ pollIntervalMs: 7 })))]);
    const verdict = checkHistory(given);
    if (verdict.linearizable !== false) throw new Error("linearizable");
    expect(verdict.witness).toMatchObject({
      told: 'the task {"status":"working","revision":1,"inputs":{},"pollIntervalMs":7}',
      couldHaveBeenTold: ["the task { working, revision 1, pollIntervalMs 500 }"],
      overlaps: false,
    });
  });

  it("leaves calls that did nothing out of the order", () => {
    const given = history([
      call([1, 9], finish, returned(finished)),
      call([2, 3], cancel, threw("ABORTED")),
      call([4, 5], read, returned(task())),
    ]);
    expect(checkHistory(given)).toEqual({ linearizable: true, order: [2, 0], steps: expect.any(Number) });
  });

  it("shows people what fits nowhere, and what would have", () => {
    const given = history([
      call([1, 4], finish, returned(finished)),
      { ...call([2, 5], cancel, threw("TASK_TERMINAL", task())), client: "B" },
      { ...call([3, 7], read, returned({ ...finished, outcome: DONE })), client: "B" },
      call([6, 8], read, returned({ ...finished, outcome: DONE })),
    ]);
    const verdict = checkHistory(given);
    if (verdict.linearizable !== false) throw new Error("linearizable");
    expect(verdict.witness).toMatchObject({ call: 1, prefix: [0, 1, 2], overlaps: true });
    expect(describeWitness(given, verdict.witness)).toBe(
      [
        "No order of these 3 calls explains what their callers were told:",
        '    0 A finishTask (outcome {"status":"completed","result":{"n":1}}) → the task {"status":"completed","revision":5,"inputs":{}}',
        '  > 1 B cancelTask → TASK_TERMINAL with the task {"status":"working","revision":1,"inputs":{}}',
        "    2 B getTask (outcome true) → not ended yet",
        "An order of all of them, were it not for the answer that is marked, and the task after each:",
        '    0 A finishTask (outcome {"status":"completed","result":{"n":1}}) → { completed, revision 5, outcome {"result":{"n":1},"status":"completed"} }',
        '    1 B cancelTask → { completed, revision 5, outcome {"result":{"n":1},"status":"completed"} }',
        'Call 1 was told TASK_TERMINAL with the task {"status":"working","revision":1,"inputs":{}}.',
        "It could have been told:",
        '    TASK_TERMINAL with { completed, revision 5, outcome {"result":{"n":1},"status":"completed"} }',
      ].join("\n"),
    );
  });
});
