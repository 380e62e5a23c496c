import { createMemoryBackend, createMemoryTaskStore } from "@mcp-task-store/memory";
import { isTaskStoreError, type TaskOutcome, type TaskStore } from "@mcp-task-store/core";
import { describe, expect, it } from "vitest";
import { checkHistory, HistoryRecording, recordHistory } from "../../src/history.ts";

const DONE = { status: "completed", result: { n: 1 } } as const;

interface Opened extends AsyncDisposable {
  readonly recording: HistoryRecording;
  readonly A: TaskStore;
  readonly B: TaskStore;
  /** Not recorded. */
  readonly other: TaskStore;
}

function open(recording = new HistoryRecording()): Opened {
  const backend = createMemoryBackend();
  const stores = [0, 1, 2].map(() => createMemoryTaskStore({ backend, maintenance: false }));
  const [a, b, other] = stores;
  if (a === undefined || b === undefined || other === undefined) throw new RangeError("no stores");
  return {
    recording,
    A: recordHistory(a, recording, "A"),
    B: recordHistory(b, recording, "B"),
    other,
    async [Symbol.asyncDispose]() {
      for (const store of stores) await store.close();
    },
  };
}

describe("recordHistory", () => {
  it("writes down who called what, when, and how it ended", async () => {
    await using opened = open();
    const { A, B, recording } = opened;
    const made = await A.createTask({ principal: "p", ttlMs: 60_000 });
    const { taskId } = made;
    const [finished, refused] = await Promise.allSettled([
      A.finishTask(taskId, DONE, { statusMessage: "did it" }),
      B.scoped("p").cancelTask(taskId),
    ]);
    const read = await B.getTask(taskId, { outcome: true });
    const history = recording.history(taskId);
    expect(recording.taskIds).toEqual([taskId]);
    expect(history).toEqual({
      format: 1,
      taskId,
      before: null,
      calls: [
        {
          client: "A",
          method: "createTask",
          params: { principal: "p" },
          start: 1,
          end: 2,
          answer: { kind: "returned", value: made },
        },
        {
          client: "A",
          method: "finishTask",
          outcome: DONE,
          statusMessage: "did it",
          start: 3,
          end: expect.any(Number),
          answer: { kind: "returned", value: finished.status === "fulfilled" ? finished.value : undefined },
        },
        {
          client: "B",
          as: "p",
          method: "cancelTask",
          start: 4,
          end: expect.any(Number),
          answer: {
            kind: "threw",
            code: "TASK_TERMINAL",
            task:
              refused.status === "rejected" && isTaskStoreError(refused.reason, "TASK_TERMINAL")
                ? refused.reason.task
                : undefined,
          },
        },
        {
          client: "B",
          method: "getTask",
          outcome: true,
          start: 7,
          end: 8,
          answer: { kind: "returned", value: read },
        },
      ],
    });
    expect(checkHistory(history).linearizable).toBe(true);
  });

  it("keeps arguments as they were when the call was made", async () => {
    await using opened = open();
    const { A, recording } = opened;
    const { taskId } = await A.createTask();
    const outcome: { status: "completed"; result: Record<string, unknown> } = { status: "completed", result: { n: 1 } };
    const finishing = A.finishTask(taskId, outcome);
    outcome.result["n"] = 2;
    await finishing;
    await A.getOutcome(taskId);
    expect(checkHistory(recording.history(taskId)).linearizable).toBe(true);
  });

  it("shows a call that has not ended yet", async () => {
    await using opened = open();
    const { A, recording } = opened;
    const task = await A.createTask();
    const stop = new AbortController();
    const waiting = A.waitForUpdate(task.taskId, { since: task.revision, signal: stop.signal });
    expect(recording.history(task.taskId).calls.at(-1)).toMatchObject({
      method: "waitForUpdate",
      end: null,
      answer: null,
    });
    stop.abort();
    await expect(waiting).rejects.toMatchObject({ code: "ABORTED" });
    expect(checkHistory(recording.history(task.taskId)).linearizable).toBe(true);
  });

  it("records what nobody may have missed: an unrecorded write looks like a fault", async () => {
    await using opened = open();
    const { A, other, recording } = opened;
    const { taskId } = await A.createTask();
    await other.cancelTask(taskId);
    await A.getTask(taskId);
    expect(checkHistory(recording.history(taskId)).linearizable).toBe(false);
  });

  it("follows a task that is there already", async () => {
    await using opened = open();
    const { A, B, other, recording } = opened;
    const { taskId } = await other.createTask();
    await other.messages.push(taskId, { type: "notification", message: {}, timestamp: 0 }, { messageId: "m" });
    await A.getTask(taskId);
    expect(recording.taskIds).toEqual([]);
    const lease = await other.acquireLease(taskId, { holder: "w", leaseMs: 3_600_000 });
    const before = await other.getTask(taskId);
    if (before === undefined || lease === undefined) throw new Error("no task");
    recording.follow(before);
    await B.requestCancellation(taskId);
    await A.renewLease(taskId, lease.token);
    await A.finishTask(taskId, DONE, { lease: lease.token });
    await A.messages.push(taskId, { type: "notification", message: {}, timestamp: 0 }, { messageId: "m" });
    await A.deleteTask(taskId);
    const history = recording.history(taskId);
    expect(history.calls.map(({ method }) => method)).toEqual([
      "requestCancellation",
      "renewLease",
      "finishTask",
      "push",
      "deleteTask",
    ]);
    expect(checkHistory(history).linearizable).toBe(true);
  });

  it("tells tasks apart, also those whose ids the store makes", async () => {
    await using opened = open();
    const { A, B, recording } = opened;
    const [first, second] = await Promise.all([
      A.scoped("p").createTask({ idempotencyKey: "k" }),
      B.createTask({ taskId: "mine" }),
    ]);
    await B.scoped("p").createTask({ idempotencyKey: "k" });
    await A.cancelTask(second.taskId);
    expect(recording.taskIds.toSorted()).toEqual([first.taskId, "mine"].toSorted());
    expect(recording.history(first.taskId).calls.map(({ method }) => method)).toEqual(["createTask", "createTask"]);
    for (const taskId of recording.taskIds) expect(checkHistory(recording.history(taskId)).linearizable).toBe(true);
  });

  it("leaves out calls that were refused for their arguments", async () => {
    await using opened = open();
    const { A, recording } = opened;
    const { taskId } = await A.createTask();
    const bare: TaskOutcome = JSON.parse('{"status":"completed"}');
    await expect(A.finishTask(taskId, bare)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(recording.history(taskId).calls).toHaveLength(1);
  });

  it("has no history of a task whose call it could not write down", async () => {
    await using opened = open();
    const { A, recording } = opened;
    const { taskId } = await A.createTask();
    const lenient = recordHistory(
      { ...A, finishTask: (id) => A.getTask(id).then((task) => task ?? A.createTask()) },
      recording,
      "C",
    );
    const bare: TaskOutcome = JSON.parse('{"status":"completed"}');
    await lenient.finishTask(taskId, bare);
    expect(() => recording.history(taskId)).toThrow("finishTask");
    expect(recording.taskIds).toEqual([]);
  });

  it("gives up a task with too many calls", async () => {
    await using opened = open(new HistoryRecording({ maxCalls: 2 }));
    const { A, recording } = opened;
    const { taskId } = await A.createTask();
    await A.getTask(taskId);
    expect(recording.taskIds).toEqual([taskId]);
    await A.getTask(taskId);
    expect(() => recording.history(taskId)).toThrow("more than 2 calls");
  });

  it("hands on everything else as it is", async () => {
    await using opened = open();
    const { A, other } = opened;
    expect(A.capabilities).toEqual(other.capabilities);
    expect(Object.keys(A).toSorted()).toEqual(Object.keys(other).toSorted());
    expect(A.scoped("p").principal).toBe("p");
    await expect(A.getTask(JSON.parse("5"))).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await expect(A.maintain()).resolves.toMatchObject({ purged: 0 });
  });
});
