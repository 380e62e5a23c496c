import { setTimeout } from "node:timers/promises";
import type { JsonObject } from "@mcp-task-store/core";
import { anyEnd } from "../attempt.ts";
import type { Journal } from "../journal.ts";
import { answerInTime } from "./answer-in-time.ts";
import { type Headers, type HttpAnswer, NO_SUCH_ID, present, readAnswer, send } from "./http-answer.ts";
import { journalled } from "./journalled.ts";
import { messagesOf } from "./sse.ts";
import type { WireMessage } from "./wire-message.ts";

export const SESSION_VERSION = "2025-11-25";
export const RELATED_TASK = "io.modelcontextprotocol/related-task";

/** What waits for a tool or for a task's end, and what there is no session before. */
const MAY_WAIT: ReadonlySet<string> = new Set(["tools/call", "tasks/result", "initialize"]);

/** How long a session waits for the headers of its stream; some servers send them with the first message only. */
const HEARING_MS = 500;

/** A message that the server sent by itself, and how many of the session's own requests were answered by then. */
export interface Received {
  readonly message: WireMessage;
  /** The id of the request that it came with the answer of; 0: of none. Only on one stream is there an order. */
  readonly stream: number;
  readonly answersBefore: number;
}

/** What the client says to a request of the server. */
export type Answering = (request: WireMessage) => Promise<JsonObject>;

/** A session of 2025-11-25 over Streamable HTTP, as it stands on the wire. */
export class Session {
  readonly #url: string;
  readonly #journal: Journal;
  readonly #deadlineMs: number;
  readonly #over = new AbortController();
  readonly #received: Received[] = [];
  #headers: Headers;
  #lastId = 0;
  #answered = 0;
  #greeting: HttpAnswer | undefined;
  /** @default the user looks away */
  answering: Answering = async () => ({ action: "cancel" });

  private constructor(url: string, headers: Headers, journal: Journal, deadlineMs: number) {
    this.#url = url;
    this.#journal = journal;
    this.#deadlineMs = deadlineMs;
    this.#headers = { "Content-Type": "application/json", Accept: "application/json, text/event-stream", ...headers };
  }

  /**
   * Initializes. `hello` is empty where the server refused.
   * @param headers say who is calling
   */
  static async open(
    url: string,
    options: {
      readonly headers: Headers;
      readonly capabilities: JsonObject;
      readonly journal: Journal;
      readonly deadlineMs: number;
    },
  ): Promise<Session> {
    const { headers, capabilities, journal, deadlineMs } = options;
    const session = new Session(url, headers, journal, deadlineMs);
    const clientInfo = { name: "mcp-task-store-conformance", version: "1" };
    const hello = { protocolVersion: SESSION_VERSION, capabilities, clientInfo };
    session.#greeting = await session.call("initialize", hello);
    if (session.hello["protocolVersion"] !== SESSION_VERSION) return session;
    session.#headers = { ...session.#headers, "MCP-Protocol-Version": SESSION_VERSION };
    await session.notify("notifications/initialized");
    // What the server says before it is heard may be lost.
    await Promise.race([session.#hear(), setTimeout(HEARING_MS, undefined, { ref: false })]);
    return session;
  }

  /** How `initialize` was answered; undefined until it is. */
  get greeting(): HttpAnswer | undefined {
    return this.#greeting;
  }

  /** What the server said of itself. */
  get hello(): JsonObject {
    return this.#greeting?.message?.result ?? {};
  }

  /** What the server sent by itself so far, in the order in which it came. */
  get received(): readonly Received[] {
    return this.#received;
  }

  /** Those of one method. */
  messages(method: string): readonly WireMessage[] {
    return this.#received.map(({ message }) => message).filter((message) => message.method === method);
  }

  /**
   * Any answer is an answer, an error too.
   * @param waits the answer may come late by right
   * @throws CouldNotRun without one
   * @throws Unanswered without one, where it has to come and that of another request does: this fails the rule
   */
  async call(method: string, params: JsonObject = {}, waits: boolean = MAY_WAIT.has(method)): Promise<HttpAnswer> {
    const other = method === "tasks/get" ? "tasks/result" : "tasks/get";
    const ask = (signal: AbortSignal): Promise<HttpAnswer> => this.#ask(other, { taskId: NO_SUCH_ID }, signal);
    const control = waits ? undefined : { method: other, send: ask };
    const asked = { method, deadlineMs: this.#deadlineMs, control };
    const answer = (): Promise<HttpAnswer> => answerInTime(asked, (signal) => this.#ask(method, params, signal));
    return journalled(this.#journal, method, params, answer);
  }

  async #ask(method: string, params: JsonObject, until: AbortSignal): Promise<HttpAnswer> {
    this.#lastId += 1;
    const id = this.#lastId;
    const body = { jsonrpc: "2.0", id, method, params };
    const signal = AbortSignal.any([this.#over.signal, until]);
    const response = await this.#post(body, signal);
    const sessionId = response.headers.get("mcp-session-id");
    if (sessionId !== null) this.#headers = { ...this.#headers, "Mcp-Session-Id": sessionId };
    const answer = await readAnswer(response, id, (message) => this.#take(message, id));
    this.#answered += 1;
    return answer;
  }

  /** @returns the HTTP status */
  async notify(method: string, params: JsonObject = {}): Promise<number> {
    const response = await this.#post({ jsonrpc: "2.0", method, params }, AbortSignal.timeout(this.#deadlineMs));
    await response.body?.cancel();
    return response.status;
  }

  /** Ends the session; streams that are open end with it. */
  async close(): Promise<void> {
    if (this.#headers["Mcp-Session-Id"] !== undefined) {
      const ended = { method: "DELETE", headers: present(this.#headers), signal: AbortSignal.timeout(1_000) };
      await anyEnd(async () => (await fetch(this.#url, ended)).body?.cancel());
    }
    this.#over.abort();
  }

  /** Opens the stream for what belongs to no request. Servers need not have one. */
  async #hear(): Promise<void> {
    const headers = present({ ...this.#headers, Accept: "text/event-stream", "Content-Type": null });
    const opened = await anyEnd(fetch(this.#url, { headers, signal: this.#over.signal }));
    if (opened.kind === "rejected") return;
    const { body, ok } = opened.value;
    if (ok && body !== null) void anyEnd(this.#read(body));
    else await anyEnd(async () => body?.cancel());
  }

  async #read(body: ReadableStream<Uint8Array>): Promise<void> {
    for await (const message of messagesOf(body)) this.#take(message, 0);
  }

  #take(message: WireMessage, stream: number): void {
    this.#received.push({ message, stream, answersBefore: this.#answered });
    if (message.method !== undefined && message.id !== undefined) void anyEnd(this.#answer(message));
  }

  async #answer(request: WireMessage): Promise<void> {
    const result = request.method === "ping" ? {} : await this.answering(request);
    const answer = { jsonrpc: "2.0", id: request.id, result };
    const response = await this.#post(answer, AbortSignal.timeout(this.#deadlineMs));
    await response.body?.cancel();
  }

  #post(message: object, signal: AbortSignal): Promise<Response> {
    return send(this.#url, { method: "POST", headers: present(this.#headers), body: JSON.stringify(message), signal });
  }
}
