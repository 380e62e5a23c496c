import type { InputRequest } from "@mcp-task-store/core";
import { type CallToolResult, inputRequired, type InputRequests, specTypeSchemas } from "@modelcontextprotocol/server";
import { validateBy } from "../schema-validation.ts";
import type { ToolResult } from "../tool-context.ts";

/** A tool's answer as the SDK knows it. @throws Error which the model gets to see */
export async function toCallToolResult(result: ToolResult): Promise<CallToolResult> {
  const validated = await validateBy(specTypeSchemas.CallToolResult, jsonOf(result));
  if ("value" in validated) return validated.value;
  throw new Error(`The tool returned no valid result: ${validated.problem}`);
}

/** Questions as the SDK knows them. @throws TypeError for a form that the specification has no room for */
export async function toInputRequests(requests: Readonly<Record<string, InputRequest>>): Promise<InputRequests> {
  const known = Object.entries(requests).map(async ([key, { params }]) => {
    const validated = await validateBy(specTypeSchemas.ElicitRequestFormParams, params);
    if ("problem" in validated) throw new TypeError(`The form "${key}" cannot be shown: ${validated.problem}`);
    return [key, inputRequired.elicit(validated.value)] as const;
  });
  // No key can be mistaken for a member that every object has.
  return Object.fromEntries(await Promise.all(known));
}

/** What is no JSON the SDK could not send, nor say that it cannot. @throws Error which the model gets to see */
function jsonOf(result: ToolResult): unknown {
  try {
    return JSON.parse(JSON.stringify(result));
  } catch (cause) {
    throw new Error("The tool returned no valid result: it is no JSON", { cause });
  }
}
