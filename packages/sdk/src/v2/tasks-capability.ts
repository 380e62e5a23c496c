import {
  CLIENT_CAPABILITIES_META_KEY,
  type McpServer,
  MissingRequiredClientCapabilityError,
  type ServerContext,
} from "@modelcontextprotocol/server";
import type { JsonObject } from "@mcp-task-store/core";
import { isJsonObject, objectAt } from "../stored-call.ts";

/** The extension's identifier. */
export const TASKS_EXTENSION_ID = "io.modelcontextprotocol/tasks";

/** The first revision that has the extension. Revisions are dates, so they compare as text. */
const MODERN_REVISION = "2026-07-28";

/**
 * What the client declared in this very request; undefined on the legacy era, which has no such thing. The era is
 * the server's: the SDK lifts an envelope out of legacy requests, too, whatever it says.
 */
export function clientCapabilities({ server }: McpServer, { mcpReq }: ServerContext): JsonObject | undefined {
  if ((server.getNegotiatedProtocolVersion() ?? "") < MODERN_REVISION) return undefined;
  return objectAt(mcpReq.envelope ?? {}, CLIENT_CAPABILITIES_META_KEY) ?? {};
}

/** Whether capabilities have the extension. `capabilities.tasks` of the older specification does not count. */
export function declaresTasks(capabilities: JsonObject): boolean {
  const extensions = objectAt(capabilities, "extensions");
  return extensions !== undefined && isJsonObject(extensions[TASKS_EXTENSION_ID]);
}

/** -32021 with its data. */
export function missingTasksCapability(): MissingRequiredClientCapabilityError {
  return new MissingRequiredClientCapabilityError({
    requiredCapabilities: { extensions: { [TASKS_EXTENSION_ID]: {} } },
  });
}
