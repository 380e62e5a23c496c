import type { JsonObject } from "@mcp-task-store/core";
import { z } from "zod";
import { LONGEST_TTL_MS } from "./longest-ttl.ts";
import { plainJson } from "./plain-json.ts";
import { isJsonObject } from "./stored-call.ts";
import { validateBy } from "./schema-validation.ts";
import type { NoArguments, OutputOf, StandardSchemaWithJson } from "./schema.ts";
import type { TaskTool, TaskToolDefinition } from "./task-tool.ts";
import type { ToolContext } from "./tool-context.ts";
import { INTERNAL_ERROR, INVALID_PARAMS, ToolError } from "./tool-error.ts";
import { checkedResult } from "./tool-result.ts";

const THIRTY_DAYS_MS = 2_592_000_000;
const ONE_DAY_MS = 86_400_000;

const functionSchema = z.custom<unknown>((value) => typeof value === "function", "must be a function");
const schemaSchema = z.custom<unknown>(isSchema, "must be a Standard Schema that says its JSON Schema");

const settingsSchema = z.object({
  name: z.string().min(1),
  taskSupport: z.enum(["optional", "required"]).optional(),
  ttlMs: z.int().min(1).max(LONGEST_TTL_MS).nullable().optional(),
  pollIntervalMs: z.int().min(1).max(ONE_DAY_MS).optional(),
  maxRunMs: z.int().min(10).max(THIRTY_DAYS_MS).optional(),
  immediateResponse: z.string().min(1).optional(),
  inputSchema: schemaSchema.optional(),
  outputSchema: schemaSchema.optional(),
  prepare: functionSchema.optional(),
  run: functionSchema,
});

/** Some libraries' schemas are functions. */
function isSchema(value: unknown): boolean {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return false;
  return "~standard" in value && isJsonObject(value["~standard"]) && "jsonSchema" in value["~standard"];
}

/**
 * Describes a tool once, for servers of either SDK and for workers: its schemas, how its tasks are made, and what it
 * does. Arguments, answers and results are validated here, by the schemas' own libraries.
 * @throws TypeError for settings out of range; it names them
 */
export function defineTaskTool<
  In extends StandardSchemaWithJson = NoArguments,
  Prepared extends JsonObject | undefined = undefined,
>(definition: TaskToolDefinition<In, Prepared>): TaskTool {
  const settings = settingsSchema.safeParse(definition);
  if (!settings.success) throw new TypeError(`defineTaskTool: ${z.prettifyError(settings.error)}`);
  const { prepare, run, inputSchema, outputSchema, taskSupport = "optional", ...rest } = definition;

  const read = async (args: unknown): Promise<OutputOf<In>> => {
    if (inputSchema === undefined) return {};
    const validated = await validateBy(inputSchema, args ?? {});
    if ("value" in validated) return validated.value;
    throw new ToolError(INVALID_PARAMS, `Invalid arguments for tool ${definition.name}: ${validated.problem}`);
  };

  const tool: TaskTool = {
    ...rest,
    taskSupport,
    inputSchema,
    outputSchema,
    prepare:
      prepare && (async (args, context) => checkedPrepared(definition.name, await prepare(await read(args), context))),
    run: async (args, context) => {
      // What `prepare` returned comes back from the store as JSON: its type is the author's word.
      const result = await run(await read(args), context as ToolContext<Prepared>);
      return await checkedResult(definition.name, result, outputSchema);
    },
  };
  return Object.freeze(tool);
}

/**
 * What `prepare` returned, as the task keeps it and `run` gets it, with a task or without.
 * @throws ToolError -32603 for anything but a JSON object: the client cannot mend it; the cause says what it was
 */
function checkedPrepared(name: string, returned: unknown): JsonObject | undefined {
  if (returned === undefined || returned === null) return undefined;
  let cause: unknown;
  try {
    const plain = plainJson(returned);
    if (isJsonObject(plain)) return plain;
  } catch (error) {
    cause = error;
  }
  const fault = new ToolError(INTERNAL_ERROR, "Internal error");
  fault.cause = new TypeError(`prepare of tool ${name} returned no JSON object.`, { cause });
  throw fault;
}
