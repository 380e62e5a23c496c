import type { InputRequest, JsonObject, Task } from "@mcp-task-store/core";
import { fromJsonSchema, ProtocolError, ProtocolErrorCode } from "@modelcontextprotocol/server";
import { answerSchemaOf } from "../answer-schema.ts";
import { validateBy } from "../schema-validation.ts";
import { isJsonObject, objectAt } from "../stored-call.ts";

const ELICITATION_ACTIONS: readonly unknown[] = ["accept", "decline", "cancel"];

/**
 * The answers that some open question waits for. One that its question cannot take is refused, and all with it: the
 * client can mend it while the task still asks, the worker could only fail.
 * @throws ProtocolError -32602 that names the key
 * @see
 */
export async function checkedAnswers(
  task: Task,
  responses: JsonObject,
): Promise<readonly (readonly [string, JsonObject])[]> {
  const answers: (readonly [string, JsonObject])[] = [];
  for (const [key, response] of Object.entries(responses)) {
    const input = Object.hasOwn(task.inputs, key) ? task.inputs[key] : undefined;
    if (input === undefined || input.response !== undefined) continue;
    const problem = isJsonObject(response) ? await problemOf(input.request, response) : "it is no object";
    if (problem !== undefined) {
      throw new ProtocolError(ProtocolErrorCode.InvalidParams, `Invalid answer to "${key}": ${problem}`, { key });
    }
    if (isJsonObject(response)) answers.push([key, response]);
  }
  return answers;
}

async function problemOf(request: InputRequest, response: JsonObject): Promise<string | undefined> {
  const { method, params = {} } = request;
  if (method !== "elicitation/create") return undefined;
  if (!ELICITATION_ACTIONS.includes(response["action"])) return "action must be accept, decline or cancel";
  const schema = objectAt(params, "requestedSchema");
  if (response["action"] !== "accept" || schema === undefined) return undefined;
  const content = objectAt(response, "content");
  if (content === undefined) return "content must be an object";
  const validated = await validateBy(validatorOf(schema, answerSchemaOf(request)), content);
  return "problem" in validated ? validated.problem : undefined;
}

/** By all that the question's schema says; by its form alone where that is more than the SDK can read. */
function validatorOf(form: JsonObject, whole: JsonObject = form): ReturnType<typeof fromJsonSchema> {
  try {
    return fromJsonSchema(whole);
  } catch {
    // Such as a pattern that is no JavaScript of this kind: the worker still judges by the schema itself.
    return fromJsonSchema(form);
  }
}
