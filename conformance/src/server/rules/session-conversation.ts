import type { JsonObject } from "@mcp-task-store/core";
import { equalTo, which } from "../../wants.ts";
import { acceptedAnswer } from "../accepted-answer.ts";
import { isTerminalStatus } from "../modern-tasks.ts";
import { defineServerRule, NotOffered, type ServerRule } from "../server-rule.ts";
import { is, isInstant, isText, isTtl, objectWith, resultWith } from "../server-wants.ts";
import type { Received } from "../session.ts";
import { relatedTo, SessionTasks } from "../session-tasks.ts";
import { textIn, type WireMessage } from "../wire-message.ts";

const ELICITATION = "elicitation/create";

export const asks: ServerRule = defineServerRule({
  id: "s/asks",
  title: "A question of a task names the task, and its answer lets the task go on",
  level: "must",
  generation: "2025-11-25",
  source: ["S-26", "S-41", "S-42", "S-28"],
  needs: ["confirm_delete"],
  mutants: ["s-ask-unrelated"],
  async act(kit) {
    const tasks = await SessionTasks.open(kit);
    tasks.session.answering = async ({ params }) => acceptedAnswer(params);
    const taskId = await tasks.start("confirm_delete");
    const answer = await tasks.result(taskId);
    return { taskId, questions: tasks.session.messages(ELICITATION), answer };
  },
  judge(expect, { taskId, questions, answer }) {
    expect(
      "call confirm_delete as a task, ask for its result: questions that came",
      questions.length,
      which("at least one", (count: number) => count > 0),
    );
    for (const question of questions) {
      const named = which(`related-task with ${taskId}`, (id: string | undefined) => id === taskId);
      expect("_meta of a question", relatedTo(question), named);
    }
    expect("answer it; the result of the task", answer, resultWith({ content: Array.isArray }));
  },
});

export const inputRequired: ServerRule = defineServerRule({
  id: "s/input-required",
  title: "A task that asks is input_required until it has its answer",
  level: "should",
  generation: "2025-11-25",
  source: ["S-25", "S-28"],
  needs: ["confirm_delete"],
  mutants: ["s-asks-working", "s-stays-asking"],
  async act(kit) {
    const tasks = await SessionTasks.open(kit);
    let asked: JsonObject | undefined;
    let left: JsonObject | undefined;
    const started = tasks.start("confirm_delete");
    tasks.session.answering = async ({ params }) => {
      // A question may overtake the answer that tells its task.
      asked = await tasks.task(await started);
      return acceptedAnswer(params);
    };
    const taskId = await started;
    await tasks.result(taskId);
    left = await kit.until(
      () => tasks.task(taskId),
      (task) => textIn(task, "status") !== "input_required",
    );
    return { asked, left };
  },
  judge(expect, { asked, left }) {
    expect("read the task while its question is open", asked, objectWith({ status: is("input_required") }));
    expect("read it when all is answered", left, objectWith({ status: is("working", "completed") }));
  },
});

function isProgressOf({ message: { method, params } }: Received, token: string): boolean {
  return method === "notifications/progress" && params?.["progressToken"] === token;
}

function isEndOf({ message: { method, params } }: Received, taskId: string): boolean {
  return method === "notifications/tasks/status" && textIn(params, "taskId") === taskId && isTerminalStatus(params);
}

export const progress: ServerRule = defineServerRule({
  id: "s/progress",
  title: "Progress of a task has the token of its call and names the task",
  level: "must",
  generation: "2025-11-25",
  source: ["S-48", "S-41"],
  needs: ["slow_compute"],
  mutants: ["s-progress-unrelated", "s-progress-other-token"],
  async act(kit) {
    const tasks = await SessionTasks.open(kit);
    const token = "kit-progress";
    const taskId = await tasks.start("slow_compute", { seconds: 1 }, { _meta: { progressToken: token } });
    await tasks.ended(taskId);
    const messages = tasks.session.messages("notifications/progress");
    if (messages.length === 0) throw new NotOffered("the tool reports no progress");
    return { taskId, token, messages };
  },
  judge(expect, { taskId, token, messages }) {
    const tokens = [...new Set(messages.map(({ params }) => params?.["progressToken"]))];
    expect("call slow_compute with a progress token: tokens that came back", tokens, equalTo([token]));
    for (const message of messages) {
      expect(
        "_meta of a report",
        relatedTo(message),
        which(`related-task with ${taskId}`, (id: string | undefined) => id === taskId),
      );
    }
  },
});

export const progressEnds: ServerRule = defineServerRule({
  id: "s/progress-ends",
  title: "Nothing is reported of a task that has ended",
  level: "must",
  generation: "2025-11-25",
  source: ["S-49"],
  needs: ["slow_compute"],
  mutants: ["s-progress-after-end"],
  async act(kit) {
    const tasks = await SessionTasks.open(kit);
    const [token, later] = ["kit-first", "kit-second"];
    const taskId = await tasks.start("slow_compute", { seconds: 1 }, { _meta: { progressToken: token } });
    await tasks.ended(taskId);
    // What came late would have come by the end of another one.
    await tasks.ended(await tasks.start("slow_compute", { seconds: 1 }, { _meta: { progressToken: later } }));
    const { received } = tasks.session;
    if (!received.some((one) => isProgressOf(one, later))) throw new NotOffered("the tool reports no progress");
    // That it arrived after an answer says nothing: that came by another way. A server that sends no status, which it
    // need not, is caught only with what comes behind the first report of the other task.
    const late = received.filter((one, at) => {
      const before = received.slice(0, at).filter(({ stream }) => stream === one.stream);
      return isProgressOf(one, token) && before.some((old) => isProgressOf(old, later) || isEndOf(old, taskId));
    });
    return { late: late.length };
  },
  judge(expect, { late }) {
    const did = "let a task end, then another: reports of the first behind the news of its end or those of the second";
    expect(did, late, equalTo(0));
  },
});

export const statusNotes: ServerRule = defineServerRule({
  id: "s/status-notes",
  title: "A notification of a status is the whole task",
  level: "must",
  generation: "2025-11-25",
  source: ["S-15"],
  needs: ["slow_compute"],
  mutants: ["s-note-partial"],
  async act(kit) {
    return notesOf(await SessionTasks.open(kit));
  },
  judge(expect, notes) {
    const members = { taskId: isText, status: isText, createdAt: isInstant, lastUpdatedAt: isInstant, ttl: isTtl };
    for (const { params } of notes) expect("notifications/tasks/status", params, objectWith(members));
  },
});

export const notesUnrelated: ServerRule = defineServerRule({
  id: "s/status-notes-plain",
  title: "A notification of a status brings no related-task",
  level: "should",
  generation: "2025-11-25",
  source: ["S-46"],
  needs: ["slow_compute"],
  mutants: ["s-note-related"],
  async act(kit) {
    return notesOf(await SessionTasks.open(kit));
  },
  judge(expect, notes) {
    for (const note of notes) {
      const none = which("no related-task", (id: string | undefined) => id === undefined);
      expect("_meta of notifications/tasks/status", relatedTo(note), none);
    }
  },
});

/** What is told of a task's life. @throws NotOffered where that is nothing */
async function notesOf(tasks: SessionTasks): Promise<readonly WireMessage[]> {
  const taskId = await tasks.start("slow_compute", { seconds: 1 });
  await tasks.ended(taskId);
  const notes = tasks.session.messages("notifications/tasks/status");
  if (notes.length === 0) throw new NotOffered("the server tells nothing of its tasks");
  return notes;
}
