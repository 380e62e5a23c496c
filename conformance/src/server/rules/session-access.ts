import type { JsonObject } from "@mcp-task-store/core";
import { equalTo, which } from "../../wants.ts";
import { type HttpAnswer, NO_SUCH_ID } from "../http-answer.ts";
import { isTerminalStatus } from "../modern-tasks.ts";
import { defineServerRule, type ServerRule } from "../server-rule.ts";
import { errorCode, is, objectWith, resultWith } from "../server-wants.ts";
import { SessionTasks } from "../session-tasks.ts";
import { isJsonObject, objectIn, textIn } from "../wire-message.ts";

const INVALID_PARAMS = -32_602;

export const cancel: ServerRule = defineServerRule({
  id: "s/cancel",
  title: "A cancelled task is cancelled before the answer, and stays so",
  level: "must",
  generation: "2025-11-25",
  source: ["S-57", "S-58", "S-38"],
  needs: ["slow_compute"],
  mutants: ["s-cancel-lies", "s-cancel-revives", "s-cancel-strands"],
  async act(kit) {
    const tasks = await SessionTasks.open(kit);
    tasks.needs("cancel");
    const { taskId, seconds, answer } = await kit.meanwhile(async (seconds) => {
      const taskId = await tasks.start("slow_compute", { seconds });
      return { taskId, seconds, answer: await tasks.cancel(taskId) };
    });
    const then = await tasks.get(taskId);
    // Made after it, and as long: when this one has ended, the cancelled one would have.
    await tasks.ended(await tasks.start("slow_compute", { seconds }), 1_000 * seconds);
    const result = await tasks.resultOfEnded(taskId);
    return { answer, then, later: await tasks.get(taskId), result };
  },
  judge(expect, { answer, then, later, result }) {
    expect("cancel a task that works", answer, resultWith({ status: is("cancelled") }));
    // It may be deleted at once.
    const cancelled = which("the cancelled task, or that there is none", ({ message }: HttpAnswer) =>
      message?.error === undefined
        ? textIn(message?.result, "status") === "cancelled"
        : message.error.code === INVALID_PARAMS,
    );
    expect("read it right after the answer", then, cancelled);
    expect("read it when its work would have ended", later, cancelled);
    expect(
      "tasks/result of it",
      result,
      which("an answer", (seen: HttpAnswer | undefined) => seen?.message !== undefined),
    );
  },
});

export const cancelEnded: ServerRule = defineServerRule({
  id: "s/cancel-ended",
  title: "Cancelling a task that has ended is refused as invalid",
  level: "must",
  generation: "2025-11-25",
  source: ["S-55"],
  needs: ["slow_compute"],
  mutants: ["s-cancel-twice"],
  async act(kit) {
    const tasks = await SessionTasks.open(kit);
    tasks.needs("cancel");
    const taskId = await tasks.start("slow_compute");
    await tasks.ended(taskId);
    return { answer: await tasks.cancel(taskId), then: await tasks.task(taskId) };
  },
  judge(expect, { answer, then }) {
    expect("cancel a task that has completed", answer, errorCode(INVALID_PARAMS));
    expect("read it then", then, objectWith({ status: is("completed") }));
  },
});

export const unknownId: ServerRule = defineServerRule({
  id: "s/unknown-id",
  title: "An unknown task is refused as invalid",
  level: "must",
  generation: "2025-11-25",
  source: ["S-61"],
  needs: [],
  mutants: ["s-unknown-internal"],
  async act(kit) {
    const tasks = await SessionTasks.open(kit);
    return {
      get: await tasks.get(NO_SUCH_ID),
      result: await tasks.result(NO_SUCH_ID),
      ...(tasks.has("cancel") ? { cancel: await tasks.cancel(NO_SUCH_ID) } : {}),
    };
  },
  judge(expect, answers) {
    for (const [method, answer] of Object.entries(answers)) {
      expect(`tasks/${method} of a task that there is not`, answer, errorCode(INVALID_PARAMS));
    }
  },
});

