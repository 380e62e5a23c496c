import type { InputRequest, JsonObject } from "@mcp-task-store/core";
import { answerSchemaOf } from "./answer-schema.ts";
import { ELICITATION } from "./elicitation.ts";
import { readSampling, SAMPLING } from "./sampling.ts";
import { isJsonObject, objectAt } from "./stored-call.ts";

const ELICITATION_ACTIONS: readonly unknown[] = ["accept", "decline", "cancel"];

/** Says what is wrong with a form's content; undefined: nothing. */
export type JudgeContent = (content: JsonObject) => string | undefined | Promise<string | undefined>;

/** Makes a judge of a JSON Schema, with what an SDK has for it. @throws for one that it cannot read */
export type ReadJsonSchema = (schema: JsonObject) => JudgeContent;

/** Why a question cannot take an answer, for people; undefined: it can. */
export async function answerProblem(
  request: InputRequest,
  response: unknown,
  read: ReadJsonSchema,
): Promise<string | undefined> {
  if (!isJsonObject(response)) return "it is no object";
  const { method, params = {} } = request;
  if (method === SAMPLING) {
    const said = await readSampling(params, response);
    return "problem" in said ? said.problem : undefined;
  }
  if (method !== ELICITATION) return undefined;
  if (!ELICITATION_ACTIONS.includes(response["action"])) return "action must be accept, decline or cancel";
  const form = objectAt(params, "requestedSchema");
  if (response["action"] !== "accept" || form === undefined) return undefined;
  const content = objectAt(response, "content");
  if (content === undefined) return "content must be an object";
  return await judgeOf(form, answerSchemaOf(request), read)(content);
}

/** By all that the question's schema says; by its form alone where that is more than the SDK can read. */
function judgeOf(form: JsonObject, whole: JsonObject = form, read: ReadJsonSchema): JudgeContent {
  try {
    return read(whole);
  } catch {
    // Such as a pattern that is no JavaScript of this kind: the worker still judges by the schema itself.
    return read(form);
  }
}
