import { isDeepStrictEqual } from "node:util";
import { which } from "../../wants.ts";
import type { HttpAnswer } from "../http-answer.ts";
import { answersTo, ModernTasks } from "../modern-tasks.ts";
import { defineServerRule, NotOffered, type ServerRule } from "../server-rule.ts";
import { is, isInstant, isObject, isText, objectWith, resultWith } from "../server-wants.ts";
import { textIn } from "../wire-message.ts";

/** What an acknowledgement may not say: it is no task. */
const TASK_FIELDS = ["taskId", "status", "createdAt", "lastUpdatedAt", "ttlMs", "result", "error", "inputRequests"];

const acknowledged = resultWith(
  { resultType: is("complete") },
  TASK_FIELDS,
  'an empty result of resultType "complete"',
);

export const getType: ServerRule = defineServerRule({
  id: "x/get-type",
  title: 'tasks/get answers with resultType "complete", whatever the status',
  level: "must",
  generation: "2026-07-28",
  source: ["X-22", "X-16", "X-17", "X-19"],
  needs: ["slow_compute", "confirm_delete"],
  mutants: ["x-get-untyped", "x-get-typed-task"],
  async act(kit) {
    const tasks = new ModernTasks(kit);
    const slow = await tasks.start("slow_compute", { seconds: 1 });
    const working = await tasks.task(slow);
    const asking = await tasks.start("confirm_delete");
    const questions = await tasks.asking(asking);
    const asked = await tasks.task(asking);
    await tasks.update(asking, answersTo(questions));
    return [working, asked, await tasks.ended(asking), await tasks.ended(slow)];
  },
  judge(expect, seen) {
    for (const task of seen) {
      const members = { resultType: is("complete"), createdAt: isInstant, lastUpdatedAt: isInstant };
      expect(`read a task that is ${textIn(task, "status")}`, task, objectWith(members));
    }
  },
});

export const updateAck: ServerRule = defineServerRule({
  id: "x/update-ack",
  title: "tasks/update is acknowledged with an empty result",
  level: "must",
  generation: "2026-07-28",
  source: ["X-31", "X-36"],
  needs: ["confirm_delete"],
  mutants: ["x-update-untyped", "x-update-shows-task"],
  async act(kit) {
    const tasks = new ModernTasks(kit);
    const taskId = await tasks.start("confirm_delete");
    const answers = answersTo(await tasks.asking(taskId));
    return { none: await tasks.update(taskId, {}), all: await tasks.update(taskId, answers) };
  },
  judge(expect, { none, all }) {
    expect("update a task with no answers", none, acknowledged);
    expect("update it with all answers", all, acknowledged);
  },
});

export const cancelAck: ServerRule = defineServerRule({
  id: "x/cancel-ack",
  title: "tasks/cancel is acknowledged with an empty result, also of a task that has ended",
  level: "must",
  generation: "2026-07-28",
  source: ["X-38", "X-42"],
  needs: ["slow_compute"],
  mutants: ["x-cancel-untyped", "x-cancel-shows-task"],
  async act(kit) {
    const tasks = new ModernTasks(kit);
    const taskId = await tasks.start("slow_compute", { seconds: 20 });
    const first = await tasks.cancel(taskId);
    const ended = await tasks.start("slow_compute");
    await tasks.ended(ended);
    return { first, ended: await tasks.cancel(ended) };
  },
  judge(expect, { first, ended }) {
    expect("cancel a task that runs", first, acknowledged);
    expect("cancel a task that has completed", ended, acknowledged);
  },
});

export const typeElsewhere: ServerRule = defineServerRule({
  id: "x/task-type",
  title: 'Only a new task has resultType "task"',
  level: "must",
  generation: "2026-07-28",
  source: ["X-09"],
  needs: ["greet", "slow_compute"],
  mutants: ["x-type-everywhere", "x-get-typed-task"],
  async act(kit) {
    const tasks = new ModernTasks(kit);
    const taskId = await tasks.start("slow_compute");
    const answers: Readonly<Record<string, HttpAnswer>> = {
      "server/discover": await tasks.client.call("server/discover"),
      "tools/list": await tasks.client.call("tools/list"),
      "a call of greet": await tasks.call("greet"),
      "tasks/get": await tasks.get(taskId),
      "tasks/update": await tasks.update(taskId, {}),
      "tasks/cancel": await tasks.cancel(taskId),
    };
    return answers;
  },
  judge(expect, answers) {
    for (const [what, answer] of Object.entries(answers)) {
      const other = which('a result of another resultType than "task"', ({ message }: HttpAnswer) => {
        return message?.result !== undefined && message.result["resultType"] !== "task";
      });
      expect(what, answer, other);
    }
  },
});

