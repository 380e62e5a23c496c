import type { InputRequest, JsonObject } from "@mcp-task-store/core";
import { formSchema } from "./form-schema.ts";
import { validateBy } from "./schema-validation.ts";
import type { OutputOf, StandardSchemaWithJson } from "./schema.ts";
import type { ElicitAnswer, ElicitRequest } from "./tool-context.ts";
import type { ElicitationCapability } from "./stored-call.ts";
import { INVALID_PARAMS, MISSING_CLIENT_CAPABILITY, ToolError } from "./tool-error.ts";

const MAX_KEY_BYTES = 255;

/**
 * A question as it goes over the wire.
 * @throws ToolError -32021 if the client shows no forms; TypeError for a key out of range or that no client can answer,
 *   or a schema that no form can show
 */
export function elicitationRequest(
  key: string,
  { message, requestedSchema }: ElicitRequest,
  capability: ElicitationCapability,
): InputRequest {
  const keyBytes = new TextEncoder().encode(key).length;
  if (keyBytes === 0 || keyBytes > MAX_KEY_BYTES) {
    throw new TypeError(`The key of a question has ${keyBytes} bytes; give it 1 to ${MAX_KEY_BYTES}.`);
  }
  // The official SDK loses an answer under it: the question would stay open for ever.
  if (key === "__proto__") throw new TypeError('No client can answer a question with the key "__proto__".');
  if (!showsForms(capability)) {
    throw new ToolError(MISSING_CLIENT_CAPABILITY, "The client that made this call shows no forms.", {
      requiredCapabilities: { elicitation: {} },
    });
  }
  return {
    method: "elicitation/create",
    params: { mode: "form", message, requestedSchema: formSchema(requestedSchema) },
  };
}

/**
 * What the user did, with content as the schema reads it.
 * @throws ToolError -32602 for content that does not fit
 */
export async function elicitationAnswer<S extends StandardSchemaWithJson>(
  key: string,
  schema: S,
  response: JsonObject,
): Promise<ElicitAnswer<OutputOf<S>>> {
  const { action } = response;
  if (action === "decline" || action === "cancel") return { action };
  if (action !== "accept") throw new ToolError(INVALID_PARAMS, `The answer to "${key}" is no elicitation result.`);
  const validated = await validateBy(schema, response["content"]);
  if ("value" in validated) return { action, content: validated.value };
  throw new ToolError(INVALID_PARAMS, `The answer to "${key}" does not fit its schema: ${validated.problem}`);
}

/** An empty capability means forms; one that names other modes only does not. */
export function showsForms(capability: ElicitationCapability): boolean {
  return capability !== undefined && ("form" in capability || !("url" in capability));
}
