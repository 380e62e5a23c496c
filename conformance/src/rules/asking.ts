import { setImmediate } from "node:timers/promises";
import type { Task } from "@mcp-task-store/core";
import { attempt } from "../attempt.ts";
import { deferred } from "../deferred.ts";
import { defineRule, type Rule } from "../rule.ts";
import { questionFor } from "../question.ts";
import { equalTo, fulfilled, notFound, refused, which } from "../wants.ts";
import { leasedTask } from "./leased-task.ts";

const HOUR_MS = 3_600_000;
const YES = { action: "accept", content: { yes: true } };
const NO = { action: "decline" };

const free = which<Task>(
  "working, held by nobody",
  (task) => task.status === "working" && task.lease === undefined && task.claimBy !== undefined,
);

export const handover: Rule = defineRule({
  id: "inputs/handover",
  title: "Of a worker that lets go and a client that answers, at least one sees that the task is free to go on",
  level: "promise",
  source: ["X-35", "P1", "P8"],
  mutants: ["release-shows-before", "answer-shows-before"],
  histories: {},
  act: (kit) =>
    kit.duel({
      over: async () => {
        const { taskId, token } = await leasedTask(kit, kit.A, HOUR_MS);
        await kit.A.requestInputs(taskId, { k: questionFor("k") }, { lease: token });
        return { taskId, token };
      },
      left: ({ taskId, token }) => kit.A.releaseLease(taskId, token),
      right: ({ taskId }) => kit.B.answerInputs(taskId, { k: YES }),
      after: ({ taskId }) => kit.A.getTask(taskId),
    }),
  judge(expect, bouts) {
    for (const { left, right, after, first, pause } of bouts) {
      const did = `release in A while B answers (${first === "left" ? "release" : "answer"} first, ${pause})`;
      expect(`${did}: the release`, left, fulfilled());
      expect(`${did}: the answer`, right, fulfilled());
      const told = [left, right].filter((one) => one.kind === "fulfilled" && free.holds(one.value)).length;
      expect(
        `${did}: how many of the two say that it is free`,
        told,
        which("1 or 2", (count) => count > 0),
      );
      expect(
        `${did}, then read`,
        after,
        which(free.text, (task) => task !== undefined && free.holds(task)),
      );
    }
  },
});

export const answersReachTheWorker: Rule = defineRule({
  id: "exec/inputs",
  title: "Answers from any process reach the handler that waits for them, and a cancellation ends its wait",
  level: "promise",
  source: ["X-35", "P4", "P9"],
  mutants: ["exec-inputs-first", "exec-inputs-deaf"],
  async act(kit) {
    const asked = deferred();
    const { taskId } = await kit.task();
    const run = kit.execute(kit.A, taskId, async (context) => {
      await context.requestInputs({ k1: questionFor("k1"), k2: questionFor("k2") });
      asked.resolve();
      const { inputs } = await context.waitForInputs(["k1", "k2"]);
      return { k1: inputs["k1"]?.response, k2: inputs["k2"]?.response };
    });
    run.catch(() => undefined);
    await Promise.race([asked.promise, run]);
    await kit.B.answerInputs(taskId, { k1: YES });
    // What was woken too early gets to say so before the second answer comes.
    for (let turn = 0; turn < 20; turn += 1) await setImmediate();
    await attempt(kit.B.answerInputs(taskId, { k2: NO }));
    const answered = await kit.settles(kit.B.waitForOutcome(taskId, { signal: kit.signal }));

    const waiting = deferred();
    const other = await kit.task();
    const cancelled = kit.execute(kit.A, other.taskId, async (context) => {
      await context.requestInputs({ k: questionFor("k") });
      waiting.resolve();
      await context.waitForInputs(["k"]);
    });
    cancelled.catch(() => undefined);
    await Promise.race([waiting.promise, cancelled]);
    await kit.B.requestCancellation(other.taskId);
    const ended = await kit.settles(kit.B.waitForOutcome(other.taskId, { signal: kit.signal }));
    // A handler that hears nothing is ended, so that the rule ends too.
    await attempt(kit.A.cancelTask(other.taskId));
    return { answered, ended };
  },
  judge(expect, { answered, ended }) {
    expect(
      "answer both questions of a handler elsewhere, one by one",
      answered,
      fulfilled(equalTo({ status: "completed", result: { k1: YES, k2: NO } })),
    );
    const cancelled = equalTo({ status: "cancelled" });
    expect(
      "request the cancellation of a task whose handler waits for an answer",
      ended,
      // It may vanish at once (S-59).
      which<typeof ended>("cancelled, or gone", (end) =>
        end.kind === "fulfilled" ? cancelled.holds(end.value) : notFound.holds(end),
      ),
    );
  },
});

export const coopAsked: Rule = defineRule({
  id: "cancel/coop-asked",
  title: "A requested cancellation ends a task that waits for answers and for no worker",
  level: "promise",
  source: ["X-38", "X-40", "P9"],
  mutants: ["coop-spares-asked", "coop-kills-asked"],
  async act(kit) {
    const suspended = await kit.asked(["k"]);
    const atOnce = await kit.B.requestCancellation(suspended.taskId);
    const late = await attempt(kit.A.answerInputs(suspended.taskId, { k: YES }));
    const held = await leasedTask(kit, kit.A, HOUR_MS);
    await kit.A.requestInputs(held.taskId, { k: questionFor("k") }, { lease: held.token });
    const intent = await kit.B.requestCancellation(held.taskId);
    const released = await attempt(kit.A.releaseLease(held.taskId, held.token));
    return { atOnce, late, intent, released };
  },
  judge(expect, { atOnce, late, intent, released }) {
    const cancelled = which<Task>("cancelled", (task) => task.status === "cancelled");
    expect("ask to cancel a task that waits for an answer and that nobody holds", atOnce, cancelled);
    expect("answer it then", late, refused("TASK_TERMINAL", "TASK_NOT_FOUND"));
    expect(
      "ask to cancel one that a worker holds while it waits",
      intent,
      which(
        "input_required, with cancelRequestedAt",
        (task) => task.status === "input_required" && task.cancelRequestedAt !== undefined,
      ),
    );
    expect("let its worker give it back", released, fulfilled(cancelled));
  },
});

export const generation: Rule = defineRule({
  id: "lifecycle/generation",
  title: "A task belongs to one generation all its life",
  level: "must",
  source: ["S-66", "X-56", "X-65"],
  mutants: ["generation-dropped", "generation-by-end"],
  act: (kit) =>
    Promise.all(
      (["2025-11-25", "2026-07-28", null] as const).map(async (made) => {
        const created = await kit.task({ generation: made });
        const reported = await kit.B.updateTask(created.taskId, { statusMessage: "on it" });
        const ended = await kit.A.finishTask(created.taskId, { status: "completed", result: { content: [] } });
        const read = await kit.B.getTask(created.taskId);
        return { made, seen: [created, reported, ended, read].map((task) => task?.generation) };
      }),
    ),
  judge(expect, tasks) {
    for (const { made, seen } of tasks) {
      const did = `create a task of generation ${made}, report, complete, read: what each shows`;
      expect(did, seen, equalTo([made, made, made, made]));
    }
  },
});
