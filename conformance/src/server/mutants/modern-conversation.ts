import type { JsonObject } from "@mcp-task-store/core";
import { isJsonObject, objectIn, textIn } from "../wire-message.ts";
import { defineServerMutant, onRequest, onResult, onSaid, type ServerMutant, without } from "./server-mutant.ts";
import type { Exchange, Tampering } from "./tampering-proxy.ts";

const GET = ["tasks/get"];

const INVALID: JsonObject = { error: { code: -32_602, message: "Invalid params" } };

/** What a task asked, key by key, as the server has it. */
type Questions = Map<string, JsonObject>;

/** A fault in the questions of tasks: it has a memory of each task. */
function onQuestions(
  show: (open: JsonObject, memory: Questions) => JsonObject | undefined,
  answered?: (responses: JsonObject, memory: Questions) => JsonObject | undefined,
): (fired: () => void) => Tampering {
  return (fired) => {
    const tasks = new Map<string, Questions>();
    const memoryOf = ({ params }: Exchange): Questions => {
      const taskId = textIn(params, "taskId") ?? "";
      const memory = tasks.get(taskId) ?? new Map();
      tasks.set(taskId, memory);
      return memory;
    };
    const { message } = onResult(GET, (task, exchange) => {
      if (!isJsonObject(task["inputRequests"])) return undefined;
      const inputRequests = show(task["inputRequests"], memoryOf(exchange));
      return inputRequests && { ...task, inputRequests };
    })(fired);
    return {
      ...(message && { message }),
      request(exchange) {
        if (exchange.method !== "tasks/update" || answered === undefined) return undefined;
        const inputResponses = answered(objectIn(exchange.params, "inputResponses"), memoryOf(exchange));
        return inputResponses && { params: { ...exchange.params, inputResponses } };
      },
    };
  };
}

export const modernInputs: readonly ServerMutant[] = [
  defineServerMutant({
    name: "x-key-comes-back",
    fault: "A question that was answered is asked again, once it had gone.",
    killedBy: ["x/input-keys"],
    tamper: (fired) => {
      const gone = new Set<string>();
      return onQuestions((open, memory) => {
        const missing = [...memory.keys()].filter((key) => !Object.hasOwn(open, key));
        for (const [key, question] of Object.entries(open)) memory.set(key, isJsonObject(question) ? question : {});
        const back = missing.filter((key) => gone.has(key));
        for (const key of missing) gone.add(key);
        return back.length === 0
          ? undefined
          : { ...open, ...Object.fromEntries(back.map((key) => [key, memory.get(key)])) };
      })(fired);
    },
  }),
  defineServerMutant({
    name: "x-key-reused",
    fault: "All questions of a task have one key, one after the other.",
    killedBy: ["x/input-keys"],
    tamper: onQuestions(
      (open, memory) => {
        const [[key, question] = ["", {}]] = Object.entries(open);
        memory.clear();
        memory.set(key, {});
        return { question };
      },
      (responses, memory) => {
        const [key] = memory.keys();
        return key === undefined || responses["question"] === undefined ? undefined : { [key]: responses["question"] };
      },
    ),
  }),
  defineServerMutant({
    name: "x-key-changes",
    fault: "A question is put in other words each time it is read.",
    killedBy: ["x/input-keys"],
    tamper: (fired) => {
      let count = 0;
      return onQuestions((open) => {
        count += 1;
        const changed = Object.entries(open).map(([key, question]) => {
          const asked = isJsonObject(question) ? question : {};
          return [key, { ...asked, params: { ...objectIn(asked, "params"), message: `question, ${count}` } }];
        });
        return Object.fromEntries(changed);
      })(fired);
    },
  }),
  defineServerMutant({
    name: "x-unknown-key-refused",
    fault: "An answer to a question that is not open is an error.",
    killedBy: ["x/unknown-keys"],
    tamper: onRequest(({ method, params }) =>
      method === "tasks/update" && Object.hasOwn(objectIn(params, "inputResponses"), "never-asked")
        ? { answer: INVALID }
        : undefined,
    ),
  }),
  defineServerMutant({
    name: "x-unknown-key-ends",
    fault: "An answer to any question takes the task out of input_required.",
    killedBy: ["x/unknown-keys"],
    tamper: (fired) => {
      const answered = new Set<string>();
      const { message } = onResult(GET, (task) => {
        if (!answered.has(textIn(task, "taskId") ?? "") || task["status"] !== "input_required") return undefined;
        return { ...without(task, "inputRequests"), status: "working" };
      })(fired);
      return {
        ...(message && { message }),
        request({ method, params }) {
          if (method === "tasks/update") answered.add(textIn(params, "taskId") ?? "");
          return undefined;
        },
      };
    },
  }),
];

const TASK_NOTE = "notifications/tasks";
const ACKNOWLEDGED = "notifications/subscriptions/acknowledged";

export const modernListen: readonly ServerMutant[] = [
  defineServerMutant({
    name: "x-listen-late-ack",
    fault: "News of a task may come before the acknowledgement of its stream.",
    killedBy: ["x/listen"],
    tamper: (fired) => {
      const held = new WeakMap<Exchange, JsonObject>();
      return {
        message(message, exchange) {
          if (message["method"] === ACKNOWLEDGED) {
            held.set(exchange, message);
            return [];
          }
          const ack = held.get(exchange);
          if (ack === undefined) return [message];
          held.delete(exchange);
          fired();
          return [message, ack];
        },
      };
    },
  }),
  defineServerMutant({
    name: "x-listen-unnamed",
    fault: "News of a task does not say to which subscription it belongs.",
    killedBy: ["x/listen"],
    tamper: onSaid(TASK_NOTE, (note) => [{ ...note, params: without(note.params, "_meta") ?? note.params }]),
  }),
  defineServerMutant({
    name: "x-listen-progress",
    fault: "Progress is told on the stream of a task.",
    killedBy: ["x/listen"],
    tamper: onSaid(TASK_NOTE, (note) => {
      const params = { progressToken: 1, progress: 1, _meta: note.params["_meta"] };
      return [{ jsonrpc: "2.0", method: "notifications/progress", params }, note];
    }),
  }),
  defineServerMutant({
    name: "x-listen-partial",
    fault: "News of a task's end comes without its result.",
    killedBy: ["x/listen-whole"],
    tamper: onSaid(TASK_NOTE, (note) => {
      const params = without(note.params, "result");
      return params && [{ ...note, params }];
    }),
  }),
];
