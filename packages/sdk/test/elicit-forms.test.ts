import type { JsonObject, Task } from "@mcp-task-store/core";
import { ElicitRequestV2Schema } from "@modelcontextprotocol/ext-tasks/core/v2";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { createTaskWorker, type StandardSchemaWithJson, ToolError } from "../src/index.ts";
import { ASK_SURE, taskFor, text, toolOf } from "./task-tools.ts";
import { asked, read, twoStores } from "./two-stores.ts";

/** What a tool gets for one question that is answered like this. */
async function answered(
  requestedSchema: StandardSchemaWithJson,
  answer: JsonObject,
): Promise<{ readonly got: unknown; readonly task: Task }> {
  await using stores = twoStores();
  const { taskId } = await taskFor(stores.a);
  let got: unknown;
  const tool = toolOf(async ({ elicit }) => {
    got = await elicit("k", { message: "?", requestedSchema }).catch((error: unknown) => error);
    return text("done");
  });
  const running = createTaskWorker(stores.a, { tools: [tool] }).run(taskId);
  await asked(stores.b, taskId);
  await stores.b.answerInputs(taskId, { k: answer });
  await running;
  return { got, task: await read(stores.b, taskId) };
}

/** What a tool gets that asks a question, and what of it a client would see. */
async function questioned(
  requestedSchema: StandardSchemaWithJson,
  elicitation: JsonObject | undefined = {},
): Promise<{ readonly error: unknown; readonly task: Task }> {
  await using stores = twoStores();
  const { taskId } = await taskFor(stores.a, { elicitation });
  let error: unknown;
  const tool = toolOf(async ({ elicit }) => {
    await elicit("k", { message: "?", requestedSchema }, { whileWaiting: "suspend" }).catch((thrown: unknown) => {
      error = thrown;
    });
    return text("done");
  });
  await createTaskWorker(stores.a, { tools: [tool] }).run(taskId);
  return { error, task: await read(stores.b, taskId) };
}

describe("an answer", () => {
  it.each([["decline"], ["cancel"]])("that says %s brings no content, whatever came with it", async (action) => {
    const { got } = await answered(ASK_SURE.requestedSchema, { action, content: { sure: true } });
    expect(got).toEqual({ action });
  });

  it("is what the schema makes of it", async () => {
    const schema = z.object({ n: z.string().transform(Number), unit: z.string().default("kg") });
    const { got } = await answered(schema, { action: "accept", content: { n: "3", extra: 1 } });
    expect(got).toEqual({ action: "accept", content: { n: 3, unit: "kg" } });
  });

  it.each<[string, StandardSchemaWithJson, JsonObject, RegExp]>([
    [
      "that only the schema itself refuses",
      z.object({ n: z.int() }).refine(({ n }) => n % 2 === 0, "n must be even"),
      { action: "accept", content: { n: 3 } },
      /does not fit its schema: n must be even$/,
    ],
    ["without content", ASK_SURE.requestedSchema, { action: "accept" }, /does not fit its schema/],
    ["with content of another kind", ASK_SURE.requestedSchema, { action: "accept", content: [] }, /does not fit/],
    ["that says nothing known", ASK_SURE.requestedSchema, { action: "maybe" }, /no elicitation result/],
    ["that says nothing", ASK_SURE.requestedSchema, {}, /no elicitation result/],
  ])("%s reaches the tool as -32602, and the tool may go on", async (_name, schema, answer, message) => {
    const { got, task } = await answered(schema, answer);
    expect(got).toBeInstanceOf(ToolError);
    expect(got).toMatchObject({ code: -32_602, message: expect.stringMatching(message) });
    expect(task.status).toBe("completed");
  });

  it("that does not fit fails a tool that lets the error pass", async () => {
    await using stores = twoStores();
    const { taskId } = await taskFor(stores.a);
    const tool = toolOf(async ({ elicit }) => {
      await elicit("k", ASK_SURE);
      return text("done");
    });
    const running = createTaskWorker(stores.a, { tools: [tool] }).run(taskId);
    await asked(stores.b, taskId);
    await stores.b.answerInputs(taskId, { k: { action: "accept", content: { sure: "perhaps" } } });
    await running;
    expect((await read(stores.b, taskId)).outcome).toMatchObject({ status: "failed", error: { code: -32_602 } });
  });
});

