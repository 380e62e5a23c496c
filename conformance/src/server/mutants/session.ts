import type { JsonObject } from "@mcp-task-store/core";
import { RELATED_TASK } from "../session.ts";
import { isJsonObject, objectIn, textIn } from "../wire-message.ts";
import { defineServerMutant, onAnswer, onRequest, onResult, type ServerMutant, without } from "./server-mutant.ts";
import type { Exchange, Tampering } from "./tampering-proxy.ts";

const GET = ["tasks/get"];
const METHODS = ["tasks/get", "tasks/result", "tasks/cancel", "tasks/list"];

function codeOf(message: JsonObject): unknown {
  return objectIn(message, "error")["code"];
}

/** An answer in which a result stands for the error. */
function withResult(message: JsonObject, result: JsonObject): JsonObject {
  return { ...without(message, "error"), result };
}

function tasksIn(hello: JsonObject): JsonObject {
  return objectIn(objectIn(hello, "capabilities"), "tasks");
}

function withTasks(hello: JsonObject, tasks: JsonObject): JsonObject {
  return { ...hello, capabilities: { ...objectIn(hello, "capabilities"), tasks } };
}

/** Some requests are those of the first who came with a token. */
function asFirst(concerns: (exchange: Exchange) => boolean): (fired: () => void) => Tampering {
  let first: string | undefined;
  return onRequest((exchange) => {
    const { headers } = exchange;
    first ??= headers["authorization"];
    if (first === undefined || first === headers["authorization"] || !concerns(exchange)) return undefined;
    return { headers: { ...headers, authorization: first } };
  });
}

/** A fault in reading tasks that were cancelled. `reading` counts from 1. */
function afterCancel(
  show: (task: JsonObject, reading: number) => JsonObject | undefined,
): (fired: () => void) => Tampering {
  return (fired) => {
    const readings = new Map<string, number>();
    const { message } = onResult(["tasks/get", "tasks/cancel"], (task, { method, params }) => {
      const taskId = textIn(params, "taskId") ?? "";
      if (method === "tasks/cancel") {
        readings.set(taskId, 0);
        return undefined;
      }
      const before = readings.get(taskId);
      if (before === undefined) return undefined;
      readings.set(taskId, before + 1);
      return show(task, before + 1);
    })(fired);
    return message === undefined ? {} : { message };
  };
}

export const sessionLifecycle: readonly ServerMutant[] = [
  defineServerMutant({
    name: "s-undeclared",
    fault: "Tasks are served and not declared.",
    killedBy: ["s/declared"],
    tamper: onResult(["initialize"], (hello) => withTasks(hello, {})),
  }),
  defineServerMutant({
    name: "s-mode-hidden",
    fault: "tools/list does not say which tools can be tasks.",
    killedBy: ["s/declared"],
    tamper: onResult(["tools/list"], (result) => {
      const { tools } = result;
      return Array.isArray(tools)
        ? { ...result, tools: tools.map((tool: JsonObject) => without(tool, "execution") ?? tool) }
        : undefined;
    }),
  }),
  defineServerMutant({
    name: "s-forbidden-runs",
    fault: "A tool that is never a task runs when one is asked for.",
    killedBy: ["s/forbidden-tool"],
    tamper: onRequest(({ method, params }) => {
      if (method !== "tools/call" || params["name"] !== "greet") return undefined;
      return { params: without(params, "task") ?? params };
    }),
  }),
  defineServerMutant({
    name: "s-required-as-result",
    fault: "That a tool needs a task is told as a result of the tool.",
    killedBy: ["s/required-tool"],
    mayAlso: ["s/forbidden-tool"],
    tamper: onAnswer(["tools/call"], (message) =>
      codeOf(message) === -32_601 ? withResult(message, { isError: true, content: [] }) : undefined,
    ),
  }),
  defineServerMutant({
    name: "s-task-refused",
    fault: "A request that can be no task is refused when it asks for one.",
    killedBy: ["s/other-requests"],
    tamper: onRequest(({ method, params }) =>
      method === "tools/list" && params["task"] !== undefined
        ? { answer: { error: { code: -32_603, message: "No tasks" } } }
        : undefined,
    ),
  }),
  defineServerMutant({
    name: "s-create-flat",
    fault: "A new task is the result itself, as it is in 2026-07-28.",
    killedBy: ["s/create"],
    mayAlso: ["s"],
    tamper: onResult(["tools/call"], ({ task }) => (isJsonObject(task) ? task : undefined)),
  }),
  defineServerMutant({
    name: "s-born-ended",
    fault: "A new task is submitted, not working.",
    killedBy: ["s/create"],
    tamper: onResult(["tools/call"], ({ task }) =>
      isJsonObject(task) ? { task: { ...task, status: "submitted" } } : undefined,
    ),
  }),
  defineServerMutant({
    name: "s-times-epoch",
    fault: "Times are numbers.",
    killedBy: ["s/create"],
    tamper: onResult(GET, (task) => ({ ...task, createdAt: Date.parse(textIn(task, "createdAt") ?? "") })),
  }),
  defineServerMutant({
    name: "s-ttl-missing",
    fault: "tasks/get says no ttl.",
    killedBy: ["s/create"],
    tamper: onResult(GET, (task) => without(task, "ttl")),
  }),
  defineServerMutant({
    name: "s-get-streams",
    fault: "tasks/get is answered by an event stream.",
    killedBy: ["s/get-json"],
    tamper: (fired) => ({
      streams({ method }) {
        if (method !== "tasks/get") return false;
        fired();
        return true;
      },
    }),
  }),
  defineServerMutant({
    name: "s-notification-200",
    fault: "A notification is answered with HTTP 200.",
    killedBy: ["s/http"],
    tamper: (fired) => ({
      status(status) {
        if (status !== 202) return status;
        fired();
        return 200;
      },
    }),
  }),
];

