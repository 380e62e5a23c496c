import type { JsonObject } from "@mcp-task-store/core";
import type { Journal } from "../journal.ts";
import { shown } from "../shown.ts";
import { answerInTime } from "./answer-in-time.ts";
import { type Headers, type HttpAnswer, NO_SUCH_ID, present, readAnswer, send } from "./http-answer.ts";
import { journalled } from "./journalled.ts";
import { messagesOf } from "./sse.ts";
import type { WireMessage } from "./wire-message.ts";

export const MODERN_VERSION = "2026-07-28";
export const TASKS_EXTENSION = "io.modelcontextprotocol/tasks";

/** What a client says that takes tasks, and can be asked. */
export const TASK_CAPABILITIES: JsonObject = { elicitation: { form: {} }, extensions: { [TASKS_EXTENSION]: {} } };

/** What a server asks a client to declare that did not. */
export const MISSING_CAPABILITY = -32_021;

export interface ModernCall {
  readonly capabilities?: JsonObject;
  /** Over the right ones; null leaves one out. */
  readonly headers?: Headers;
}

/** One `subscriptions/listen` stream. */
export interface Listening {
  /** What was answered instead of a stream; undefined: it is one. */
  readonly refusal: HttpAnswer | undefined;
  /** The next message; undefined once the stream has ended. */
  next(): Promise<WireMessage | undefined>;
  close(): void;
}

/** Which parameter the header `Mcp-Name` repeats. */
const NAMED_BY: Readonly<Record<string, string>> = {
  "tools/call": "name",
  "tasks/get": "taskId",
  "tasks/update": "taskId",
  "tasks/cancel": "taskId",
};

/** JSON-RPC of 2026-07-28 over HTTP, as it stands on the wire: no session, everything in each request. */
export class ModernClient {
  readonly #url: string;
  readonly #headers: Headers;
  readonly #journal: Journal;
  readonly #deadlineMs: number;
  #lastId = 0;

  /** @param headers say who is calling */
  constructor(url: string, headers: Headers, journal: Journal, deadlineMs: number) {
    this.#url = url;
    this.#headers = headers;
    this.#journal = journal;
    this.#deadlineMs = deadlineMs;
  }

  /**
   * Any answer is an answer, an error too.
   * @throws CouldNotRun without one
   * @throws Unanswered without one, where it has to come and that of another request does: this fails the rule
   */
  async call(method: string, params: JsonObject = {}, call: ModernCall = {}): Promise<HttpAnswer> {
    const other = method === "tasks/get" ? "tasks/cancel" : "tasks/get";
    const ask = (signal: AbortSignal): Promise<HttpAnswer> => this.#ask(other, { taskId: NO_SUCH_ID }, {}, signal);
    // A tool may take as long as it likes, and a server may let it work before it answers with a task.
    const control = method === "tools/call" ? undefined : { method: other, send: ask };
    const asked = { method, deadlineMs: this.#deadlineMs, control };
    const answer = (): Promise<HttpAnswer> => answerInTime(asked, (signal) => this.#ask(method, params, call, signal));
    return journalled(this.#journal, method, params, answer);
  }

  async #ask(method: string, params: JsonObject, call: ModernCall, signal: AbortSignal): Promise<HttpAnswer> {
    const id = this.#nextId();
    return readAnswer(await this.#post(id, method, params, call, signal), id, () => undefined);
  }

  /** Opens a stream about these tasks. */
  async listen(taskIds: readonly string[], call: ModernCall = {}): Promise<Listening> {
    const method = "subscriptions/listen";
    const params = { notifications: { taskIds: [...taskIds] } };
    const line = this.#journal.start(method, [params]);
    const id = this.#nextId();
    const leave = new AbortController();
    const signal = AbortSignal.any([leave.signal, AbortSignal.timeout(this.#deadlineMs)]);
    const response = await this.#post(id, method, params, call, signal);
    const isStream = response.headers.get("content-type")?.includes("text/event-stream") === true;
    if (!isStream || response.body === null) {
      const refusal = await readAnswer(response, id, () => undefined);
      line.ending = () => `→ HTTP ${refusal.status} ${shown(refusal.message?.error, 240)}`;
      return { refusal, next: async () => undefined, close: () => undefined };
    }
    line.ending = () => "→ a stream";
    const messages = messagesOf(response.body);
    return {
      refusal: undefined,
      next: async () => {
        const { value, done } = await messages.next();
        return done === true ? undefined : value;
      },
      close: () => leave.abort(),
    };
  }

  #nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  #post(id: number, method: string, params: JsonObject, call: ModernCall, signal: AbortSignal): Promise<Response> {
    const name = params[NAMED_BY[method] ?? ""];
    const given = params["_meta"];
    const _meta = {
      ...(typeof given === "object" && !Array.isArray(given) ? given : {}),
      "io.modelcontextprotocol/protocolVersion": MODERN_VERSION,
      "io.modelcontextprotocol/clientInfo": { name: "mcp-task-store-conformance", version: "1" },
      "io.modelcontextprotocol/clientCapabilities": call.capabilities ?? TASK_CAPABILITIES,
    };
    const headers = present({
      "Content-Type": "application/json",
      Accept: "application/json, text/event-stream",
      "MCP-Protocol-Version": MODERN_VERSION,
      "Mcp-Method": method,
      ...(typeof name === "string" ? { "Mcp-Name": name } : {}),
      ...this.#headers,
      ...call.headers,
    });
    const body = JSON.stringify({ jsonrpc: "2.0", id, method, params: { ...params, _meta } });
    return send(this.#url, { method: "POST", headers, body, signal });
  }
}
