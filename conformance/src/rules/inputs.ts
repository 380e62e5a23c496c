import type { Task, TaskInput } from "@mcp-task-store/core";
import { attempt } from "../attempt.ts";
import { defineRule, type Rule } from "../rule.ts";
import { questionFor } from "../question.ts";
import { equalTo, fulfilled, refused, settled, unchanged, which } from "../wants.ts";
import { COMPLETED } from "./endings.ts";

const YES = { action: "accept", content: { yes: true } };
const NO = { action: "decline" };

/** The keys of the questions that still wait for an answer. */
function openKeys(task: Task | undefined): readonly string[] {
  const inputs: readonly (readonly [string, TaskInput])[] = Object.entries(task?.inputs ?? {});
  return inputs.flatMap(([key, input]) => (input.response === undefined ? [key] : [])).toSorted();
}

export const askAtomic: Rule = defineRule({
  id: "inputs/ask-atomic",
  title: "The status input_required and the questions become visible together",
  level: "must",
  source: ["X-17", "S-25", "P2"],
  mutants: ["ask-two-writes"],
  histories: {},
  act: (kit) =>
    kit.duel({
      over: async () => (await kit.task()).taskId,
      left: (taskId) => kit.A.requestInputs(taskId, { k: questionFor("k") }),
      right: (taskId) => kit.B.getTask(taskId),
      after: (taskId) => kit.B.getTask(taskId),
    }),
  judge(expect, bouts) {
    const whole = which<Task | undefined>(
      "input_required exactly if a question is open",
      (task) => (task?.status === "input_required") === openKeys(task).length > 0,
    );
    for (const { left, right, after, first, pause } of bouts) {
      const did = `ask in A while B reads (${first === "left" ? "ask" : "read"} first, ${pause})`;
      expect(`${did}: the ask`, left, fulfilled(which("input_required", (task) => task.status === "input_required")));
      expect(`${did}: the read`, right, fulfilled(whole));
      expect(`${did}, then read`, after, whole);
    }
  },
});

export const openOnly: Rule = defineRule({
  id: "inputs/open-only",
  title: "The task asks for exactly the open inputs, and resumes with the last answer",
  level: "must",
  source: ["X-18", "X-35", "S-28"],
  mutants: ["ask-replaces", "partial-resumes", "answered-shown", "never-resumes"],
  async act(kit) {
    const { taskId } = await kit.asked(["k1"]);
    const both = await kit.A.requestInputs(taskId, { k2: questionFor("k2") });
    await kit.A.answerInputs(taskId, { k1: YES });
    const one = await kit.B.getTask(taskId);
    const waiting = kit.A.waitForUpdate(taskId, { since: one?.revision ?? 0, signal: kit.signal });
    const none = await kit.B.answerInputs(taskId, { k2: NO });
    return { both, one, none, woken: await kit.settles(waiting) };
  },
  judge(expect, { both, one, none, woken }) {
    expect("ask for k1, then for k2: the open ones", openKeys(both), equalTo(["k1", "k2"]));
    expect("answer k1: the status", one?.status, equalTo("input_required"));
    expect("answer k1: the open ones", openKeys(one), equalTo(["k2"]));
    expect("answer k1: its answer", one?.inputs["k1"]?.response, equalTo(YES));
    expect("answer k2: the status", none.status, equalTo("working"));
    expect("answer k2: the open ones", openKeys(none), equalTo([]));
    expect("answer k2: whoever waits", woken, settled);
    expect(
      "answer k2: whoever waits",
      woken,
      fulfilled(which("the working task", (task) => task?.status === "working")),
    );
  },
});

export const race: Rule = defineRule({
  id: "inputs/race",
  title: "Of racing answers to a key the first stays, to two keys both",
  level: "promise",
  source: ["X-29", "X-34", "X-35", "P2"],
  mutants: ["answer-overwrites", "answers-lost-update", "resume-missed", "answer-shows-own"],
  histories: {},
  async act(kit) {
    const same = await kit.duel({
      over: async () => (await kit.asked(["k"])).taskId,
      left: (taskId) => kit.A.answerInputs(taskId, { k: YES }),
      right: (taskId) => kit.B.answerInputs(taskId, { k: NO }),
      after: (taskId) => kit.B.getTask(taskId),
    });
    const two = await kit.duel({
      over: async () => (await kit.asked(["k1", "k2"])).taskId,
      left: (taskId) => kit.A.answerInputs(taskId, { k1: YES }),
      right: (taskId) => kit.B.answerInputs(taskId, { k2: NO }),
      after: (taskId) => kit.B.getTask(taskId),
    });
    return { same, two };
  },
  judge(expect, { same, two }) {
    for (const { left, right, after, first, pause } of same) {
      const did = `answer one key in both processes (${first} first, ${pause})`;
      const answers = [left, right, { kind: "fulfilled", value: after } as const].map((end) =>
        end.kind === "fulfilled" ? end.value?.inputs["k"]?.response : end,
      );
      for (const answer of answers)
        expect(`${did}: the answer as each call and a read show it`, answer, equalTo(answers[2]));
      expect(`${did}, then read`, after?.status, equalTo("working"));
    }
    for (const { left, right, after, first, pause } of two) {
      const did = `answer two keys in two processes (${first} first, ${pause})`;
      expect(`${did}: A`, left, fulfilled());
      expect(`${did}: B`, right, fulfilled());
      expect(`${did}: k1`, after?.inputs["k1"]?.response, equalTo(YES));
      expect(`${did}: k2`, after?.inputs["k2"]?.response, equalTo(NO));
      expect(`${did}, then read`, after?.status, equalTo("working"));
    }
  },
});

