import type { JsonObject } from "@mcp-task-store/core";
import type { StandardSchemaWithJson } from "./schema.ts";
import { isJsonObject } from "./stored-call.ts";

const ANNOTATIONS = ["type", "title", "description", "default"];

/** What the specification lets a field of a form say, by its type. */
const FIELD_KEYWORDS: ReadonlyMap<unknown, ReadonlySet<string>> = new Map([
  ["string", new Set([...ANNOTATIONS, "minLength", "maxLength", "format", "enum", "enumNames", "oneOf"])],
  ["number", new Set([...ANNOTATIONS, "minimum", "maximum"])],
  ["integer", new Set([...ANNOTATIONS, "minimum", "maximum"])],
  ["boolean", new Set(ANNOTATIONS)],
  ["array", new Set([...ANNOTATIONS, "minItems", "maxItems", "items"])],
]);

const FORMATS: readonly unknown[] = ["email", "uri", "date", "date-time"];

/**
 * A schema as the form of an elicitation: an object of strings, numbers, booleans and lists of choices, one level deep,
 * with the few constraints that the specification knows. Anything else no client can show, so it is refused here, where
 * its author sees it.
 * @throws TypeError that names the field
 * @see spec 2026-07-28 client/elicitation
 */
export function formSchema(schema: StandardSchemaWithJson): JsonObject {
  const json = schema["~standard"].jsonSchema.input({ target: "draft-2020-12" });
  const { type, properties = {}, required } = json;
  if (type !== "object" || !isJsonObject(properties)) throw new TypeError("The requestedSchema must be an object.");
  const fields = Object.entries(properties).map(([name, field]) => [name, formField(name, field)] as const);
  return { type, properties: Object.fromEntries(fields), ...(required === undefined ? {} : { required }) };
}

function formField(name: string, field: unknown): JsonObject {
  const keywords = isJsonObject(field) ? FIELD_KEYWORDS.get(field["type"]) : undefined;
  if (!isJsonObject(field) || keywords === undefined || (field["type"] === "array" && !isChoice(field["items"]))) {
    throw new TypeError(`The requestedSchema's ${name} is no string, number, boolean or list of choices.`);
  }
  const kept = Object.entries(field).filter(([keyword]) => !isImplied(keyword, field));
  const unknown = kept.map(([keyword]) => keyword).find((keyword) => !keywords.has(keyword));
  if (unknown !== undefined) throw new TypeError(`The requestedSchema's ${name} cannot have "${unknown}" in a form.`);
  if ("format" in field && !FORMATS.includes(field["format"])) {
    throw new TypeError(`The requestedSchema's ${name} cannot have the format "${String(field["format"])}" in a form.`);
  }
  return Object.fromEntries(kept);
}

function isChoice(items: unknown): boolean {
  return isJsonObject(items) && (Array.isArray(items["enum"]) || Array.isArray(items["anyOf"]));
}

/** Libraries write a format's own pattern beside it. The answer is validated by the schema itself. */
function isImplied(keyword: string, field: JsonObject): boolean {
  return keyword === "pattern" && "format" in field;
}