describe("a client", () => {
  it.each<[string, JsonObject | undefined]>([
    ["without elicitation", undefined],
    ["that only opens URLs", { url: {} }],
  ])("%s is asked nothing: -32021", async (_name, elicitation) => {
    await using stores = twoStores();
    const { taskId } = await taskFor(stores.a, { elicitation });
    const tool = toolOf(async ({ elicit }) => ({ structuredContent: await elicit("k", ASK_SURE) }));
    await createTaskWorker(stores.a, { tools: [tool] }).run(taskId);
    const task = await read(stores.b, taskId);
    expect(task.outcome).toMatchObject({
      status: "failed",
      error: { code: -32_021, data: { requiredCapabilities: { elicitation: {} } } },
    });
    expect(task.inputs).toEqual({});
  });

  it.each<[string, JsonObject]>([
    ["that says no mode", {}],
    ["that names forms", { form: {} }],
    ["that names forms and URLs", { url: {}, form: {} }],
    ["that says something to come", { later: {} }],
  ])("%s is asked", async (_name, elicitation) => {
    const { task } = await questioned(ASK_SURE.requestedSchema, elicitation);
    expect(task.status).toBe("input_required");
  });
});

describe("a form", () => {
  const choices = z.object({
    name: z.string().min(1).max(20).describe("Your name").default("Alice"),
    mail: z.email(),
    site: z.url(),
    day: z.iso.date(),
    at: z.iso.datetime(),
    age: z.int().min(0).max(150),
    share: z.number().min(0).max(1).optional(),
    sure: z.boolean().meta({ title: "Sure?" }),
    colour: z.enum(["red", "green"]),
    colours: z
      .array(z.enum(["red", "green"]))
      .min(1)
      .max(2),
  });

  it("shows every kind of field that the specification knows", async () => {
    const { error, task } = await questioned(choices);
    expect(task.status, String(error)).toBe("input_required");
    const request = task.inputs["k"]?.request;
    expect(ElicitRequestV2Schema.parse(request)).toBeDefined();
    expect(request?.params).toMatchObject({
      requestedSchema: {
        properties: {
          name: { type: "string", minLength: 1, maxLength: 20, description: "Your name", default: "Alice" },
          mail: { type: "string", format: "email" },
          age: { type: "integer", minimum: 0, maximum: 150 },
          sure: { type: "boolean", title: "Sure?" },
          colour: { type: "string", enum: ["red", "green"] },
          colours: { type: "array", items: { type: "string", enum: ["red", "green"] }, minItems: 1, maxItems: 2 },
        },
      },
    });
  });

  it("may have no fields", async () => {
    const { task } = await questioned(z.object({}));
    expect(task.status).toBe("input_required");
  });

  it.each<[string, StandardSchemaWithJson, RegExp]>([
    ["a text for a form", z.string(), /must be an object/],
    ["a list for a form", z.array(z.string()), /must be an object/],
    ["an object within", z.object({ inner: z.object({ a: z.string() }) }), /inner is no string, number/],
    ["anything at all", z.object({ any: z.any() }), /any is no string, number/],
    ["one of two types", z.object({ both: z.union([z.string(), z.number()]) }), /both is no string, number/],
    ["null", z.object({ none: z.string().nullable() }), /none is no string, number/],
    ["a pattern", z.object({ code: z.string().regex(/^a/) }), /code cannot have "pattern"/],
    ["a step", z.object({ n: z.number().multipleOf(3) }), /n cannot have "multipleOf"/],
    ["an exclusive limit", z.object({ n: z.number().gt(3) }), /n cannot have "exclusiveMinimum"/],
    ["a constant", z.object({ c: z.literal("c") }), /c cannot have "const"/],
    ["a format that no form knows", z.object({ id: z.uuid() }), /id cannot have the format "uuid"/],
    ["a list of anything", z.object({ list: z.array(z.string()) }), /list/],
    ["a list of lists", z.object({ list: z.array(z.array(z.string())) }), /list/],
  ])("is refused with %s, in words that name the field, and nothing is asked", async (_name, schema, message) => {
    const { error, task } = await questioned(schema);
    expect(error).toBeInstanceOf(TypeError);
    expect(String(error)).toMatch(message);
    expect(task).toMatchObject({ status: "completed", inputs: {} });
  });
});
