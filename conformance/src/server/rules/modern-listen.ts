import { isDeepStrictEqual } from "node:util";
import type { JsonObject } from "@mcp-task-store/core";
import { equalTo, which } from "../../wants.ts";
import { type Listening, MISSING_CAPABILITY } from "../modern-client.ts";
import { isTerminalStatus, ModernTasks } from "../modern-tasks.ts";
import { defineServerRule, NotOffered, type ServerKit, type ServerRule } from "../server-rule.ts";
import { errorCode } from "../server-wants.ts";
import { objectIn, textIn, type WireMessage } from "../wire-message.ts";

const SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId";
const ACKNOWLEDGED = "notifications/subscriptions/acknowledged";

export const listenCapability: ServerRule = defineServerRule({
  id: "x/listen-capability",
  title: "Only clients that declare the extension may listen to tasks",
  level: "must",
  generation: "2026-07-28",
  source: ["X-44"],
  needs: ["slow_compute"],
  mutants: ["x-listen-unchecked"],
  async act(kit) {
    const tasks = new ModernTasks(kit);
    const taskId = await tasks.start("slow_compute");
    const listening = await tasks.client.listen([taskId], { capabilities: {} });
    listening.close();
    return listening.refusal ?? { status: 200, isStream: true, message: undefined };
  },
  judge(expect, answer) {
    expect("listen to a task without declaring the extension", answer, errorCode(MISSING_CAPABILITY, 400));
  },
});

/** All messages of a stream about a task, up to the news that it has ended; and the task as tasks/get has it then. */
async function heard(
  kit: ServerKit,
): Promise<{ readonly taskId: string; readonly messages: readonly WireMessage[]; readonly task: JsonObject }> {
  const tasks = new ModernTasks(kit);
  const taskId = await tasks.start("slow_compute", { seconds: 1 });
  const listening = await tasks.client.listen([taskId]);
  try {
    const messages = await untilEnd(listening);
    const ids = objectIn(messages.find(({ method }) => method === ACKNOWLEDGED)?.params, "notifications")["taskIds"];
    if (!Array.isArray(ids) || !ids.includes(taskId)) throw new NotOffered("the server tells nothing of its tasks");
    return { taskId, messages, task: await tasks.ended(taskId) };
  } finally {
    listening.close();
  }
}

async function untilEnd(listening: Listening): Promise<readonly WireMessage[]> {
  if (listening.refusal !== undefined) throw new NotOffered("the server has no subscriptions/listen");
  const messages: WireMessage[] = [];
  for (let next = await listening.next(); next !== undefined; next = await listening.next()) {
    messages.push(next);
    if (next.method === "notifications/tasks" && isTerminalStatus(next.params)) break;
  }
  return messages;
}

export const listen: ServerRule = defineServerRule({
  id: "x/listen",
  title: "A stream about tasks begins with its acknowledgement, and each message names the stream",
  level: "must",
  generation: "2026-07-28",
  source: ["X-43", "X-46", "X-47"],
  needs: ["slow_compute"],
  mutants: ["x-listen-late-ack", "x-listen-unnamed", "x-listen-progress"],
  act: heard,
  judge(expect, { messages }) {
    expect("listen to a task: the first message", messages[0]?.method, equalTo(ACKNOWLEDGED));
    for (const { method = "no method", params } of messages) {
      const named = which("its subscription's id", (id: unknown) => id !== undefined);
      expect(`listen to a task: _meta of ${method}`, objectIn(params, "_meta")[SUBSCRIPTION], named);
    }
    const others = messages.map(({ method }) => method).filter((method) => method !== ACKNOWLEDGED);
    const only = which("notifications/tasks only", (methods: typeof others) =>
      methods.every((one) => one === "notifications/tasks"),
    );
    expect("listen to a task: the other messages", others, only);
  },
});

export const listenWhole: ServerRule = defineServerRule({
  id: "x/listen-whole",
  title: "Each notification is the task as tasks/get would give it",
  level: "should",
  generation: "2026-07-28",
  source: ["X-45"],
  needs: ["slow_compute"],
  mutants: ["x-listen-partial"],
  act: heard,
  judge(expect, { taskId, messages, task }) {
    const news = messages.filter(({ method }) => method === "notifications/tasks").map(({ params }) => params);
    for (const params of news) {
      const whole = which("all fields of the task", (seen: JsonObject | undefined) =>
        ["taskId", "status", "createdAt", "lastUpdatedAt", "ttlMs"].every((name) => Object.hasOwn(seen ?? {}, name)),
      );
      expect(`a notification about a task that is ${textIn(params, "status")}`, params, whole);
    }
    const same = which(`what tasks/get says of ${taskId}: ${JSON.stringify(bare(task))}`, (seen: JsonObject) =>
      isDeepStrictEqual(seen, bare(task)),
    );
    expect("the notification of its end", bare(news.at(-1)), same);
  },
});

/** Without what belongs to the message that brought it. */
function bare(task: JsonObject | undefined): JsonObject {
  const { _meta, resultType: _type, ...rest } = task ?? {};
  return rest;
}
