import { which } from "../../wants.ts";
import { defineServerRule, type ServerRule } from "../server-rule.ts";
import { errorCode, is, isInstant, isText, isTtl, objectWith } from "../server-wants.ts";
import { SessionTasks } from "../session-tasks.ts";
import { objectIn, textIn } from "../wire-message.ts";

const METHOD_NOT_FOUND = -32_601;

export const declared: ServerRule = defineServerRule({
  id: "s/declared",
  title: "A server that takes tasks declares them, and its tools say whether they can be one",
  level: "must",
  generation: "2025-11-25",
  source: ["S-01"],
  needs: ["slow_compute", "failing_job"],
  mutants: ["s-undeclared", "s-mode-hidden"],
  async act(kit) {
    const { session, modeOf } = await SessionTasks.open(kit);
    const call = objectIn(objectIn(objectIn(objectIn(session.hello, "capabilities"), "tasks"), "requests"), "tools")[
      "call"
    ];
    return { call, slow: await modeOf("slow_compute"), failing: await modeOf("failing_job") };
  },
  judge(expect, { call, slow, failing }) {
    expect(
      "initialize: capabilities.tasks.requests.tools.call",
      call,
      which("an object", (seen: unknown) => typeof seen === "object"),
    );
    expect(
      "tools/list: execution.taskSupport of slow_compute",
      slow,
      which('"optional" or "required"', (mode: unknown) => mode === "optional" || mode === "required"),
    );
    expect(
      "tools/list: execution.taskSupport of failing_job",
      failing,
      which('"required"', (mode: unknown) => mode === "required"),
    );
  },
});

export const forbidden: ServerRule = defineServerRule({
  id: "s/forbidden-tool",
  title: "A tool that is never a task is refused as one",
  level: "should",
  generation: "2025-11-25",
  source: ["S-06"],
  needs: ["greet"],
  mutants: ["s-forbidden-runs"],
  async act(kit) {
    const { session } = await SessionTasks.open(kit);
    return session.call("tools/call", { ...kit.tool("greet"), task: {} });
  },
  judge(expect, answer) {
    expect("call greet as a task", answer, errorCode(METHOD_NOT_FOUND));
  },
});

export const required: ServerRule = defineServerRule({
  id: "s/required-tool",
  title: "A tool that is always a task is refused without one",
  level: "must",
  generation: "2025-11-25",
  source: ["S-09"],
  needs: ["failing_job"],
  mutants: ["s-required-as-result"],
  async act(kit) {
    const { session } = await SessionTasks.open(kit);
    return session.call("tools/call", kit.tool("failing_job"));
  },
  judge(expect, answer) {
    expect("call failing_job without a task", answer, errorCode(METHOD_NOT_FOUND));
  },
});

export const otherTypes: ServerRule = defineServerRule({
  id: "s/other-requests",
  title: "A request that can be no task is answered as if nothing had been said of one",
  level: "must",
  generation: "2025-11-25",
  source: ["S-17"],
  needs: [],
  mutants: ["s-task-refused"],
  async act(kit) {
    const { session } = await SessionTasks.open(kit);
    return session.call("tools/list", { task: { ttl: 60_000 } });
  },
  judge(expect, { message }) {
    expect("tools/list with a task", message?.result, objectWith({ tools: Array.isArray }, ["task"]));
  },
});

const TASK = {
  taskId: isText,
  createdAt: isInstant,
  lastUpdatedAt: isInstant,
  ttl: isTtl,
};

export const create: ServerRule = defineServerRule({
  id: "s/create",
  title: "A call that asks for a task is answered with the task, which works",
  level: "must",
  generation: "2025-11-25",
  source: ["S-37", "S-19", "S-22", "S-31", "S-32", "S-34"],
  needs: ["slow_compute"],
  mutants: ["s-create-flat", "s-born-ended", "s-times-epoch", "s-ttl-missing"],
  async act(kit) {
    const tasks = await SessionTasks.open(kit);
    const { message } = await tasks.call("slow_compute", { seconds: 1 }, { task: { ttl: 60_000 } });
    const task = objectIn(message?.result, "task");
    const taskId = textIn(task, "taskId");
    return { task, read: taskId === undefined ? undefined : await tasks.task(taskId) };
  },
  judge(expect, { task, read }) {
    expect("call slow_compute as a task: result.task", task, objectWith({ ...TASK, status: is("working") }));
    expect("tasks/get of it", read, objectWith({ ...TASK, taskId: is(task["taskId"]) }));
  },
});

export const getAsJson: ServerRule = defineServerRule({
  id: "s/get-json",
  title: "tasks/get is answered without a stream",
  level: "should",
  generation: "2025-11-25",
  source: ["S-30"],
  needs: ["slow_compute"],
  mutants: ["s-get-streams"],
  async act(kit) {
    const tasks = await SessionTasks.open(kit);
    return tasks.session.call("tasks/get", { taskId: await tasks.start("slow_compute") });
  },
  judge(expect, answer) {
    expect(
      "tasks/get",
      answer,
      which("an answer that is no event stream", (seen: typeof answer) => !seen.isStream),
    );
  },
});

export const http: ServerRule = defineServerRule({
  id: "s/http",
  title: "A notification is accepted with HTTP 202",
  level: "must",
  generation: "2025-11-25",
  source: ["S-12"],
  needs: [],
  mutants: ["s-notification-200"],
  async act(kit) {
    const { session } = await SessionTasks.open(kit);
    return session.notify("notifications/roots/list_changed");
  },
  judge(expect, status) {
    expect(
      "post a notification",
      status,
      which("HTTP 202", (seen: number) => seen === 202),
    );
  },
});
