import type { InputRequest } from "@mcp-task-store/core";
import { type CallToolResult, inputRequired, type InputRequests, specTypeSchemas } from "@modelcontextprotocol/server";
import { z } from "zod";
import { SAMPLING } from "../sampling.ts";
import { validateBy, type Validator } from "../schema-validation.ts";
import type { ToolResult } from "../tool-context.ts";

/** A tool's answer, which was checked before, as the SDK knows it. @throws Error which the model gets to see */
export async function toCallToolResult(result: ToolResult): Promise<CallToolResult> {
  const validated = await validateBy(specTypeSchemas.CallToolResult, result);
  if ("value" in validated) return validated.value;
  throw new Error(`The tool returned no valid result: ${validated.problem}`);
}

/** The SDK's schema is that of 2025-11-25, where an id is required. */
const urlSchema = z.object({ message: z.string(), url: z.string() });

/** Questions as the SDK knows them. @throws TypeError for one that the specification has no room for */
export async function toInputRequests(requests: Readonly<Record<string, InputRequest>>): Promise<InputRequests> {
  const known = Object.entries(requests).map(
    async ([key, request]) => [key, await toInputRequest(key, request)] as const,
  );
  // No key can be mistaken for a member that every object has.
  return Object.fromEntries(await Promise.all(known));
}

async function toInputRequest(key: string, request: InputRequest): Promise<InputRequests[string]> {
  const { method, params } = withoutElicitationId(request);
  if (method === SAMPLING) {
    return inputRequired.createMessage(await known(specTypeSchemas.CreateMessageRequestParams, key, params));
  }
  if (params?.["mode"] === "url") {
    const { message, url } = await known(urlSchema, key, params);
    return inputRequired.elicitUrl({ message, url });
  }
  return inputRequired.elicit(await known(specTypeSchemas.ElicitRequestFormParams, key, params));
}

async function known<T>(schema: Validator<T>, key: string, params: unknown): Promise<T> {
  const validated = await validateBy(schema, params);
  if ("value" in validated) return validated.value;
  throw new TypeError(`The question "${key}" cannot be shown: ${validated.problem}`);
}

/** A question as clients of 2026-07-28 see it: the id of an address to open is of the older version. */
export function withoutElicitationId(request: InputRequest): InputRequest {
  if (request.params?.["elicitationId"] === undefined) return request;
  const { elicitationId: _, ...params } = request.params;
  return { ...request, params };
}
