import type { JsonObject, JsonRpcError } from "@mcp-task-store/core";
import { ResultSchema, type ServerRequest, ServerRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import type { AskableClient } from "../stored-call.ts";
import { AskedQuestions } from "../asked-questions.ts";
import { asksClient, type ClientQuestion, refusalOf } from "../client-question.ts";
import type { AsksClient } from "../tool-context.ts";
import { withElicitationId } from "./elicitation-id.ts";
import type { Extra } from "./intercept-handlers.ts";

/** People take their time, and the request's own signal ends the wait: the longest that a timer can hold. */
const TIMEOUT_MS = 2_147_483_647;

/** What a client is told of a question that nobody waits for any more. */
const OVER = "The tool has ended without it";

/** Questions without a task: pushed on the request's own stream, while the tool waits. */
export class RequestQuestions {
  readonly #questions: AsksClient;
  readonly #extra: Extra;
  /** What takes back the questions that are open. */
  readonly #open = new Set<AbortController>();
  readonly #asked = new AskedQuestions();
  readonly #responses = new Map<string, Promise<JsonObject>>();
  #isOver = false;

  constructor(client: AskableClient, extra: Extra) {
    this.#extra = extra;
    this.#questions = asksClient(client, async (key, question) => await this.#responseTo(key, question));
  }

  /** Asks during some work only: what is open at its end is taken back, before anything that is sent afterwards. */
  async during<T>(work: (questions: AsksClient) => T | Promise<T>): Promise<T> {
    const { signal } = this.#extra;
    const cancel = (): void => this.#takeBack(signal.reason);
    signal.addEventListener("abort", cancel);
    try {
      return await work(this.#questions);
    } finally {
      this.#isOver = true;
      signal.removeEventListener("abort", cancel);
      this.#takeBack(OVER);
    }
  }

  async #responseTo(key: string, question: ClientQuestion): Promise<JsonObject> {
    this.#asked.note(key, question.request);
    let response = this.#responses.get(key);
    if (response === undefined) {
      response = this.#ask(question);
      this.#responses.set(key, response);
    }
    return await response;
  }

  async #ask({ request }: ClientQuestion): Promise<JsonObject> {
    if (this.#isOver) throw new Error("The call has been answered; it can ask no more.");
    // A signal of its own: the SDK takes back whatever a signal was given to, answered or not.
    const takenBack = new AbortController();
    const { signal } = takenBack;
    const asked: ServerRequest = ServerRequestSchema.parse(withElicitationId(request, () => crypto.randomUUID()));
    this.#open.add(takenBack);
    try {
      return await this.#extra.sendRequest(asked, ResultSchema, { timeout: TIMEOUT_MS, signal });
    } catch (error) {
      // A client that answers with an error shows no form, or asks no model.
      if (signal.aborted || !isRefusal(error)) throw error;
      return refusalOf(request, sdkError(error));
    } finally {
      this.#open.delete(takenBack);
    }
  }

  #takeBack(reason: unknown): void {
    for (const takenBack of this.#open) takenBack.abort(reason);
  }
}

/** Whether the client said so, with whatever code: what fails here has none. */
function isRefusal(error: unknown): error is Error & { readonly code: number; readonly data?: unknown } {
  return error instanceof Error && "code" in error && Number.isSafeInteger(error.code);
}

/** As the client said it: the SDK puts the code before its text. */
function sdkError({ code, message, data }: Error & { readonly code: number; readonly data?: unknown }): JsonRpcError {
  const text = message.replace(`MCP error ${code}: `, "");
  return data === undefined ? { code, message: text } : { code, message: text, data };
}
