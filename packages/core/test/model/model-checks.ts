/** Whether the model explains what calls other than plain commands answered. */
import { expect } from "vitest";
import { checkDue, checkRead } from "../../../../conformance/src/driver-model/expected-answers.ts";
import { listed } from "../../../../conformance/src/driver-model/listing.ts";
import type { Command } from "../../src/commands.ts";
import { isTerminal } from "../../src/index.ts";
import type { ReadAnswer, Task, TaskRecord, Write, WriteAnswer } from "../../src/index.ts";
import { born, ringProves, toMs } from "../../src/transitions.ts";
import type { Call } from "./calls.ts";
import { expectedOutcome, expectedTask } from "./expected-task.ts";
import { scopeOf, SETTINGS } from "./model-state.ts";
import type { Happened, ModelState } from "./model-state.ts";
import { CODE_OF } from "./task-model.ts";
import type { ModelResult, Scope, TaskModel } from "./task-model.ts";

export function checkCreate(
  play: ModelState,
  call: Extract<Call, { type: "create" }>,
  { result, observations }: Happened,
): void {
  expect(observations).toMatchObject([{ method: "insert" }]);
  const [insert] = observations;
  if (insert?.method !== "insert" || insert.answer.kind === "late") throw new Error("no insert");
  const { taskId, createId } = insert;
  const { nowUs } = insert.answer;
  const scope = scopeOf(call.caller) ?? null;
  const chosen = call.caller === "root" ? call.chosenId : null;
  const key = scope === null || call.idempotencyKey === null ? undefined : JSON.stringify([scope, call.idempotencyKey]);
  if (chosen !== null) expect(taskId).toBe(chosen);
  if (key !== undefined) {
    expect(taskId).toBe(play.keys.get(key) ?? taskId);
    play.keys.set(key, taskId);
  }
  const known = play.ids.includes(taskId);
  if (chosen === null && key === undefined) expect(known).toBe(false);
  if (!known) play.ids.push(taskId);
  const existing = play.model.visible(taskId, undefined, nowUs);
  if (existing !== undefined && chosen !== null) {
    expect(result).toMatchObject({ status: "rejected", reason: { code: "ALREADY_EXISTS" } });
    return;
  }
  const row =
    existing ??
    born(
      {
        taskId,
        createId,
        scope,
        generation: call.generation,
        statusMessage: null,
        ttlMs: call.ttlMs,
        pollIntervalMs: SETTINGS.defaultPollIntervalMs,
        claimInMs: SETTINGS.claimWithinMs,
        metadata: null,
        request: null,
        notAfterUs: Number.MAX_SAFE_INTEGER,
      },
      nowUs,
    );
  play.model.rows.set(taskId, row);
  expect(result).toEqual({ status: "fulfilled", value: expectedTask(row) });
}

export function checkDelete(
  model: TaskModel,
  taskId: string,
  scope: Scope,
  { result, observations, earlierUs, laterUs }: Happened,
): void {
  expect(observations).toMatchObject([{ method: "remove" }]);
  if (result.status === "rejected") throw result.reason;
  // A task that expires during the call may be deleted or not.
  const allowed = new Set(
    [model.visible(taskId, scope, earlierUs), model.visible(taskId, scope, laterUs)].map((row) => row !== undefined),
  );
  expect([...allowed]).toContain(result.value);
  if (result.value === true) model.rows.delete(taskId);
}

export function checkReading(
  model: TaskModel,
  type: "get" | "outcome" | "wait",
  taskId: string,
  scope: Scope,
  { result, observations }: Happened,
): void {
  const reads = observations.flatMap((seen) => (seen.method === "read" ? [seen.answer.nowUs] : []));
  expect(reads.length).toBe(observations.length);
  // A wait may read more than once; the others read once.
  if (type !== "wait") expect(reads).toHaveLength(1);
  expect(reads.map((nowUs) => readingOf(type, model.visible(taskId, scope, nowUs)))).toContainEqual(simple(result));
}

function readingOf(type: "get" | "outcome" | "wait", row: TaskRecord | undefined): unknown {
  if (row === undefined) return type === "get" ? { status: "fulfilled", value: undefined } : { code: "TASK_NOT_FOUND" };
  return { status: "fulfilled", value: type === "outcome" ? expectedOutcome(row) : expectedTask(row) };
}

function simple(result: PromiseSettledResult<unknown>): unknown {
  if (result.status === "fulfilled") return result;
  const { reason }: { readonly reason: unknown } = result;
  return reason instanceof Error && "code" in reason ? { code: reason.code } : result;
}

export function checkList(
  model: TaskModel,
  { limit, status }: Extract<Call, { type: "list" }>,
  scope: Scope,
  { result, observations }: Happened,
): void {
  if (scope === null) {
    expect(observations).toEqual([]);
    expect(result).toMatchObject({ status: "rejected", reason: { code: "NOT_SUPPORTED" } });
    return;
  }
  let after: TaskRecord | undefined;
  const pages: (readonly Task[])[] = [];
  for (const seen of observations) {
    if (seen.method !== "page") throw new Error(`a list called ${seen.method}`);
    const query = {
      ...(scope !== undefined && { scope }),
      ...(status && { status }),
      ...(after && { after }),
      limit: limit + 1,
    };
    const rows = listed([...model.rows.values()], query, seen.answer.nowUs);
    pages.push(rows.slice(0, limit).map(expectedTask));
    after = rows[limit - 1];
    // The walk goes on exactly while there is more.
    expect(seen === observations.at(-1)).toBe(rows.length <= limit);
  }
  expect(result).toEqual({ status: "fulfilled", value: pages });
}

