import type { JsonObject, TaskStore } from "@mcp-task-store/core";
import type { Server } from "@modelcontextprotocol/sdk/server/index.js";
import type { JSONRPCMessage, JSONRPCRequest, JSONRPCResponse, RequestId } from "@modelcontextprotocol/sdk/types.js";
import type { AnySchema } from "@modelcontextprotocol/sdk/server/zod-compat.js";
import type { RequestOptions } from "@modelcontextprotocol/sdk/shared/protocol.js";
import { objectAt } from "../stored-call.ts";
import { canBeKept, KeptQuestions } from "./kept-questions.ts";

const PREFIX = "sdk-input/";
/** Under which a question says to the queue which of the open ones it is. It is not stored. */
const QUESTION_KEY = "mcp-task-store/question";

/** A question that a tool of the SDK's own waits for in this process. */
interface OpenQuestion {
  readonly taskId: string;
  readonly server: Server;
  /** What its server calls it; undefined until it was queued. */
  sdkId?: RequestId;
}

/**
 * What tools of the SDK's own ask. Questions are kept with their task; what else they ask of its client, such as how a
 * task of the client's is, goes through the queue. The SDK counts requests by server, and the queue of a task may be read
 * on the connection of another: there its ids would be taken for that one's. So they are queued under ids that nobody
 * else has, and their answers, on whichever connection of this process, go to the server that asked.
 */
export class SdkQuestions {
  readonly #open = new Map<string, OpenQuestion>();
  readonly #kept: KeptQuestions;

  constructor(store: TaskStore) {
    this.#kept = new KeptQuestions(store);
  }

  /** Notes what a server asks from now on, as long as it waits. */
  watch(server: Server): void {
    const request: unknown = Reflect.get(server, "request");
    if (typeof request !== "function") throw new TypeError("The server has no request.");
    const asking = async (asked: JsonObject, schema: AnySchema, options: RequestOptions = {}): Promise<unknown> => {
      const taskId = options.relatedTask?.taskId;
      if (taskId === undefined) return await Reflect.apply(request, server, [asked, schema, options]);
      if (canBeKept(asked, options)) return await this.#kept.ask(taskId, asked, schema, options);
      const id = newId();
      this.#open.set(id, { taskId, server });
      try {
        const params = objectAt(asked, "params");
        const _meta = { ...(params && objectAt(params, "_meta")), [QUESTION_KEY]: id };
        return await Reflect.apply(request, server, [{ ...asked, params: { ...params, _meta } }, schema, options]);
      } finally {
        this.#open.delete(id);
      }
    };
    Object.defineProperty(server, "request", { value: asking, configurable: true, writable: true });
  }

  /** The question as it is stored: under its unique id. */
  queued(question: JSONRPCRequest): JSONRPCRequest {
    const { [QUESTION_KEY]: id, ..._meta } = question.params?._meta ?? {};
    if (typeof id !== "string") return question;
    const open = this.#open.get(id);
    if (open !== undefined) open.sdkId = question.id;
    return { ...question, id, params: { ...question.params, _meta } };
  }

  /** The task whose question this answers. undefined: nobody in this process waits for it (any more) */
  taskOf(id: RequestId): string | undefined {
    return this.#open.get(String(id))?.taskId;
  }

  /** Gives an answer to the tool that waits for it. @returns whether it does */
  answer(response: JSONRPCResponse): boolean {
    const id = String(response.id);
    const question = this.#open.get(id);
    if (question?.sdkId === undefined) return false;
    this.#open.delete(id);
    // As if it had come over its own connection.
    question.server.transport?.onmessage?.({ ...response, id: question.sdkId });
    return true;
  }

  /** A server takes a question back by the id that it knows; the client knows another. */
  asSent(message: JSONRPCMessage, server: Server): JSONRPCMessage {
    if (!("method" in message) || message.method !== "notifications/cancelled") return message;
    for (const [requestId, question] of this.#open) {
      if (question.server === server && question.sdkId === message.params?.["requestId"]) {
        return { ...message, params: { ...message.params, requestId } };
      }
    }
    return message;
  }
}

/** A question as a client gets it: under an id that no other request has. */
export function withUniqueId(question: JSONRPCRequest): JSONRPCRequest {
  return isSdkQuestionId(question.id) ? question : { ...question, id: newId() };
}

export function isSdkQuestionId(id: unknown): id is string {
  return typeof id === "string" && id.startsWith(PREFIX);
}

function newId(): string {
  return `${PREFIX}${crypto.randomUUID()}`;
}
