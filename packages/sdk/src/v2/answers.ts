import type { JsonObject, Task } from "@mcp-task-store/core";
import { fromJsonSchema, ProtocolError, ProtocolErrorCode } from "@modelcontextprotocol/server";
import { answerProblem, type ReadJsonSchema } from "../answer-problem.ts";
import { isBareStatus } from "../sdk-inputs.ts";
import { validateBy } from "../schema-validation.ts";
import { isJsonObject } from "../stored-call.ts";

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
    if (input === undefined || input.response !== undefined || isBareStatus(key)) continue;
    const problem = await answerProblem(input.request, response, read);
    if (problem !== undefined) {
      throw new ProtocolError(ProtocolErrorCode.InvalidParams, `Invalid answer to "${key}": ${problem}`, { key });
    }
    if (isJsonObject(response)) answers.push([key, response]);
  }
  return answers;
}

const read: ReadJsonSchema = (schema) => {
  const validator = fromJsonSchema(schema);
  return async (content) => {
    const validated = await validateBy(validator, content);
    return "problem" in validated ? validated.problem : undefined;
  };
};