export const sessionResults: readonly ServerMutant[] = [
  defineServerMutant({
    name: "s-result-changed",
    fault: "tasks/result gives less than the tool gave.",
    killedBy: ["s/result"],
    tamper: onResult(["tasks/result"], (result) => ({ ...result, content: [] })),
  }),
  defineServerMutant({
    name: "s-result-unrelated",
    fault: "tasks/result does not name its task.",
    killedBy: ["s/result"],
    tamper: onResult(["tasks/result"], (result) => without(result, "_meta")),
  }),
  defineServerMutant({
    name: "s-result-early",
    fault: "tasks/result does not wait.",
    killedBy: ["s/result-waits"],
    mayAlso: ["s"],
    tamper: onRequest(({ method, params }) =>
      method === "tasks/result"
        ? { answer: { result: { content: [], _meta: { [RELATED_TASK]: { taskId: params["taskId"] } } } } }
        : undefined,
    ),
  }),
  defineServerMutant({
    name: "s-error-as-result",
    fault: "tasks/result makes a result of a JSON-RPC error.",
    killedBy: ["s/result-error"],
    mayAlso: ["s/unknown-id", "s/foreign"],
    tamper: onAnswer(["tasks/result"], (message) =>
      isJsonObject(message["error"]) ? withResult(message, { isError: true, content: [] }) : undefined,
    ),
  }),
  defineServerMutant({
    name: "s-error-flattened",
    fault: "tasks/result makes an internal error of every error of a task.",
    killedBy: ["s/result-error"],
    tamper: onAnswer(["tasks/result"], (message) => {
      const { error } = message;
      if (!isJsonObject(error) || error["code"] === -32_602) return undefined;
      return { ...message, error: { code: -32_603, message: error["message"] } };
    }),
  }),
  defineServerMutant({
    name: "s-iserror-completes",
    fault: "A tool's result that says isError completes its task, as it does in 2026-07-28.",
    killedBy: ["s/iserror"],
    tamper: (fired) => {
      const failing = new Set<unknown>();
      const { message } = onResult(["tools/call", "tasks/get"], (result, { method, params }) => {
        if (method === "tools/call" && params["name"] === "failing_job")
          failing.add(objectIn(result, "task")["taskId"]);
        if (!failing.has(result["taskId"]) || result["status"] !== "failed") return undefined;
        return { ...result, status: "completed" };
      })(fired);
      return message === undefined ? {} : { message };
    },
  }),
  defineServerMutant({
    name: "s-iserror-lost",
    fault: "tasks/result does not say isError.",
    killedBy: ["s/iserror"],
    tamper: onResult(["tasks/result"], (result) => without(result, "isError")),
  }),
  defineServerMutant({
    name: "s-failed-silently",
    fault: "A failed task has no statusMessage.",
    killedBy: ["s/failed-message"],
    tamper: onResult(GET, (task) => (task["status"] === "failed" ? without(task, "statusMessage") : undefined)),
  }),
  defineServerMutant({
    name: "s-get-related",
    fault: "tasks/get names in _meta the task that it shows.",
    killedBy: ["s/no-related-task"],
    tamper: onResult(GET, (task) => ({ ...task, _meta: { [RELATED_TASK]: { taskId: task["taskId"] } } })),
  }),
  defineServerMutant({
    name: "s-meta-wins",
    fault: "A task in _meta counts more than the one in the parameters.",
    killedBy: ["s/parameter-counts"],
    tamper: onRequest(({ method, params }) => {
      const taskId = textIn(objectIn(objectIn(params, "_meta"), RELATED_TASK), "taskId");
      return method === "tasks/get" && taskId !== undefined ? { params: { ...params, taskId } } : undefined;
    }),
  }),
];