export const cancelled: ServerRule = defineServerRule({
  id: "x/cancelled",
  title: "A cancelled task says so, and has no result",
  level: "must",
  generation: "2026-07-28",
  source: ["X-20"],
  needs: ["slow_compute"],
  mutants: ["x-cancelled-misspelt", "x-cancelled-has-result"],
  async act(kit) {
    const tasks = new ModernTasks(kit);
    const taskId = await tasks.start("slow_compute", { seconds: 5 });
    await tasks.cancel(taskId);
    const known: ReadonlySet<string | undefined> = new Set(["working", "input_required", undefined]);
    // Gone is allowed: then there is nothing to judge.
    const last = await kit.until(
      async () => (await tasks.get(taskId)).message?.result,
      (task) => task === undefined || !known.has(textIn(task, "status")),
    );
    if (last === undefined) throw new NotOffered("cancelled tasks are deleted at once");
    if (textIn(last, "status") === "completed")
      throw new NotOffered("the server does not stop what it is asked to cancel");
    return last;
  },
  judge(expect, task) {
    expect(
      "cancel a task, read it when it has ended",
      task,
      objectWith({ status: is("cancelled") }, ["result", "error"]),
    );
  },
});

export const failed: ServerRule = defineServerRule({
  id: "x/failed",
  title: "failed is for JSON-RPC errors, and brings the error; a tool's own error completes",
  level: "must",
  generation: "2026-07-28",
  source: ["X-10", "X-21", "X-55", "X-56"],
  needs: ["protocol_error_job", "failing_job"],
  mutants: ["x-iserror-fails", "x-failed-without-error"],
  async act(kit) {
    const tasks = new ModernTasks(kit);
    const [failing, erring] = [await tasks.start("failing_job"), await tasks.start("protocol_error_job")];
    return { failing: await tasks.ended(failing), erring: await tasks.ended(erring) };
  },
  judge(expect, { failing, erring }) {
    const completed = objectWith({ status: is("completed"), result: isObject }, ["error"]);
    expect("run failing_job, whose result says isError", failing, completed);
    const withError = objectWith({ status: is("failed"), error: isObject }, ["result"]);
    expect("run protocol_error_job, which ends with a JSON-RPC error", erring, withError);
  },
});

export const failedMessage: ServerRule = defineServerRule({
  id: "x/failed-message",
  title: "A failed task says in its statusMessage what went wrong",
  level: "should",
  generation: "2026-07-28",
  source: ["X-55"],
  needs: ["protocol_error_job"],
  mutants: ["x-failed-silently"],
  async act(kit) {
    const tasks = new ModernTasks(kit);
    return tasks.ended(await tasks.start("protocol_error_job"));
  },
  judge(expect, task) {
    expect("run protocol_error_job, read its task", task, objectWith({ status: is("failed"), statusMessage: isText }));
  },
});

export const same: ServerRule = defineServerRule({
  id: "x/same-result",
  title: "A task ends with what the call would have been answered with",
  level: "must",
  generation: "2026-07-28",
  source: ["X-57"],
  needs: ["slow_compute", "protocol_error_job"],
  mutants: ["x-result-changed", "x-error-flattened"],
  async act(kit) {
    const tasks = new ModernTasks(kit);
    const within = { capabilities: { elicitation: { form: {} } } };
    const result = (await tasks.call("slow_compute", {}, within)).message?.result;
    const error = (await tasks.call("protocol_error_job", {}, within)).message?.error;
    const [slow, erring] = [await tasks.start("slow_compute"), await tasks.start("protocol_error_job")];
    return { result, error, slow: await tasks.ended(slow), erring: await tasks.ended(erring) };
  },
  judge(expect, { result, error, slow, erring }) {
    if (result !== undefined) {
      const same = which(`the content of the plain call: ${JSON.stringify(result["content"])}`, (seen: unknown) => {
        return (
          typeof seen === "object" &&
          seen !== null &&
          "content" in seen &&
          isDeepStrictEqual(seen.content, result["content"])
        );
      });
      expect("call slow_compute plainly, and as a task: its result", slow["result"], same);
    }
    // -32021 is no answer of the tool: it runs as a task only.
    if (error !== undefined && error.code !== -32_021) {
      const same = which(`the error of the plain call: ${JSON.stringify(error)}`, (seen: unknown) =>
        isDeepStrictEqual(seen, error),
      );
      expect("call protocol_error_job plainly, and as a task: its error", erring["error"], same);
    }
  },
});
