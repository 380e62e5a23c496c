import type { Task, TaskOutcome, TaskStore } from "@mcp-task-store/core";
import { type Attempt, attempt, fulfilledValues } from "../attempt.ts";
import { defineRule, type Rule } from "../rule.ts";
import { equalTo, fulfilled, refused, refusedAsEnded, which } from "../wants.ts";
import { CANCELLED, COMPLETED } from "./endings.ts";

export const atomic: Rule = defineRule({
  id: "finish/atomic",
  title: "A terminal status and its outcome become visible together",
  level: "must",
  source: ["X-19", "S-38", "P2"],
  mutants: ["result-after-status", "result-before-status", "read-torn"],
  histories: {},
  act: (kit) =>
    kit.duel({
      over: async () => (await kit.task()).taskId,
      left: (taskId) => kit.A.finishTask(taskId, COMPLETED),
      right: (taskId) => kit.B.getTask(taskId, { outcome: true }),
      after: (taskId) => kit.B.getTask(taskId, { outcome: true }),
    }),
  judge(expect, bouts) {
    const given = equalTo(COMPLETED);
    const whole = which<Task | undefined>("working without an outcome, or completed with the whole of it", (task) =>
      task?.status === "completed" ? given.holds(task.outcome) : task?.outcome === undefined,
    );
    for (const { left, right, after, first, pause } of bouts) {
      const did = `finish by A while B reads status and outcome (${first === "left" ? "finish" : "read"} first, ${pause})`;
      expect(`${did}: the finish`, left, fulfilled());
      expect(`${did}: the read`, right, fulfilled(whole));
      expect(`${did}, then read`, after?.outcome, equalTo(COMPLETED));
    }
  },
});

/** Eight endings that can be told apart by message and outcome. */
const CONTENDERS: readonly { readonly outcome: TaskOutcome; readonly statusMessage: string }[] = [
  ...[1, 2, 3].map((n) => ({
    outcome: { status: "completed", result: { n } } as const,
    statusMessage: `completed ${n}`,
  })),
  ...[1, 2, 3].map((n) => ({
    outcome: { status: "failed", error: { code: -n, message: `error ${n}` } } as const,
    statusMessage: `failed ${n}`,
  })),
  ...[1, 2].map((n) => ({ outcome: CANCELLED, statusMessage: `cancelled ${n}` })),
];

export const oneWinner: Rule = defineRule({
  id: "finish/one-winner",
  title: "Of many racing endings one takes effect, whole",
  level: "must",
  source: ["S-24", "P1"],
  mutants: ["finish-last-wins", "finish-mixed", "loser-stale", "refusal-stale"],
  histories: {},
  async act(kit) {
    const rounds: { readonly ends: readonly Attempt<Task>[]; readonly after: Task | undefined }[] = [];
    for (let round = 0; round < 40; round += 1) {
      const { taskId } = await kit.task();
      const ends = await kit.scramble(
        CONTENDERS.map(({ outcome, statusMessage }, index) => {
          const store = (): TaskStore => (index % 2 === 0 ? kit.A : kit.B);
          if (outcome.status === "cancelled") return () => store().cancelTask(taskId, { statusMessage });
          return () => store().finishTask(taskId, outcome, { statusMessage });
        }),
      );
      rounds.push({ ends, after: await kit.B.getTask(taskId, { outcome: true }) });
    }
    return rounds;
  },
  judge(expect, rounds) {
    for (const { ends, after } of rounds) {
      const did = "race eight endings over two handles";
      const winners = ends.flatMap((end, index) => (end.kind === "fulfilled" ? [CONTENDERS[index]] : []));
      expect(did, fulfilledValues(ends).length, equalTo(1));
      const [winner] = winners;
      if (winner === undefined || (after === undefined && winner.outcome.status === "cancelled")) continue;
      expect(`${did}, then read the status`, after?.status, equalTo(winner.outcome.status));
      expect(`${did}, then read the message`, after?.statusMessage, equalTo(winner.statusMessage));
      expect(`${did}, then read the outcome`, after?.outcome, equalTo(winner.outcome));
    }
  },
});

export const final: Rule = defineRule({
  id: "finish/final",
  title: "The first result stays and can be read again and again",
  level: "must",
  source: ["S-24", "S-38", "X-57"],
  mutants: ["result-overwritten", "result-read-once"],
  arrange: (kit) => kit.ended(COMPLETED),
  async act(kit, { taskId }) {
    const second = await attempt(kit.B.finishTask(taskId, { status: "completed", result: { second: true } }));
    const reads: unknown[] = [];
    for (const store of [kit.A, kit.B, kit.A, kit.B]) reads.push(await store.getOutcome(taskId));
    reads.push(
      await kit.A.waitForOutcome(taskId, { timeoutMs: kit.timing.deadlineMs }),
      (await kit.B.getTask(taskId, { outcome: true }))?.outcome,
    );
    return { second, reads };
  },
  judge(expect, { second, reads }, before) {
    expect("finish a second time", second, refusedAsEnded(before));
    for (const [index, read] of reads.entries())
      expect(`read the outcome, time ${index + 1}`, read, equalTo(COMPLETED));
  },
});

