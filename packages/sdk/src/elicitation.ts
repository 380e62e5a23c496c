import type { InputRequest, JsonObject } from "@mcp-task-store/core";
import type { AskableClient } from "./stored-call.ts";
import { formSchema } from "./form-schema.ts";
import { validateBy } from "./schema-validation.ts";
import type { OutputOf, StandardSchemaWithJson } from "./schema.ts";
import type { ElicitAnswer, ElicitRequest, ElicitUrlAnswer, ElicitUrlRequest } from "./tool-context.ts";
import { INVALID_PARAMS, MISSING_CLIENT_CAPABILITY, ToolError } from "./tool-error.ts";

export const ELICITATION = "elicitation/create";

/**
 * A form as it goes over the wire.
 * @throws ToolError -32021 if the client shows no forms; TypeError for a schema that no form can show
 */
export function formRequest({ message, requestedSchema }: ElicitRequest, { elicitation }: AskableClient): InputRequest {
  if (!showsForms(elicitation)) {
    throw new ToolError(MISSING_CLIENT_CAPABILITY, "The client that made this call shows no forms.", {
      requiredCapabilities: { elicitation: {} },
    });
  }
  return { method: ELICITATION, params: { mode: "form", message, requestedSchema: formSchema(requestedSchema) } };
}

/**
 * An address to open as it goes over the wire.
 * @throws ToolError -32021 if the client opens no addresses; TypeError for what is none
 */
export function urlRequest(
  { message, url, elicitationId }: ElicitUrlRequest,
  { elicitation = {} }: AskableClient,
): InputRequest {
  if (!("url" in elicitation)) {
    throw new ToolError(MISSING_CLIENT_CAPABILITY, "The client that made this call opens no URLs.", {
      requiredCapabilities: { elicitation: { url: {} } },
    });
  }
  if (!URL.canParse(url)) throw new TypeError("The url of a question must be an absolute URL.");
  const params = { mode: "url", message, url, ...(elicitationId !== undefined && { elicitationId }) };
  return { method: ELICITATION, params };
}

/**
 * What the user did with a form, with content as the schema reads it.
 * @throws ToolError -32602 for content that does not fit
 */
export async function elicitationAnswer<S extends StandardSchemaWithJson>(
  key: string,
  schema: S,
  response: JsonObject,
): Promise<ElicitAnswer<OutputOf<S>>> {
  const { action } = urlAnswer(key, response);
  if (action !== "accept") return { action };
  const validated = await validateBy(schema, response["content"]);
  if ("value" in validated) return { action, content: validated.value };
  throw new ToolError(INVALID_PARAMS, `The answer to "${key}" does not fit its schema: ${validated.problem}`);
}

/** What the user did. @throws ToolError -32602 for an answer that does not say it */
export function urlAnswer(key: string, { action }: JsonObject): ElicitUrlAnswer {
  if (action === "accept" || action === "decline" || action === "cancel") return { action };
  throw new ToolError(INVALID_PARAMS, `The answer to "${key}" is no elicitation result.`);
}

/** An empty capability means forms; one that names other modes only does not. */
export function showsForms(elicitation: JsonObject | undefined): boolean {
  return elicitation !== undefined && ("form" in elicitation || !("url" in elicitation));
}
