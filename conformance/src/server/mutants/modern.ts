import type { JsonObject } from "@mcp-task-store/core";
import { TASKS_EXTENSION } from "../modern-client.ts";
import { isJsonObject, objectIn, textIn } from "../wire-message.ts";
import { defineServerMutant, onAnswer, onRequest, onResult, type ServerMutant, without } from "./server-mutant.ts";
import type { Exchange, Tampering } from "./tampering-proxy.ts";

const CAPABILITIES = "io.modelcontextprotocol/clientCapabilities";
const GET = ["tasks/get"];

/** The request, as if its client had declared the extension. */
function declared({ params }: Exchange): Partial<Exchange> {
  const meta = objectIn(params, "_meta");
  const capabilities = { ...objectIn(meta, CAPABILITIES), extensions: { [TASKS_EXTENSION]: {} } };
  return { params: { ...params, _meta: { ...meta, [CAPABILITIES]: capabilities } } };
}

const typed =
  (resultType: string | undefined) =>
  (result: JsonObject): JsonObject | undefined =>
    resultType === undefined ? without(result, "resultType") : { ...result, resultType };

const showingTask = (result: JsonObject, { params }: Exchange): JsonObject => ({
  ...result,
  taskId: params["taskId"],
  status: "working",
});

function codeOf(message: JsonObject): unknown {
  return objectIn(message, "error")["code"];
}

/** Everybody is the first who came with a token. */
function everybodyIsFirst(): (fired: () => void) => Tampering {
  let first: string | undefined;
  return onRequest(({ headers }) => {
    const { authorization } = headers;
    first ??= authorization;
    return first === undefined || first === authorization
      ? undefined
      : { headers: { ...headers, authorization: first } };
  });
}

export const modernCapability: readonly ServerMutant[] = [
  defineServerMutant({
    name: "x-unadvertised",
    fault: "The extension is served and not advertised.",
    killedBy: ["x/advertised"],
    tamper: onResult(["server/discover"], (result) => ({
      ...result,
      capabilities: { ...objectIn(result, "capabilities"), extensions: {} },
    })),
  }),
  defineServerMutant({
    name: "x-advertises-legacy",
    fault: "capabilities.tasks of the older specification is advertised beside the extension.",
    killedBy: ["x/advertised"],
    tamper: onResult(["server/discover"], (result) => ({
      ...result,
      capabilities: { ...objectIn(result, "capabilities"), tasks: { list: {} } },
    })),
  }),
  defineServerMutant({
    name: "x-legacy-counts",
    fault: "A client that declares the older tasks is taken for one of the extension.",
    killedBy: ["x/legacy-capability"],
    tamper: onRequest((exchange) => {
      const capabilities = objectIn(objectIn(exchange.params, "_meta"), CAPABILITIES);
      return capabilities["tasks"] === undefined ? undefined : declared(exchange);
    }),
  }),
  defineServerMutant({
    name: "x-extends-older",
    fault: "A client of 2025-11-25 that names the extension gets tasks of it.",
    killedBy: ["x/older-protocol"],
    tamper: onResult(["tools/call"], (result, { isSession }) =>
      isSession ? { resultType: "task", taskId: "task-1", status: "working", content: result["content"] } : undefined,
    ),
  }),
  defineServerMutant({
    name: "x-headers-ignored",
    fault: "Routing headers are not looked at.",
    killedBy: ["x/headers"],
    tamper: onRequest(({ method, params, headers }) => {
      const name = textIn(params, "taskId");
      if (name === undefined || (headers["mcp-method"] === method && headers["mcp-name"] === name)) return undefined;
      return { headers: { ...headers, "mcp-method": method, "mcp-name": name } };
    }),
  }),
  defineServerMutant({
    name: "x-listen-unchecked",
    fault: "Anybody may listen to tasks.",
    killedBy: ["x/listen-capability"],
    tamper: onRequest((exchange) => (exchange.method === "subscriptions/listen" ? declared(exchange) : undefined)),
  }),
  defineServerMutant({
    name: "x-foreign-shown",
    fault: "Tasks belong to nobody.",
    killedBy: ["x/foreign"],
    tamper: (fired) => everybodyIsFirst()(fired),
  }),
  defineServerMutant({
    name: "x-unknown-id-acked",
    fault: "Updates and cancels of unknown tasks are acknowledged.",
    killedBy: ["x/unknown-id"],
    tamper: onAnswer(["tasks/update", "tasks/cancel"], (message) => {
      const { error: _, ...rest } = message;
      return codeOf(message) === -32_602 ? { ...rest, result: { resultType: "complete" } } : undefined;
    }),
  }),
  defineServerMutant({
    name: "x-unknown-id-internal",
    fault: "An unknown task is an internal error.",
    killedBy: ["x/unknown-id"],
    tamper: onAnswer(["tasks/update", "tasks/cancel"], (message) =>
      codeOf(message) === -32_602 ? { ...message, error: { code: -32_603, message: "Internal error" } } : undefined,
    ),
  }),
];