const SHAPES: readonly TaskOutcome[] = [
  { status: "failed", error: { code: -32001, message: "no such city", data: { deep: [{ list: [1, null, "x"] }] } } },
  { status: "failed", error: { code: 7, message: "bare" } },
  { status: "failed", error: { code: -32603, message: "with a result inside", data: { result: { content: [] } } } },
  { status: "failed", error: { code: -32000, message: "null data", data: null } },
  { status: "completed", result: { error: { code: -32001, message: "only looks like one" } } },
  { status: "completed", result: { code: -32001, message: "looks like one, too" } },
  { status: "completed", result: { status: "failed", result: {} } },
];

export const errors: Rule = defineRule({
  id: "finish/errors",
  title: "Errors stay errors and results stay results, with all that is in them",
  level: "must",
  source: ["S-67", "S-68", "X-10", "X-21"],
  mutants: ["error-flattened", "error-code-default", "kind-guessed"],
  act: (kit) =>
    Promise.all(
      SHAPES.map(async (outcome) => {
        const { taskId } = await kit.task();
        const finished = await attempt(kit.A.finishTask(taskId, outcome));
        return { outcome, finished, read: await attempt(kit.B.getOutcome(taskId)) };
      }),
    ),
  judge(expect, seen) {
    for (const { outcome, finished, read } of seen) {
      const did = `finish with ${JSON.stringify(outcome)}`;
      expect(did, finished, fulfilled(which(outcome.status, (task) => task.status === outcome.status)));
      expect(`${did}, then read the outcome`, read, fulfilled(equalTo(outcome)));
    }
  },
});

/** Outcomes with a part missing, as code without types could hand them over. */
const BARE: readonly string[] = ['{"status":"completed"}', '{"status":"failed"}', '{"status":"failed","error":{}}'];

export const notBare: Rule = defineRule({
  id: "finish/not-bare",
  title: "A task does not end completed without a result, or failed without an error",
  level: "must",
  source: ["X-10", "X-19", "X-21"],
  mutants: ["completed-bare", "failed-bare"],
  act: (kit) =>
    Promise.all(
      BARE.map(async (text) => {
        const { taskId } = await kit.task();
        const outcome: TaskOutcome = JSON.parse(text);
        const finished = await attempt(() => kit.A.finishTask(taskId, outcome));
        return { text, finished, after: await kit.B.getTask(taskId, { outcome: true }) };
      }),
    ),
  judge(expect, seen) {
    for (const { text, finished, after } of seen) {
      const did = `finish with ${text}`;
      const whole =
        finished.kind === "rejected"
          ? after?.status === "working"
          : after?.outcome?.status === "failed" &&
            "error" in after.outcome &&
            Number.isInteger(after.outcome.error.code);
      if (finished.kind === "rejected") expect(did, finished, refused("INVALID_ARGUMENT"));
      expect(
        `${did}, then read`,
        after,
        which("a working task, or a failed one with a JSON-RPC error", () => whole),
      );
    }
  },
});

export const isError: Rule = defineRule({
  id: "finish/iserror",
  title: "A result with isError ends a task by its generation, and is kept",
  level: "must",
  source: ["S-66", "S-68", "X-56", "X-65"],
  mutants: ["iserror-completed", "iserror-failed", "failed-with-result"],
  act: (kit) =>
    Promise.all(
      (["2025-11-25", "2026-07-28", null] as const).map(async (generation) => {
        const { taskId } = await kit.task({ generation });
        const result = { content: [{ type: "text", text: "no" }], isError: true };
        const finished = await kit.A.finishTask(taskId, { status: "completed", result });
        const plain = await kit.task({ generation });
        const failed = await attempt(kit.A.finishTask(plain.taskId, { status: "failed", result: { content: [] } }));
        return { generation, result, finished, read: await kit.B.getOutcome(taskId), failed };
      }),
    ),
  judge(expect, seen) {
    for (const { generation, result, finished, read, failed } of seen) {
      const did = `fail a task of generation ${generation} with a result in place of an error`;
      expect(did, failed, generation === "2025-11-25" ? fulfilled() : refused("INVALID_ARGUMENT"));
      const status = generation === "2025-11-25" ? "failed" : "completed";
      expect(`finish a task of generation ${generation} with an isError result`, finished.status, equalTo(status));
      expect("read its outcome", read, equalTo({ status, result }));
    }
  },
});
