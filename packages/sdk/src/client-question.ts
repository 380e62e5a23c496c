import type { InputRequest, JsonObject, JsonRpcError } from "@mcp-task-store/core";
import type { AskableClient } from "./stored-call.ts";
import { elicitationAnswer, formRequest, urlAnswer, urlRequest } from "./elicitation.ts";
import { withAnswerSchema } from "./answer-schema.ts";
import { observed } from "./observed.ts";
import { isOfSdkTool } from "./sdk-inputs.ts";
import { SAMPLING, samplingAnswer, samplingRequest } from "./sampling.ts";
import type { AskOptions, AsksClient } from "./tool-context.ts";

const MAX_KEY_BYTES = 255;

/** A question, of whatever kind. */
export interface ClientQuestion {
  /** As the client is shown it. */
  readonly request: InputRequest;
  /** As its task keeps it. */
  readonly stored: InputRequest;
}

/** Asks a question under its key, and resolves with what the client answers. */
export type Ask = (key: string, question: ClientQuestion, options: AskOptions) => Promise<JsonObject>;

/** All kinds of questions by one way of asking. Their promises need not be awaited by anybody. */
export function asksClient(client: AskableClient, ask: Ask): AsksClient {
  const answerTo = async <T>(
    key: string,
    question: () => ClientQuestion,
    read: (response: JsonObject) => T | Promise<T>,
    options: AskOptions = {},
  ): Promise<T> => {
    checkKey(key);
    return await read(await ask(key, question(), options));
  };
  return {
    elicit: (key, request, options) => {
      const question = (): ClientQuestion => {
        const shown = formRequest(request, client);
        return { request: shown, stored: withAnswerSchema(shown, request.requestedSchema) };
      };
      const read = async (response: JsonObject): ReturnType<typeof elicitationAnswer<typeof request.requestedSchema>> =>
        await elicitationAnswer(key, request.requestedSchema, response);
      return observed(answerTo(key, question, read, options));
    },
    elicitUrl: (key, request, options) => {
      const question = (): ClientQuestion => asIs(urlRequest(request, client));
      return observed(answerTo(key, question, (response) => urlAnswer(key, response), options));
    },
    createMessage: (key, params, options) => {
      const question = (): ClientQuestion => asIs(samplingRequest(params, client));
      return observed(
        answerTo(key, question, async (response) => await samplingAnswer(key, params, response), options),
      );
    },
  };
}

/**
 * What is kept as the answer of a client that answered with an error: a user who chose nothing, or a model that said
 * nothing, with the reason.
 */
export function refusalOf({ method }: InputRequest, { code, message, data }: JsonRpcError): JsonObject {
  if (method !== SAMPLING) return { action: "cancel" };
  return { error: { code, message, ...(data !== undefined && { data }) } };
}

function asIs(request: InputRequest): ClientQuestion {
  return { request, stored: request };
}

/** @throws TypeError for a key out of range, or that no client can answer */
function checkKey(key: string): void {
  const keyBytes = new TextEncoder().encode(key).length;
  if (keyBytes === 0 || keyBytes > MAX_KEY_BYTES) {
    throw new TypeError(`The key of a question has ${keyBytes} bytes; give it 1 to ${MAX_KEY_BYTES}.`);
  }
  if (isOfSdkTool(key)) throw new TypeError("The key of a question must not start as those of SDK 1.x do.");
  // The official SDK loses an answer under it: the question would stay open for ever.
  if (key === "__proto__") throw new TypeError('No client can answer a question with the key "__proto__".');
}
