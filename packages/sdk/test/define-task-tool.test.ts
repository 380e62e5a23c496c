import { describe, expect, it } from "vitest";
import { z } from "zod";
import { createTaskWorker, defineTaskTool, type StandardSchemaWithJson, type ToolResult } from "../src/index.ts";
import { taskFor, text, TOOL } from "./task-tools.ts";
import { read, twoStores } from "./two-stores.ts";

const nothing = (): ToolResult => ({ content: [] });

/** A schema of no known library: says "n" as a number of apples, whatever was given. */
function apples(): StandardSchemaWithJson<{ n: string }, { apples: number }> {
  const jsonSchema = { type: "object", properties: { n: { type: "string" } }, required: ["n"] };
  return {
    "~standard": {
      version: 1,
      vendor: "orchard",
      validate: async (value) => {
        const n = typeof value === "object" && value !== null && "n" in value ? Number(value.n) : Number.NaN;
        if (Number.isInteger(n)) return { value: { apples: n } };
        return {
          issues: [{ message: "no number of apples", path: [{ key: "basket" }, "n"] }, { message: "no fruit" }],
        };
      },
      jsonSchema: { input: () => jsonSchema, output: () => jsonSchema },
    },
  };
}

describe("defineTaskTool: settings", () => {
  it.each([
    ["name", { name: "" }],
    ["ttlMs", { ttlMs: 0 }],
    ["ttlMs", { ttlMs: 1.5 }],
    ["ttlMs", { ttlMs: Number.POSITIVE_INFINITY }],
    ["ttlMs", { ttlMs: 3_153_600_000_001 }],
    ["pollIntervalMs", { pollIntervalMs: 0 }],
    ["pollIntervalMs", { pollIntervalMs: 86_400_001 }],
    ["maxRunMs", { maxRunMs: 9 }],
    ["maxRunMs", { maxRunMs: Number.NaN }],
    ["maxRunMs", { maxRunMs: 2_592_000_001 }],
  ])("are refused by name: %s, %o", (setting, given) => {
    const define = (): unknown => defineTaskTool({ name: TOOL, run: nothing, ...given });
    expect(define).toThrow(TypeError);
    expect(define).toThrow(setting);
  });

  it.each([
    ["taskSupport", { name: TOOL, taskSupport: "forbidden", run: nothing }],
    ["name", { run: nothing }],
    ["run", { name: TOOL }],
    ["run", { name: TOOL, run: "later" }],
    ["prepare", { name: TOOL, run: nothing, prepare: {} }],
    ["inputSchema", { name: TOOL, run: nothing, inputSchema: { n: z.string() } }],
    ["outputSchema", { name: TOOL, run: nothing, outputSchema: { n: z.string() } }],
  ])("are refused without a compiler, too: %s", (setting, given) => {
    const define = (): unknown => Reflect.apply(defineTaskTool, undefined, [given]);
    expect(define).toThrow(TypeError);
    expect(define).toThrow(setting);
  });

  it("take the limits themselves, and null for a task that lives for ever", () => {
    const limits = { ttlMs: null, pollIntervalMs: 86_400_000, maxRunMs: 10 };
    expect(defineTaskTool({ name: TOOL, run: nothing, ...limits })).toMatchObject({
      ...limits,
      taskSupport: "optional",
    });
  });

  it("cannot be changed afterwards", () => {
    expect(Object.isFrozen(defineTaskTool({ name: TOOL, run: nothing }))).toBe(true);
  });
});