export function checkLease(
  expected: ModelResult,
  command: Extract<Command, { type: "acquire" | "renew" }>,
  nowUs: number,
  result: PromiseSettledResult<unknown>,
): void {
  if (expected.kind === "gone") {
    expect(result).toMatchObject({ status: "rejected", reason: { code: "TASK_NOT_FOUND" } });
    return;
  }
  const { row } = expected;
  if (expected.kind === "refused" && command.type === "renew") {
    const code = isTerminal(row.status) ? "TASK_TERMINAL" : "LEASE_LOST";
    expect(result).toMatchObject({ status: "rejected", reason: { code } });
    return;
  }
  // Held, over, out of attempts; or its cancellation was carried out instead.
  if (expected.kind === "refused" || row.lease === null) {
    expect(result).toEqual({ status: "fulfilled", value: undefined });
    return;
  }
  const { token, holder, expiresAt } = row.lease;
  expect(result).toEqual({
    status: "fulfilled",
    value: {
      taskId: row.taskId,
      token,
      holder,
      expiresAt: new Date(expiresAt).toISOString(),
      leaseMs: command.leaseMs,
      remainingMs: expiresAt - toMs(nowUs),
      task: expectedTask(row),
    },
  });
}

/** Each row that was due is recovered by a write of its own. */
export function checkMaintain(
  { model, orphans, leftovers }: ModelState,
  { result, observations, laterUs }: Happened,
): void {
  const [look, ...recoveries] = observations;
  if (look?.method !== "due") throw new Error("maintenance did not look");
  const { answer } = look;
  const purged = answer.purged.filter((taskId) => model.rows.has(taskId) || !leftovers.has(taskId));
  expect(checkDue(model.rows, look.limit, look.holdMs, { ...answer, purged })).toEqual({
    complaints: [],
    undecided: [],
  });
  const { claimWithinMs, maxAttempts } = SETTINGS;
  const command = { type: "recover", orphanPolicy: "release", maxAttempts, claimWithinMs } as const;
  const counts = { failed: 0, cancelled: 0, released: 0 };
  const announced: string[] = [];
  expect(recoveries).toHaveLength(answer.rows.length);
  for (const seen of recoveries) {
    if (seen.method !== "write") throw new Error(`maintenance called ${seen.method}`);
    const { taskId, writeId } = seen.write;
    const before = model.rows.get(taskId);
    const writeUs = seen.answer.kind === "gone" ? laterUs : seen.answer.nowUs;
    const done = model.run(taskId, undefined, command, writeId, answer.nowUs, writeUs);
    if (done.kind !== "done") continue;
    const { status } = done.row;
    if (status === "failed" || status === "cancelled") counts[status] += 1;
    else if (before?.lease !== null) counts.released += 1;
    if (status === "working") announced.push(taskId);
  }
  const report = { purged: answer.purged.length, ...counts, announced: announced.length, more: answer.more };
  expect(result).toEqual({ status: "fulfilled", value: report });
  expect(orphans.splice(0).toSorted()).toEqual(announced.toSorted());
}

/**
 * One round trip for a command that is planned blind. For ask and answer a read, and a write if there is anything to
 * write; between the two the task may expire or change hands.
 */
export function checkRoundTrips(informed: boolean, expected: ModelResult, reads: number, writes: number): void {
  expect(reads).toBe(informed ? 1 : 0);
  if (!informed || expected.kind === "done") expect(writes).toBe(1);
  else if (expected.kind === "nothing") expect(writes).toBe(0);
  else expect(writes).toBeLessThanOrEqual(1);
}

/** Whether a write was refused for nothing but what its process had not seen of the row. */
export function lackedProof({ write, answer }: { readonly write: Write; readonly answer: WriteAnswer }): boolean {
  return answer.kind === "refused" && !ringProves(answer.row, write);
}

/** Every task of the sequence, as stored. */
export function checkRows(model: TaskModel, taskIds: readonly string[], answer: ReadAnswer): void {
  expect(checkRead(model.rows, taskIds, { request: true, outcome: true }, answer)).toEqual([]);
}

export function checkTask(command: Command, expected: ModelResult, result: PromiseSettledResult<unknown>): void {
  if (expected.kind === "gone") {
    expect(result).toMatchObject({ status: "rejected", reason: { code: "TASK_NOT_FOUND" } });
  } else if (expected.kind !== "refused") {
    expect(result).toEqual({ status: "fulfilled", value: expectedTask(expected.row) });
  } else if (
    (expected.refusal === "terminal" && command.type === "request-cancel") ||
    expected.refusal === "cancel-requested"
  ) {
    // Idempotent: what has ended needs no cancelling.
    expect(result).toEqual({ status: "fulfilled", value: expectedTask(expected.row) });
  } else {
    expect(result).toMatchObject({ status: "rejected", reason: { code: CODE_OF[expected.refusal] } });
    if (expected.refusal === "terminal") expect(result).toHaveProperty("reason.task", expectedTask(expected.row));
  }
}
