import type { InputRequest, JsonObject } from "@mcp-task-store/core";
import { jsonSchemaOf } from "./form-schema.ts";
import { plainJson } from "./plain-json.ts";
import type { StandardSchemaWithJson } from "./schema.ts";
import { isJsonObject, objectAt } from "./stored-call.ts";

/** The param of a stored question that no client is shown. */
const ANSWER_SCHEMA = "answerSchema";

/**
 * A question as its task keeps it: where a form cannot say all that the schema does (a pattern beside a format, no
 * further members), with the whole JSON Schema, so that whoever takes the answer can judge it.
 */
export function withAnswerSchema(request: InputRequest, schema: StandardSchemaWithJson): InputRequest {
  const { $schema: _, ...whole } = jsonSchemaOf(schema);
  const kept = plainJson(whole);
  const { params = {} } = request;
  if (JSON.stringify(kept) === JSON.stringify(params["requestedSchema"])) return request;
  return { ...request, params: { ...params, [ANSWER_SCHEMA]: kept } };
}

/** The JSON Schema that an answer's content is judged by; undefined: the form says all of it. */
export function answerSchemaOf({ params = {} }: InputRequest): JsonObject | undefined {
  return objectAt(params, ANSWER_SCHEMA);
}

/** A stored question as clients see it. */
export function asShown(request: InputRequest): InputRequest {
  if (!isJsonObject(request.params) || !(ANSWER_SCHEMA in request.params)) return request;
  const { [ANSWER_SCHEMA]: _, ...params } = request.params;
  return { ...request, params };
}

/**
 * Whether a client would see two questions as the same. What only their schemas say may change from one deployment of
 * a tool to the next, and its task asks on.
 */
export function looksLike(one: InputRequest, other: InputRequest): boolean {
  return JSON.stringify(asShown(one)) === JSON.stringify(asShown(other));
}
