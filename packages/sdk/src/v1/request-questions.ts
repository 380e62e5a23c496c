import type { InputRequest, JsonObject } from "@mcp-task-store/core";
import { ElicitRequestFormParamsSchema, ResultSchema } from "@modelcontextprotocol/sdk/types.js";
import { AskedQuestions } from "../asked-questions.ts";
import { elicitationAnswer, elicitationRequest } from "../elicitation.ts";
import type { OutputOf, StandardSchemaWithJson } from "../schema.ts";
import type { ElicitationCapability } from "../stored-call.ts";
import type { ElicitAnswer, ElicitRequest, Elicits } from "../tool-context.ts";
import { NO_ANSWER } from "./input-answers.ts";
import type { Extra } from "./intercept-handlers.ts";

/** People take their time, and the request's own signal ends the wait: the longest that a timer can hold. */
const TIMEOUT_MS = 2_147_483_647;

/** Questions without a task: pushed on the request's own stream, while the tool waits. */
export class RequestQuestions implements Elicits {
  readonly #capability: ElicitationCapability;
  readonly #extra: Extra;
  readonly #asked = new AskedQuestions();
  readonly #responses = new Map<string, Promise<JsonObject>>();

  constructor(capability: ElicitationCapability, extra: Extra) {
    this.#capability = capability;
    this.#extra = extra;
  }

  readonly elicit = <S extends StandardSchemaWithJson>(
    key: string,
    request: ElicitRequest<S>,
  ): Promise<ElicitAnswer<OutputOf<S>>> => {
    const answer = this.#elicit(key, request);
    answer.catch(() => undefined);
    return answer;
  };

  async #elicit<S extends StandardSchemaWithJson>(
    key: string,
    request: ElicitRequest<S>,
  ): Promise<ElicitAnswer<OutputOf<S>>> {
    const question = elicitationRequest(key, request, this.#capability);
    this.#asked.note(key, question);
    let response = this.#responses.get(key);
    if (response === undefined) {
      response = this.#ask(question);
      this.#responses.set(key, response);
    }
    return await elicitationAnswer(key, request.requestedSchema, await response);
  }

  async #ask({ params }: InputRequest): Promise<JsonObject> {
    const { sendRequest, signal } = this.#extra;
    const request = { method: "elicitation/create" as const, params: ElicitRequestFormParamsSchema.parse(params) };
    try {
      return await sendRequest(request, ResultSchema, { timeout: TIMEOUT_MS, signal });
    } catch (error) {
      // A client that answers with an error shows no form; its user has chosen nothing.
      if (signal.aborted || !isRefusal(error)) throw error;
      return NO_ANSWER;
    }
  }
}

/** Whether the client said so, with whatever code: what fails here has none. */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && "code" in error && Number.isSafeInteger(error.code);
}
