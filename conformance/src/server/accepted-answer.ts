import type { JsonObject } from "@mcp-task-store/core";
import { isJsonObject, objectIn, textIn } from "./wire-message.ts";

const VALUES: Readonly<Record<string, unknown>> = { boolean: true, string: "Ada", number: 1, integer: 1 };

/** A user who fills in every field of the form that was asked, and accepts. */
export function acceptedAnswer(params: JsonObject | undefined): JsonObject {
  const fields = Object.entries(objectIn(objectIn(params, "requestedSchema"), "properties"));
  const filled = fields.map(([name, field]): [string, unknown] => {
    return [name, VALUES[textIn(isJsonObject(field) ? field : {}, "type") ?? ""] ?? "Ada"];
  });
  return { action: "accept", content: Object.fromEntries(filled) };
}
