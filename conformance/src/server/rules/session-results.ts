import { isDeepStrictEqual } from "node:util";
import { which } from "../../wants.ts";
import type { HttpAnswer } from "../http-answer.ts";
import { isTerminalStatus } from "../modern-tasks.ts";
import { defineServerRule, type ServerRule } from "../server-rule.ts";
import { is, isText, objectWith, resultWith } from "../server-wants.ts";
import { RELATED_TASK } from "../session.ts";
import { relatedTo, SessionTasks } from "../session-tasks.ts";

const METHOD_NOT_FOUND = -32_601;

export const result: ServerRule = defineServerRule({
  id: "s/result",
  title: "tasks/result gives what the call would have been answered with, and names the task",
  level: "must",
  generation: "2025-11-25",
  source: ["S-38", "S-40", "S-41", "S-47", "S-68"],
  needs: ["slow_compute"],
  mutants: ["s-result-changed", "s-result-unrelated"],
  async act(kit) {
    const tasks = await SessionTasks.open(kit);
    const plain = (await tasks.call("slow_compute")).message?.result;
    const taskId = await tasks.start("slow_compute");
    await tasks.ended(taskId);
    return { taskId, plain, first: await tasks.result(taskId), again: await tasks.result(taskId) };
  },
  judge(expect, { taskId, plain, first, again }) {
    const content = plain?.["content"];
    for (const [did, answer] of Object.entries({ "tasks/result": first, "tasks/result once more": again })) {
      const text = content === undefined ? "its content" : `the content of the plain call: ${JSON.stringify(content)}`;
      const same = (seen: unknown): boolean =>
        content === undefined ? Array.isArray(seen) : isDeepStrictEqual(seen, content);
      expect(`${did} of slow_compute`, answer, resultWith({ content: same }, [], text));
      const related = which(`related-task with ${taskId}`, (id: string | undefined) => id === taskId);
      expect(`${did}: its _meta`, relatedTo(answer.message), related);
    }
  },
});

export const blocks: ServerRule = defineServerRule({
  id: "s/result-waits",
  title: "tasks/result of a task that works is answered when it has ended",
  level: "must",
  generation: "2025-11-25",
  source: ["S-39"],
  needs: ["slow_compute"],
  mutants: ["s-result-early"],
  async act(kit) {
    const tasks = await SessionTasks.open(kit);
    const taskId = await tasks.start("slow_compute", { seconds: 1 });
    const answer = await tasks.result(taskId);
    return { answer, then: await tasks.task(taskId) };
  },
  judge(expect, { answer, then }) {
    expect(
      "tasks/result of a task that works; read the task when the answer is there",
      then,
      which("a task that has ended", isTerminalStatus),
    );
    expect("the answer", answer, resultWith({ content: Array.isArray }));
  },
});

export const error: ServerRule = defineServerRule({
  id: "s/result-error",
  title: "tasks/result of a call that ended with a JSON-RPC error is that error",
  level: "must",
  generation: "2025-11-25",
  source: ["S-67", "S-40"],
  needs: ["protocol_error_job"],
  mutants: ["s-error-as-result", "s-error-flattened"],
  async act(kit) {
    const tasks = await SessionTasks.open(kit);
    const plain = (await tasks.call("protocol_error_job")).message?.error;
    const taskId = await tasks.start("protocol_error_job");
    return { plain, task: await tasks.ended(taskId), answer: await tasks.result(taskId) };
  },
  judge(expect, { plain, task, answer }) {
    expect("run protocol_error_job, read its task", task, objectWith({ status: is("failed") }));
    // A tool that is always a task has no plain answer.
    const known = plain?.code === METHOD_NOT_FOUND ? undefined : plain;
    const text = known === undefined ? "a JSON-RPC error" : `the error of the plain call: ${JSON.stringify(known)}`;
    const same = which(text, ({ message }: HttpAnswer) =>
      known === undefined ? message?.error !== undefined : isDeepStrictEqual(message?.error, known),
    );
    expect("tasks/result of it", answer, same);
  },
});

export const toolError: ServerRule = defineServerRule({
  id: "s/iserror",
  title: "A tool's result that says isError ends the task as failed, and is its result",
  level: "must",
  generation: "2025-11-25",
  source: ["S-66", "S-68"],
  needs: ["failing_job"],
  mutants: ["s-iserror-completes", "s-iserror-lost"],
  async act(kit) {
    const tasks = await SessionTasks.open(kit);
    const taskId = await tasks.start("failing_job");
    return { task: await tasks.ended(taskId), answer: await tasks.result(taskId) };
  },
  judge(expect, { task, answer }) {
    expect("run failing_job, read its task", task, objectWith({ status: is("failed") }));
    expect("tasks/result of it", answer, resultWith({ isError: is(true) }));
  },
});

export const failedMessage: ServerRule = defineServerRule({
  id: "s/failed-message",
  title: "A failed task says in its statusMessage what went wrong",
  level: "should",
  generation: "2025-11-25",
  source: ["S-65"],
  needs: ["protocol_error_job"],
  mutants: ["s-failed-silently"],
  async act(kit) {
    const tasks = await SessionTasks.open(kit);
    return tasks.ended(await tasks.start("protocol_error_job"));
  },
  judge(expect, task) {
    expect("run protocol_error_job, read its task", task, objectWith({ status: is("failed"), statusMessage: isText }));
  },
});

export const unrelated: ServerRule = defineServerRule({
  id: "s/no-related-task",
  title: "Results that are tasks bring no related-task",
  level: "should",
  generation: "2025-11-25",
  source: ["S-45"],
  needs: ["slow_compute"],
  mutants: ["s-get-related"],
  async act(kit) {
    const tasks = await SessionTasks.open(kit);
    const taskId = await tasks.start("slow_compute", { seconds: 20 });
    const get = await tasks.get(taskId);
    return { get, cancel: await tasks.cancel(taskId) };
  },
  judge(expect, answers) {
    for (const [method, { message }] of Object.entries(answers)) {
      const none = which("no related-task", (id: string | undefined) => id === undefined);
      expect(`tasks/${method}: _meta of its result`, relatedTo(message), none);
    }
  },
});

export const parameter: ServerRule = defineServerRule({
  id: "s/parameter-counts",
  title: "The taskId of the parameters counts, whatever _meta says",
  level: "must",
  generation: "2025-11-25",
  source: ["S-43"],
  needs: ["slow_compute"],
  mutants: ["s-meta-wins"],
  async act(kit) {
    const tasks = await SessionTasks.open(kit);
    const [meant, other] = [await tasks.start("slow_compute"), await tasks.start("slow_compute")];
    return { meant, answer: await tasks.get(meant, { _meta: { [RELATED_TASK]: { taskId: other } } }) };
  },
  judge(expect, { meant, answer }) {
    expect(
      "tasks/get with another task in its _meta",
      answer,
      resultWith({ taskId: is(meant) }, [], `the task ${meant}`),
    );
  },
});
