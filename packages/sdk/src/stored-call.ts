import type { JsonObject, TaskRequest } from "@mcp-task-store/core";

/** What a client declared of elicitation; undefined: nothing. `{}` means forms. */
export type ElicitationCapability = JsonObject | undefined;

/** A tool call as its task keeps it, for the workers: no credentials, no `_meta`. */
export interface StoredCall {
  readonly tool: string;
  readonly arguments: JsonObject;
  /** What `prepare` returned. */
  readonly prepared?: JsonObject | undefined;
  /** What the client that made the call can be asked. */
  readonly elicitation?: ElicitationCapability;
}

const METHOD = "tools/call";

export function toRequest({ tool, arguments: args, prepared, elicitation }: StoredCall): TaskRequest {
  const params = {
    name: tool,
    arguments: args,
    ...(prepared && { prepared }),
    ...(elicitation && { elicitation }),
  };
  return { method: METHOD, name: tool, params };
}

/** undefined for a request that is no tool call, or none that was stored here. */
export function fromRequest(request: TaskRequest | undefined): StoredCall | undefined {
  const { method, name, params = {} } = request ?? {};
  if (method !== METHOD || name === undefined) return undefined;
  return {
    tool: name,
    arguments: objectAt(params, "arguments") ?? {},
    prepared: objectAt(params, "prepared"),
    elicitation: objectAt(params, "elicitation"),
  };
}

export function objectAt(params: JsonObject, key: string): JsonObject | undefined {
  const value = params[key];
  return isJsonObject(value) ? value : undefined;
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
