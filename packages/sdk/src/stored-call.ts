import type { JsonObject, TaskRequest } from "@mcp-task-store/core";

/** What a client declared of what it can be asked. Absent: nothing; an empty `elicitation` means forms. */
export interface AskableClient {
  readonly elicitation?: JsonObject | undefined;
  readonly sampling?: JsonObject | undefined;
}

/** A client of which nobody knows, such as one of 2025-11-25 without a session: it says itself what it cannot do. */
export const UNKNOWN_CLIENT: AskableClient = { elicitation: { form: {}, url: {} }, sampling: { tools: {} } };

/** A tool call as its task keeps it, for the workers: no credentials, no `_meta`. With what its client can be asked. */
export interface StoredCall extends AskableClient {
  readonly tool: string;
  readonly arguments: JsonObject;
  /** What `prepare` returned. */
  readonly prepared?: JsonObject | undefined;
}

const METHOD = "tools/call";

export function toRequest({ tool, arguments: args, prepared, elicitation, sampling }: StoredCall): TaskRequest {
  const params = {
    name: tool,
    arguments: args,
    ...(prepared && { prepared }),
    ...(elicitation && { elicitation }),
    ...(sampling && { sampling }),
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
    ...askableClient(params),
  };
}

/** The part of a client's capabilities that is about questions. */
export function askableClient(capabilities: JsonObject): AskableClient {
  return { elicitation: objectAt(capabilities, "elicitation"), sampling: objectAt(capabilities, "sampling") };
}

export function objectAt(params: JsonObject, key: string): JsonObject | undefined {
  const value = params[key];
  return isJsonObject(value) ? value : undefined;
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