export const modernResults: readonly ServerMutant[] = [
  defineServerMutant({
    name: "x-get-untyped",
    fault: "tasks/get says no resultType.",
    killedBy: ["x/get-type"],
    tamper: onResult(GET, typed(undefined)),
  }),
  defineServerMutant({
    name: "x-get-typed-task",
    fault: 'tasks/get says resultType "task".',
    killedBy: ["x/get-type", "x/task-type"],
    tamper: onResult(GET, typed("task")),
  }),
  defineServerMutant({
    name: "x-update-untyped",
    fault: "tasks/update says no resultType.",
    killedBy: ["x/update-ack"],
    mayAlso: ["x/unknown-keys"],
    tamper: onResult(["tasks/update"], typed(undefined)),
  }),
  defineServerMutant({
    name: "x-update-shows-task",
    fault: "tasks/update answers with the task.",
    killedBy: ["x/update-ack"],
    tamper: onResult(["tasks/update"], showingTask),
  }),
  defineServerMutant({
    name: "x-cancel-untyped",
    fault: "tasks/cancel says no resultType.",
    killedBy: ["x/cancel-ack"],
    tamper: onResult(["tasks/cancel"], typed(undefined)),
  }),
  defineServerMutant({
    name: "x-cancel-shows-task",
    fault: "tasks/cancel answers with the task, as it did in 2025-11-25.",
    killedBy: ["x/cancel-ack"],
    tamper: onResult(["tasks/cancel"], showingTask),
  }),
  defineServerMutant({
    name: "x-type-everywhere",
    fault: 'Results that are no tasks say resultType "task".',
    killedBy: ["x/task-type"],
    tamper: onResult(["tools/list", "server/discover"], typed("task")),
  }),
  defineServerMutant({
    name: "x-cancelled-misspelt",
    fault: 'A cancelled task is "canceled".',
    killedBy: ["x/cancelled"],
    tamper: onResult(GET, (task) => (task["status"] === "cancelled" ? { ...task, status: "canceled" } : undefined)),
  }),
  defineServerMutant({
    name: "x-cancelled-has-result",
    fault: "A cancelled task has a result.",
    killedBy: ["x/cancelled"],
    tamper: onResult(GET, (task) =>
      task["status"] === "cancelled" ? { ...task, result: { content: [] } } : undefined,
    ),
  }),
  defineServerMutant({
    name: "x-iserror-fails",
    fault: "A tool's own error fails its task, as it did in 2025-11-25.",
    killedBy: ["x/failed"],
    tamper: onResult(GET, (task) => {
      if (objectIn(task, "result")["isError"] !== true) return undefined;
      return { ...without(task, "result"), status: "failed", error: { code: -32_000, message: "the tool failed" } };
    }),
  }),
  defineServerMutant({
    name: "x-failed-without-error",
    fault: "A failed task has no error.",
    killedBy: ["x/failed"],
    mayAlso: ["x/same-result"],
    tamper: onResult(GET, (task) => without(task, "error")),
  }),
  defineServerMutant({
    name: "x-failed-silently",
    fault: "A failed task has no statusMessage.",
    killedBy: ["x/failed-message"],
    tamper: onResult(GET, (task) => (task["status"] === "failed" ? without(task, "statusMessage") : undefined)),
  }),
  defineServerMutant({
    name: "x-result-changed",
    fault: "A result loses its content on the way into the task.",
    killedBy: ["x/same-result"],
    mayAlso: ["x/listen-whole"],
    tamper: onResult(GET, (task) => {
      const { result } = task;
      return isJsonObject(result) ? { ...task, result: { ...result, content: [] } } : undefined;
    }),
  }),
  defineServerMutant({
    name: "x-error-flattened",
    fault: "Every error of a task is an internal one.",
    killedBy: ["x/same-result"],
    tamper: onResult(GET, (task) => {
      const { error } = task;
      return isJsonObject(error) ? { ...task, error: { code: -32_603, message: error["message"] } } : undefined;
    }),
  }),
];
