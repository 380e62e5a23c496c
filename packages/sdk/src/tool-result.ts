import { z } from "zod";
import { plainJson } from "./plain-json.ts";
import type { StandardSchemaWithJson } from "./schema.ts";
import { validateBy } from "./schema-validation.ts";
import type { ToolResult } from "./tool-context.ts";

const base64Schema = z.string().refine(isBase64, "must be Base64");
const metaSchema = z.record(z.string(), z.unknown()).optional();

const annotationsSchema = z
  .object({
    audience: z.array(z.enum(["user", "assistant"])).optional(),
    priority: z.number().min(0).max(1).optional(),
    lastModified: z.iso.datetime({ offset: true }).optional(),
  })
  .optional();

const iconSchema = z.object({
  src: z.string(),
  mimeType: z.string().optional(),
  sizes: z.array(z.string()).optional(),
  theme: z.enum(["light", "dark"]).optional(),
});

const mediaShape = { data: base64Schema, mimeType: z.string(), annotations: annotationsSchema, _meta: metaSchema };
const resourceShape = { uri: z.string(), mimeType: z.string().optional(), _meta: metaSchema };

const contentSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("text"), text: z.string(), annotations: annotationsSchema, _meta: metaSchema }),
  z.object({ type: z.literal("image"), ...mediaShape }),
  z.object({ type: z.literal("audio"), ...mediaShape }),
  z.object({
    type: z.literal("resource_link"),
    ...resourceShape,
    name: z.string(),
    title: z.string().optional(),
    description: z.string().optional(),
    size: z.number().optional(),
    icons: z.array(iconSchema).optional(),
    annotations: annotationsSchema,
  }),
  z.object({
    type: z.literal("resource"),
    resource: z.union(
      [z.object({ ...resourceShape, text: z.string() }), z.object({ ...resourceShape, blob: base64Schema })],
      "must be the contents of a resource: uri, and text or blob",
    ),
    annotations: annotationsSchema,
    _meta: metaSchema,
  }),
]);

/**
 * A CallToolResult as the official SDK checks it within a request, which this module must not import: a task takes and
 * refuses the same, and leaves the same out of the parts of content.
 */
const resultSchema = z.looseObject({
  content: z.array(contentSchema).optional(),
  isError: z.boolean().optional(),
  _meta: z.looseObject({}).optional(),
});

/**
 * What a tool answered, as any client gets it: made JSON, and checked.
 * @throws Error which the model gets to see, in the words of the official SDK: a task ends as the call would have
 */
export async function checkedResult(
  name: string,
  returned: unknown,
  outputSchema: StandardSchemaWithJson | undefined,
): Promise<ToolResult> {
  const plain = plainResult(name, returned);
  if (plain === undefined) throw new Error(`Tool ${name} returned no result`);
  const shaped = await validateBy(resultSchema, plain);
  if ("problem" in shaped) throw new Error(`Tool ${name} returned no valid result: ${shaped.problem}`);
  const result = shaped.value;
  if (outputSchema === undefined || result.isError === true) return result;
  if (result["structuredContent"] === undefined) {
    throw new Error(
      `Output validation error: Tool ${name} has an output schema but no structured content was provided`,
    );
  }
  const validated = await validateBy(outputSchema, result["structuredContent"]);
  if ("problem" in validated) {
    throw new Error(`Output validation error: Invalid structured content for tool ${name}: ${validated.problem}`);
  }
  return result;
}

function plainResult(name: string, returned: unknown): unknown {
  try {
    return plainJson(returned);
  } catch (cause) {
    throw new Error(`Tool ${name} returned no valid result: it cannot be JSON`, { cause });
  }
}

function isBase64(text: string): boolean {
  try {
    atob(text);
    return true;
  } catch {
    return false;
  }
}
