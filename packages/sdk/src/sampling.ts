import type { InputRequest, JsonObject, JsonRpcError } from "@mcp-task-store/core";
import { z } from "zod";
import { plainJson } from "./plain-json.ts";
import type { CreateMessageParams, CreateMessageResult } from "./sampling-types.ts";
import { type Validated, validateBy } from "./schema-validation.ts";
import { type AskableClient, isJsonObject } from "./stored-call.ts";
import { INVALID_PARAMS, MISSING_CLIENT_CAPABILITY, ToolError } from "./tool-error.ts";

export const SAMPLING = "sampling/createMessage";

const textSchema = z.looseObject({ type: z.literal("text"), text: z.string() });
const imageSchema = z.looseObject({ type: z.literal("image"), data: z.base64(), mimeType: z.string() });
const audioSchema = z.looseObject({ type: z.literal("audio"), data: z.base64(), mimeType: z.string() });
const toolUseSchema = z.looseObject({
  type: z.literal("tool_use"),
  id: z.string(),
  name: z.string(),
  input: z.record(z.string(), z.unknown()),
});
const toolResultSchema = z.looseObject({
  type: z.literal("tool_result"),
  toolUseId: z.string(),
  content: z.array(z.looseObject({ type: z.string() })).optional(),
});

const saidSchema = z.discriminatedUnion("type", [textSchema, imageSchema, audioSchema]);
const saidOrUsedSchema = z.discriminatedUnion("type", [textSchema, imageSchema, audioSchema, toolUseSchema]);
const anySchema = z.discriminatedUnion("type", [textSchema, imageSchema, audioSchema, toolUseSchema, toolResultSchema]);
const roleSchema = z.enum(["user", "assistant"]);

const paramsSchema = z.looseObject({
  messages: z.array(z.looseObject({ role: roleSchema, content: z.union([anySchema, z.array(anySchema)]) })).min(1),
  maxTokens: z.int().min(1),
});

const resultParts = { role: roleSchema, model: z.string(), stopReason: z.string().optional() };
const resultSchema = z.looseObject({ ...resultParts, content: z.union([saidSchema, z.array(saidSchema)]) });
/** Only a model that was given tools can want one. */
const toolResultingSchema = z.looseObject({
  ...resultParts,
  content: z.union([saidOrUsedSchema, z.array(saidOrUsedSchema)]),
});

/**
 * A question to the client's model as it goes over the wire.
 * @throws ToolError -32021 if the client has no model to ask, or none that takes tools; TypeError for params that the
 *   specification does not have
 */
export function samplingRequest(params: CreateMessageParams, { sampling }: AskableClient): InputRequest {
  const needsTools = takesTools(params);
  if (sampling === undefined || (needsTools && !("tools" in sampling))) {
    const lacking = needsTools ? "samples with no tools" : "samples no model";
    throw new ToolError(MISSING_CLIENT_CAPABILITY, `The client that made this call ${lacking}.`, {
      requiredCapabilities: { sampling: needsTools ? { tools: {} } : {} },
    });
  }
  const plain = plainJson(params);
  const checked = paramsSchema.safeParse(plain);
  if (!checked.success) throw new TypeError(`createMessage: ${z.prettifyError(checked.error)}`);
  return { method: SAMPLING, params: isJsonObject(plain) ? plain : {} };
}

/**
 * What the model said.
 * @throws ToolError -32602 for an answer that does not say it; the client's own error where that was its answer
 */
export async function samplingAnswer(key: string, params: object, response: JsonObject): Promise<CreateMessageResult> {
  const { error } = response;
  if (isClientError(error)) throw new ToolError(error.code, error.message, error.data);
  const read = await readSampling(params, response);
  if ("value" in read) return read.value;
  throw new ToolError(INVALID_PARAMS, `The answer to "${key}" is no sampling result: ${read.problem}`);
}

/** Reads a client's answer to such a question. */
export async function readSampling(params: object, response: JsonObject): Promise<Validated<CreateMessageResult>> {
  return takesTools(params)
    ? await validateBy(toolResultingSchema, response)
    : await validateBy(resultSchema, response);
}

function takesTools(params: object): boolean {
  return (
    ("tools" in params && params.tools !== undefined) || ("toolChoice" in params && params.toolChoice !== undefined)
  );
}

/**
 * Whether this is what is kept of a client that answered with an error. Clients may use codes that JSON-RPC does not
 * reserve: -1 for a user who refused is one.
 */
export function isClientError(error: unknown): error is JsonRpcError {
  return isJsonObject(error) && Number.isSafeInteger(error["code"]) && typeof error["message"] === "string";
}