describe("defineTaskTool: arguments", () => {
  it.each([
    [
      "zod",
      z.object({ n: z.string().transform(Number), unit: z.string().default("kg") }),
      { n: "3", extra: true },
      { n: 3, unit: "kg" },
    ],
    ["a schema of its own", apples(), { n: "3" }, { apples: 3 }],
  ])("are what the schema makes of them, in the worker too: %s", async (_name, inputSchema, given, expected) => {
    await using stores = twoStores();
    const seen: unknown[] = [];
    const tool = defineTaskTool({
      name: TOOL,
      inputSchema,
      run: (args) => {
        seen.push(args);
        return nothing();
      },
    });
    const { taskId } = await taskFor(stores.a, { arguments: given });
    expect(await createTaskWorker(stores.b, { tools: [tool] }).run(taskId)).toMatchObject({ status: "completed" });
    expect(seen).toEqual([expected]);
  });

  it.each([
    ["zod", z.object({ n: z.int() }), { n: "x" }, /^Invalid arguments for tool work: n: /],
    [
      "a schema of its own",
      apples(),
      { n: "x" },
      /^Invalid arguments for tool work: basket\.n: no number of apples, no fruit$/,
    ],
  ])("that no longer fit fail the task, and the tool is not run: %s", async (_name, inputSchema, given, message) => {
    await using stores = twoStores();
    let runs = 0;
    const tool = defineTaskTool({
      name: TOOL,
      inputSchema,
      run: () => {
        runs += 1;
        return nothing();
      },
    });
    const { taskId } = await taskFor(stores.a, { arguments: given });
    await createTaskWorker(stores.a, { tools: [tool] }).run(taskId);
    const error = { code: -32602, message: expect.stringMatching(message) };
    expect((await read(stores.b, taskId)).outcome).toEqual({ status: "failed", error });
    expect(runs).toBe(0);
  });

  it("that are wrong a thousand times are told a few times", async () => {
    const strings = z.record(z.string(), z.string());
    const tool = defineTaskTool({ name: TOOL, inputSchema: strings, run: nothing });
    const wrong = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`k${index}`, index]));
    await using stores = twoStores();
    const { taskId } = await taskFor(stores.a, { arguments: wrong });
    const task = await createTaskWorker(stores.a, { tools: [tool] }).run(taskId);
    expect(task?.status).toBe("failed");
    expect(task?.statusMessage?.length).toBeLessThan(500);
  });

  it("of a tool without a schema are none, whatever was stored", async () => {
    await using stores = twoStores();
    const seen: unknown[] = [];
    const tool = defineTaskTool({
      name: TOOL,
      run: (args) => {
        seen.push(args);
        return nothing();
      },
    });
    const { taskId } = await taskFor(stores.a, { arguments: { smuggled: true } });
    await createTaskWorker(stores.a, { tools: [tool] }).run(taskId);
    expect(seen).toEqual([{}]);
  });
});

describe("defineTaskTool: results", () => {
  const outputSchema = z.object({ n: z.int() });

  it("keep what the tool returned, not what the schema reads", async () => {
    await using stores = twoStores();
    const tool = defineTaskTool({
      name: TOOL,
      outputSchema,
      run: () => ({ ...text("two"), structuredContent: { n: 2, extra: true }, _meta: { trace: "t" } }),
    });
    const { taskId } = await taskFor(stores.a);
    await createTaskWorker(stores.a, { tools: [tool] }).run(taskId);
    expect((await read(stores.b, taskId)).outcome).toEqual({
      status: "completed",
      result: { ...text("two"), structuredContent: { n: 2, extra: true }, _meta: { trace: "t" } },
    });
  });

  it.each<[string, ToolResult, RegExp]>([
    ["nothing structured", text("two"), /no structured ?content/i],
    ["something else", { structuredContent: { n: "two" } }, /invalid structured ?content/i],
  ])("without what the output schema asks for are errors for the model: %s", async (_name, result, message) => {
    await using stores = twoStores();
    const tool = defineTaskTool({ name: TOOL, outputSchema, run: () => result });
    const { taskId } = await taskFor(stores.a);
    await createTaskWorker(stores.a, { tools: [tool] }).run(taskId);
    const shown = { content: [{ type: "text", text: expect.stringMatching(message) }], isError: true };
    expect((await read(stores.b, taskId)).outcome).toEqual({ status: "completed", result: shown });
  });

  it("that are errors need no structured content", async () => {
    await using stores = twoStores();
    const tool = defineTaskTool({ name: TOOL, outputSchema, run: () => ({ ...text("no"), isError: true }) });
    const { taskId } = await taskFor(stores.a);
    await createTaskWorker(stores.a, { tools: [tool] }).run(taskId);
    expect((await read(stores.b, taskId)).outcome).toEqual({
      status: "completed",
      result: { ...text("no"), isError: true },
    });
  });

  it.each([
    ["undefined", undefined],
    ["null", null],
    ["a text", "done"],
    ["a number", 1],
    ["a function", (): void => undefined],
    ["a list", [{ type: "text", text: "done" }]],
    ["an object with a text for content", { content: "done" }],
    ["an object with content that is none", { content: ["done"] }],
    ["an object with content of no type", { content: [{ text: "done" }] }],
    ["an object that is half an error", { content: [], isError: "yes" }],
    ["an object with metadata that is none", { content: [], _meta: "trace" }],
  ])("that no client can read are errors for the model: %s", async (_name, result) => {
    await using stores = twoStores();
    const tool = Reflect.apply(defineTaskTool, undefined, [{ name: TOOL, run: () => result }]);
    const { taskId } = await taskFor(stores.a);
    await createTaskWorker(stores.a, { tools: [tool] }).run(taskId);
    expect((await read(stores.b, taskId)).outcome).toEqual({
      status: "completed",
      result: { content: [{ type: "text", text: expect.stringContaining(TOOL) }], isError: true },
    });
  });
});