export const sessionAccess: readonly ServerMutant[] = [
  defineServerMutant({
    name: "s-cancel-lies",
    fault: "A cancel is answered before it is stored.",
    killedBy: ["s/cancel"],
    tamper: afterCancel((task) => (task["status"] === "cancelled" ? { ...task, status: "working" } : undefined)),
  }),
  defineServerMutant({
    name: "s-cancel-revives",
    fault: "A cancelled task completes when its work ends.",
    killedBy: ["s/cancel"],
    tamper: afterCancel((task, reading) => (reading > 1 ? { ...task, status: "completed" } : undefined)),
  }),
  defineServerMutant({
    name: "s-cancel-strands",
    fault: "tasks/result of a cancelled task is never answered.",
    killedBy: ["s/cancel"],
    tamper: (fired) => {
      const cancelled = new Set<unknown>();
      return onRequest(({ method, params: { taskId } }) => {
        if (method === "tasks/cancel") cancelled.add(taskId);
        return method === "tasks/result" && cancelled.has(taskId) ? { answer: "silence" } : undefined;
      })(fired);
    },
  }),
  defineServerMutant({
    name: "s-cancel-twice",
    fault: "A cancel of a task that has ended is no error.",
    killedBy: ["s/cancel-ended"],
    mayAlso: ["s/unknown-id", "s/foreign"],
    tamper: onAnswer(["tasks/cancel"], (message, { params }) =>
      codeOf(message) === -32_602 ? withResult(message, { taskId: params["taskId"], status: "cancelled" }) : undefined,
    ),
  }),
  defineServerMutant({
    name: "s-unknown-internal",
    fault: "An unknown task is an internal error.",
    killedBy: ["s/unknown-id"],
    mayAlso: ["s/cancel", "s/cancel-ended", "s/bad-cursor", "s/foreign"],
    tamper: onAnswer(METHODS, (message) =>
      codeOf(message) === -32_602 ? { ...message, error: { code: -32_603, message: "Internal error" } } : undefined,
    ),
  }),
  defineServerMutant({
    name: "s-list-misses",
    fault: "Tasks can be read and not listed.",
    killedBy: ["s/list"],
    tamper: onResult(["tasks/list"], () => ({ tasks: [] })),
  }),
  defineServerMutant({
    name: "s-bad-cursor-ignored",
    fault: "A cursor that is none gives the first page.",
    killedBy: ["s/bad-cursor"],
    mayAlso: ["s/list"],
    tamper: onRequest(({ method, params }) => {
      const first = method === "tasks/list" ? without(params, "cursor") : undefined;
      return first && { params: first };
    }),
  }),
  defineServerMutant({
    name: "s-lists-for-all",
    fault: "A list is declared to callers that cannot be told apart.",
    killedBy: ["s/list-hidden"],
    tamper: onResult(["initialize"], (hello) => withTasks(hello, { ...tasksIn(hello), list: {} })),
  }),
  defineServerMutant({
    name: "s-foreign-shown",
    fault: "Tasks belong to nobody.",
    killedBy: ["s/foreign"],
    mayAlso: ["s/list-hidden"],
    tamper: (fired) => asFirst(() => true)(fired),
  }),
  defineServerMutant({
    name: "s-foreign-listed",
    fault: "A list shows everybody's tasks.",
    killedBy: ["s/foreign"],
    tamper: (fired) => asFirst(({ method }) => method === "tasks/list")(fired),
  }),
];
