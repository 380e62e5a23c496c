import type { InputRequest, JsonObject } from "@mcp-task-store/core";
import { AskedQuestions } from "./asked-questions.ts";
import { asksClient, type ClientQuestion } from "./client-question.ts";
import { type AskableClient, isJsonObject, objectAt } from "./stored-call.ts";
import { suspension } from "./suspension.ts";
import type { AsksClient } from "./tool-context.ts";

/** What a round ends with when the client must be asked before the call can go on. */
export interface NextRound {
  readonly inputRequests: Readonly<Record<string, InputRequest>>;
  /** The answers so far. The client hands it back with its next answers; it is no more to be trusted than they are. */
  readonly state: JsonObject;
}

/**
 * Questions without a task: the client is asked by the call's answer and calls again with what its user said, which
 * starts the tool again from the top. Answers of earlier rounds travel with the client.
 * @see spec 2026-07-28 basic/patterns/mrtr; X-12
 */
export class InputRounds {
  readonly questions: AsksClient;
  readonly #answers: ReadonlyMap<string, JsonObject>;
  readonly #asked = new AskedQuestions();
  readonly #missing = new Map<string, InputRequest>();

  /**
   * @param state what an earlier round ended with, from the client
   * @param responses what the client answers in this one
   */
  constructor(client: AskableClient, state: unknown, responses: JsonObject) {
    this.questions = asksClient(client, async (key, question) => this.#responseTo(key, question));
    const earlier = isJsonObject(state) ? (objectAt(state, "answers") ?? {}) : {};
    const answers = [...Object.entries(earlier), ...Object.entries(responses)];
    this.#answers = new Map(answers.filter((entry): entry is [string, JsonObject] => isJsonObject(entry[1])));
  }

  /** What the client must be asked; undefined: the tool ended without open questions. */
  get next(): NextRound | undefined {
    if (this.#missing.size === 0) return undefined;
    // What nobody asked for is not carried on.
    const answers = [...this.#answers].filter(([key]) => this.#asked.has(key));
    return {
      inputRequests: Object.fromEntries(this.#missing),
      state: { answers: Object.fromEntries(answers) },
    };
  }

  #responseTo(key: string, { request }: ClientQuestion): JsonObject {
    this.#asked.note(key, request);
    const response = this.#answers.get(key);
    if (response !== undefined) return response;
    this.#missing.set(key, request);
    throw suspension();
  }
}
