import type { JsonObject } from "@mcp-task-store/core";
import { ProtocolError, ProtocolErrorCode, type ServerContext } from "@modelcontextprotocol/server";
import { isJsonObject } from "../stored-call.ts";

/**
 * Seals what travels with the client between two rounds of questions: `createRequestStateCodec` of the SDK is one. The
 * server's own option `requestState.verify` opens it.
 */
export interface RequestStateSeal {
  mint(payload: unknown, context: ServerContext): string | Promise<string>;
}

export async function toRequestState(
  state: JsonObject,
  context: ServerContext,
  seal: RequestStateSeal | undefined,
): Promise<string> {
  return seal === undefined ? JSON.stringify(state) : await seal.mint(state, context);
}

/**
 * What this round brought of an earlier one.
 * @throws ProtocolError -32602 for what no round of ours ended with
 */
export function requestStateOf({ mcpReq }: ServerContext): JsonObject | undefined {
  const state: unknown = mcpReq.requestState();
  if (state === undefined) return undefined;
  const opened = typeof state === "string" ? parsed(state) : state;
  if (isJsonObject(opened)) return opened;
  throw new ProtocolError(ProtocolErrorCode.InvalidParams, "Invalid or expired requestState");
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