export const list: ServerRule = defineServerRule({
  id: "s/list",
  title: "What can be read can be listed",
  level: "must",
  generation: "2025-11-25",
  source: ["S-52", "S-54"],
  needs: ["slow_compute", "identity"],
  mutants: ["s-list-misses"],
  async act(kit) {
    const tasks = await SessionTasks.open(kit);
    tasks.needs("list");
    const made = [];
    for (let count = 0; count < 3; count += 1) made.push(await tasks.start("slow_compute"));
    const listed: unknown[] = [];
    let cursor: string | undefined;
    do {
      const { message } = await tasks.session.call("tasks/list", cursor === undefined ? {} : { cursor });
      const page: unknown = message?.result?.["tasks"];
      listed.push(...(Array.isArray(page) ? page : []).filter(isJsonObject).map((task) => task["taskId"]));
      cursor = textIn(message?.result, "nextCursor");
    } while (cursor !== undefined && listed.length < MANY);
    return made.filter((taskId) => !listed.includes(taskId));
  },
  judge(expect, missing) {
    expect("make three tasks, walk tasks/list: those that are not there", missing, equalTo([]));
  },
});

/** A server with more tasks of one caller than this is not walked to its end. */
const MANY = 10_000;

export const badCursor: ServerRule = defineServerRule({
  id: "s/bad-cursor",
  title: "A cursor that is none is refused as invalid",
  level: "must",
  generation: "2025-11-25",
  source: ["S-62"],
  needs: ["identity"],
  mutants: ["s-bad-cursor-ignored"],
  async act(kit) {
    const tasks = await SessionTasks.open(kit);
    tasks.needs("list");
    return tasks.session.call("tasks/list", { cursor: "no such cursor" });
  },
  judge(expect, answer) {
    expect("tasks/list with a cursor that is none", answer, errorCode(INVALID_PARAMS));
  },
});

export const listHidden: ServerRule = defineServerRule({
  id: "s/list-hidden",
  title: "To callers that it cannot tell apart a server declares no list",
  level: "should",
  generation: "2025-11-25",
  source: ["S-72"],
  needs: ["nobody"],
  mutants: ["s-lists-for-all"],
  async act(kit) {
    const { session } = await SessionTasks.open(kit, "nobody");
    return objectIn(objectIn(session.hello, "capabilities"), "tasks");
  },
  judge(expect, tasks: JsonObject) {
    expect("initialize as nobody: capabilities.tasks.list", tasks["list"], equalTo(undefined));
  },
});

export const foreign: ServerRule = defineServerRule({
  id: "s/foreign",
  title: "Somebody else's task cannot be read, listed, cancelled or waited for",
  level: "must",
  generation: "2025-11-25",
  source: ["S-69", "S-73", "S-74"],
  needs: ["slow_compute", "other"],
  mutants: ["s-foreign-shown", "s-foreign-listed"],
  async act(kit) {
    const tasks = await SessionTasks.open(kit);
    const others = await SessionTasks.open(kit, "other");
    const taskId = await tasks.start("slow_compute", { seconds: 2 });
    const answers = {
      get: await others.get(taskId),
      result: await others.result(taskId),
      ...(others.has("cancel") ? { cancel: await others.cancel(taskId) } : {}),
    };
    const { message } = await others.session.call("tasks/list");
    const page: unknown = message?.result?.["tasks"];
    const listed = (Array.isArray(page) ? page : []).filter(isJsonObject).some((task) => task["taskId"] === taskId);
    return { answers, listed, then: await tasks.task(taskId) };
  },
  judge(expect, { answers, listed, then }) {
    for (const [method, answer] of Object.entries(answers)) {
      expect(`tasks/${method} on somebody else's task`, answer, errorCode(INVALID_PARAMS));
    }
    expect("tasks/list of somebody else: the task in it", listed, equalTo(false));
    const same = which(
      "a task that was not cancelled",
      (task: JsonObject) =>
        textIn(task, "status") !== "cancelled" && (isTerminalStatus(task) || textIn(task, "status") === "working"),
    );
    expect("read it as its owner then", then, same);
  },
});
