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

/** Questions without a task: pushed on the request's own stream, while the tool waits. */
export class RequestQuestions {
  readonly questions: AsksClient;
  readonly #extra: Extra;
  readonly #asked = new AskedQuestions();
  readonly #responses = new Map<string, Promise<JsonObject>>();

  constructor(client: AskableClient, extra: Extra) {
    this.#extra = extra;
    this.questions = asksClient(client, async (key, question) => await this.#responseTo(key, question));
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
    const { sendRequest, signal } = this.#extra;
    const asked: ServerRequest = ServerRequestSchema.parse(withElicitationId(request, () => crypto.randomUUID()));
    try {
      return await sendRequest(asked, ResultSchema, { timeout: TIMEOUT_MS, signal });
    } catch (error) {
      // A client that answers with an error shows no form, or asks no model.
      if (signal.aborted || !isRefusal(error)) throw error;
      return refusalOf(request, sdkError(error));
    }
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
