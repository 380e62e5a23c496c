import type { JsonObject } from "@mcp-task-store/core";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTaskTool, type TaskTool, type ToolResult } from "../src/index.ts";
import { text } from "./task-tools.ts";
import { ended, twoStores } from "./two-stores.ts";
import { type Answer, taskIdOf, testServer } from "./v2-server.ts";

const circular: Record<string, unknown> = {};
circular["self"] = circular;

class Row {
  readonly id = 1;
  readonly save = (): number => this.id;
}

const structured = (structuredContent: unknown): JsonObject => ({ ...text("s"), structuredContent });
const part = (...content: readonly unknown[]): JsonObject => ({ content });

/** What no compiler would let a tool return. */
const returning = (result: unknown): TaskTool =>
  defineTaskTool({ name: "odd", run: () => z.custom<ToolResult>().parse(result) });

/** What a client gets of a tool as a task, and within its request. */
async function bothWays(tool: TaskTool): Promise<{ readonly task: unknown; readonly direct: unknown }> {
  await using stores = twoStores();
  const server = testServer(stores.a, { tools: [tool] });
  const { result: direct } = await server.call("tools/call", { name: tool.name }, { capabilities: {} });
  const taskId = taskIdOf(await server.call("tools/call", { name: tool.name }));
  await ended(stores.b, taskId);
  const task = (await server.call("tasks/get", { taskId })).result?.["result"];
  const { _meta, ...within } = direct ?? {};
  // The SDK says in each answer who the server is; a task's result is inside of one.
  const { "io.modelcontextprotocol/serverInfo": _, ...own } = z.record(z.string(), z.unknown()).parse(_meta);
  return { task, direct: Object.keys(own).length === 0 ? within : { ...within, _meta: own } };
}

describe("a result, as a task and within a request (X-57)", () => {
  it.each<[string, JsonObject, unknown]>([
    ["a Date", structured({ at: new Date(0) }), { at: "1970-01-01T00:00:00.000Z" }],
    ["undefined in a list", structured({ list: [undefined, 1] }), { list: [null, 1] }],
    ["a member that is undefined", structured({ none: undefined }), {}],
    ["NaN", structured({ n: Number.NaN }), { n: null }],
    ["an infinite number", structured({ n: Number.POSITIVE_INFINITY }), { n: null }],
    ["an object with a class and a function", structured({ row: new Row() }), { row: { id: 1 } }],
    ["half a character", structured({ cut: "\uD83D", "\uD83D": ["\uDE00"] }), { cut: "\uFFFD", "\uFFFD": ["\uFFFD"] }],
    ["what only looks like half a character", structured({ path: String.raw`\ud83d` }), { path: String.raw`\ud83d` }],
    [
      "a key of every object",
      structured(JSON.parse('{"__proto__":{"a":"\uD83D"}}')),
      JSON.parse('{"__proto__":{"a":"\uFFFD"}}'),
    ],
  ])("is what JSON makes of it: %s", async (_name, result, content) => {
    const { task, direct } = await bothWays(returning(result));
    expect(task).toEqual(direct);
    expect(task).toMatchObject(text("s"));
    expect(JSON.stringify(task)).toContain(JSON.stringify(content));
  });

  it.each<[string, JsonObject]>([
    ["half a character", part({ type: "text", text: "cut \uD83D" })],
    ["members that no part has", part({ type: "text", text: "t", extra: 1 })],
    [
      "parts of every kind",
      part(
        { type: "text", text: "t", annotations: { audience: ["user"], priority: 0.5 }, _meta: { a: 1 } },
        { type: "image", data: "aGk=", mimeType: "image/png" },
        { type: "audio", data: "aGk=", mimeType: "audio/wav" },
        { type: "resource_link", uri: "file:///a", name: "a", title: "A", size: 1, icons: [{ src: "file:///i" }] },
        { type: "resource", resource: { uri: "file:///b", text: "b" } },
        { type: "resource", resource: { uri: "file:///c", blob: "aGk=", mimeType: "image/png" } },
      ),
    ],
    ["members of its own", { ...part({ type: "text", text: "t" }), more: { a: [1] }, _meta: { trace: "t" } }],
    ["nothing", {}],
  ])("has the same content: %s", async (_name, result) => {
    const { task, direct } = await bothWays(returning(result));
    expect(task).toEqual(direct);
    expect(task).not.toHaveProperty("isError");
  });

  it.each<[string, unknown]>([
    ["a bigint", structured({ n: 1n })],
    ["a cycle", structured(circular)],
    ["a text for content", { content: "just a text" }],
    ["a part of no known kind", part({ type: "smell" })],
    ["a text without its text", part({ type: "text" })],
    ["an image that is no Base64", part({ type: "image", data: "%", mimeType: "image/png" })],
    ["a resource without contents", part({ type: "resource", resource: { uri: "file:///a" } })],
    ["annotations that are none", part({ type: "text", text: "t", annotations: { priority: 2 } })],
    ["nothing", undefined],
  ])("that no client can read is an error for the model: %s", async (_name, result) => {
    const { task, direct } = await bothWays(returning(result));
    expect(task).toEqual(direct);
    expect(task).toMatchObject({ isError: true, content: [{ type: "text", text: expect.stringContaining("odd") }] });
  });

  it("is validated as the client gets it", async () => {
    const outputSchema = z.object({ list: z.array(z.number()) });
    const run = (): ToolResult => ({ structuredContent: { list: [Number.NaN] } });
    const { task, direct } = await bothWays(defineTaskTool({ name: "odd", outputSchema, run }));
    expect(task).toEqual(direct);
    expect(task).toMatchObject({ isError: true });
  });
});

describe("what prepare returns", () => {
  const preparing = (prepared: unknown): TaskTool =>
    defineTaskTool({
      name: "prepared",
      prepare: () => z.custom<JsonObject | undefined>().parse(prepared),
      run: (_args, context) => text(JSON.stringify(context.prepared) ?? "none"),
    });

  /** The answers to a client with tasks and to one without. */
  async function calls(prepared: unknown): Promise<readonly Answer[]> {
    await using stores = twoStores();
    const server = testServer(stores.a, { tools: [preparing(prepared)] });
    return [
      await server.call("tools/call", { name: "prepared" }),
      await server.call("tools/call", { name: "prepared" }, { capabilities: {} }),
    ];
  }

  it.each<[string, unknown]>([
    ["a list", [1]],
    ["a text", "text"],
    ["a Date", new Date(0)],
    ["a bigint", 1n],
    ["a bigint within", { n: 1n }],
    ["a cycle", circular],
    ["a function", (): number => 1],
  ])("is the server's fault where it is no JSON object: %s", async (_name, prepared) => {
    for (const { error } of await calls(prepared)) expect(error).toEqual({ code: -32_603, message: "Internal error" });
  });

  it.each<[string, unknown, string]>([
    ["with a Date", { at: new Date(0) }, '{"at":"1970-01-01T00:00:00.000Z"}'],
    ["with a class", new Row(), '{"id":1}'],
    ["null", null, "none"],
  ])("is what JSON makes of it, with a task and without: %s", async (_name, prepared, expected) => {
    const { task, direct } = await bothWays(preparing(prepared));
    expect(task).toEqual(direct);
    expect(task).toMatchObject(text(expected));
  });
});