export const strangers: Rule = defineRule({
  id: "inputs/strangers",
  title: "Answers that nobody asked for are ignored and not kept",
  level: "should",
  source: ["X-34"],
  mutants: ["answer-for-closed", "answer-preseeds", "stranger-throws"],
  async act(kit) {
    const { taskId } = await kit.asked(["closed", "k1", "k2"]);
    await kit.A.answerInputs(taskId, { closed: YES });
    const batch = await attempt(kit.B.answerInputs(taskId, { k1: YES, unknown: YES, closed: NO }));
    const only = await attempt(kit.B.answerInputs(taskId, { unknown: YES }));
    const later = await attempt(kit.A.requestInputs(taskId, { unknown: questionFor("unknown") }));
    return { batch, only, later, after: await kit.B.getTask(taskId) };
  },
  judge(expect, { batch, only, later, after }) {
    expect("answer an open, an unknown and a closed key at once", batch, fulfilled());
    expect("answer an unknown key alone", only, fulfilled());
    expect("ask for that key afterwards", later, fulfilled());
    expect("read the answer to the open key", after?.inputs["k1"]?.response, equalTo(YES));
    expect("read the answer to the closed key", after?.inputs["closed"]?.response, equalTo(YES));
    expect("read the open keys", openKeys(after), equalTo(["k2", "unknown"]));
  },
});

export const keyOnce: Rule = defineRule({
  id: "inputs/key-once",
  title: "A key is one question for the whole life of its task",
  level: "must",
  source: ["X-28", "X-29"],
  mutants: ["key-reused", "reask-reopens"],
  async act(kit) {
    const { taskId } = await kit.asked(["open", "answered"]);
    const before = await kit.A.answerInputs(taskId, { answered: YES });
    const other = { method: "elicitation/create", params: { message: "something else?" } };
    const reused = {
      open: await attempt(kit.B.requestInputs(taskId, { open: other })),
      answered: await attempt(kit.B.requestInputs(taskId, { answered: other })),
      "an open and a new": await attempt(kit.A.requestInputs(taskId, { open: other, fresh: questionFor("fresh") })),
    };
    const after = await kit.B.getTask(taskId);
    const same = await attempt(
      kit.B.requestInputs(taskId, { open: questionFor("open"), answered: questionFor("answered") }),
    );
    return { before, reused, after, same, last: await kit.A.getTask(taskId) };
  },
  judge(expect, { before, reused, after, same, last }) {
    for (const [key, call] of Object.entries(reused)) {
      expect(`ask something else under ${key} key`, call, refused("INPUT_KEY_REUSED"));
    }
    expect("read the task then", after, unchanged(before));
    expect("ask the same again", same, fulfilled());
    expect("read its inputs then", last?.inputs, equalTo(before.inputs));
    expect("read its status then", last?.status, equalTo("input_required"));
  },
});

export const terminal: Rule = defineRule({
  id: "inputs/terminal",
  title: "The end of a task closes its questions, and no answer revives it",
  level: "must",
  source: ["S-24", "X-17", "X-34"],
  mutants: ["answer-revives", "terminal-keeps-inputs"],
  act: (kit) =>
    Promise.all(
      (["cancelled", "completed"] as const).map(async (status) => {
        const { taskId } = await kit.asked(["k1", "k2"]);
        await (status === "cancelled" ? kit.B.cancelTask(taskId) : kit.B.finishTask(taskId, COMPLETED));
        const before = await kit.A.getTask(taskId);
        const answer = await attempt(kit.A.answerInputs(taskId, { k1: YES, k2: YES }));
        return { status, before, answer, after: await kit.B.getTask(taskId) };
      }),
    ),
  judge(expect, seen) {
    for (const { status, before, answer, after } of seen) {
      const did = `ask for two inputs, end the task as ${status}`;
      expect(`${did}: the open ones`, openKeys(before), equalTo([]));
      expect(`${did}, answer: the call`, answer, refused("TASK_TERMINAL", "TASK_NOT_FOUND"));
      if (after !== undefined) expect(`${did}, answer, read`, after, equalTo(before));
    }
  },
});
