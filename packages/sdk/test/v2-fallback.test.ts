import type { JsonObject } from "@mcp-task-store/core";
import { type CallToolResult, createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTaskTool, type TaskTool, ToolError, type ToolResult } from "../src/index.ts";
import { text } from "./task-tools.ts";
import { twoStores } from "./two-stores.ts";
import { type Answer, ASKABLE, callOf, testServer } from "./v2-server.ts";

const inputSchema = z.object({ n: z.number().default(2), mode: z.string().optional() });
const outputSchema = z.object({ n: z.number() });

type Act = (args: { readonly n: number }) => ToolResult | Promise<ToolResult>;

interface Plain {
  readonly act: Act;
  readonly args?: unknown;
  readonly structured?: boolean;
}

/** What no compiler would let a tool do. */
const outside = (act: () => unknown): Act => {
  return () => z.custom<ToolResult>().parse(act());
};

const fails = (thrown: unknown): Act =>
  outside(() => {
    throw thrown;
  });

/** What a client gets of a tool of ours that runs within its request, and of the same tool registered plainly. */
async function both({
  act,
  args,
  structured = false,
}: Plain): Promise<{ readonly ours: Answer; readonly theirs: Answer }> {
  const description = { title: "A tool", description: "does it", annotations: { readOnlyHint: true }, _meta: { a: 1 } };
  const schemas = structured ? { inputSchema, outputSchema } : { inputSchema };
  const tool: TaskTool = defineTaskTool({
    name: "tool",
    ...description,
    ...schemas,
    run: async (given) => await act(given),
  });
  await using stores = twoStores();
  const ours = testServer(stores.a, { tools: [tool] });
  const theirs = createMcpHandler(() => {
    const mcp = new McpServer({ name: "test", version: "1.0.0" });
    mcp.registerTool("tool", { ...description, ...schemas }, async (given: { readonly n: number }) =>
      z.custom<CallToolResult>().parse(await act(given)),
    );
    return mcp;
  });
  const params: JsonObject = args === undefined ? { name: "tool" } : { name: "tool", arguments: args };
  const options = { capabilities: ASKABLE };
  expect((await ours.call("tools/list", {}, options)).result).toEqual(
    (await callOf(theirs, "tools/list", {}, options)).result,
  );
  return {
    ours: await ours.call("tools/call", params, options),
    theirs: await callOf(theirs, "tools/call", params, options),
  };
}

/** What a client gets of it where the SDK itself would not answer at all. */
async function alone(act: Act): Promise<Answer> {
  await using stores = twoStores();
  const tool = defineTaskTool({ name: "tool", run: async () => await act({ n: 1 }) });
  return await testServer(stores.a, { tools: [tool] }).call("tools/call", { name: "tool" }, { capabilities: {} });
}

describe("a call by a client without tasks", () => {
  it.each<[string, Plain]>([
    ["a text", { act: () => text("done") }],
    ["no arguments at all", { act: ({ n }) => text(`n is ${n}`) }],
    ["arguments with more than the schema has", { act: ({ n }) => text(`n is ${n}`), args: { n: 3, more: 1 } }],
    [
      "content of every kind",
      {
        act: () => ({
          content: [
            { type: "image", data: "aGk=", mimeType: "image/png" },
            { type: "resource_link", uri: "file:///a", name: "a" },
            { type: "resource", resource: { uri: "file:///b", text: "b" } },
          ],
        }),
      },
    ],
    ["structured content", { act: ({ n }) => ({ ...text("n"), structuredContent: { n } }), structured: true }],
    ["structured content alone", { act: ({ n }) => ({ structuredContent: { n } }), structured: true }],
    [
      "structured content with more than the schema has",
      { act: ({ n }) => ({ structuredContent: { n, more: true } }), structured: true },
    ],
    ["an error result", { act: () => ({ ...text("no such file"), isError: true }), structured: true }],
    ["metadata of its own", { act: () => ({ ...text("done"), _meta: { trace: "t" } }) }],
    ["an Error", { act: fails(new Error("disk full")) }],
    ["a system error", { act: fails(Object.assign(new Error("gone"), { code: "ENOENT" })) }],
    ["a thrown text", { act: fails("plain text") }],
    ["thrown undefined", { act: fails(undefined) }],
    ["a DOMException", { act: fails(new DOMException("stopped", "AbortError")) }],
    ["arguments that do not fit", { act: () => text("never"), args: { n: "x" } }],
    ["no structured content where there must be some", { act: () => text("done"), structured: true }],
    ["structured content that does not fit", { act: () => ({ structuredContent: { n: "x" } }), structured: true }],
  ])("is answered as by the SDK itself: %s", async (_name, plain) => {
    const { ours, theirs } = await both(plain);
    expect({ result: ours.result, error: ours.error, http: ours.http }).toEqual({
      result: theirs.result,
      error: theirs.error,
      http: theirs.http,
    });
  });

  it.each<[string, Act]>([
    ["content that is none", outside(() => ({ content: "done" }))],
    ["nothing", outside(() => undefined)],
    ["a list", outside(() => [])],
    ["a part of no known kind", outside(() => ({ content: [{ type: "smell", text: "?" }] }))],
    ["a bigint", outside(() => ({ structuredContent: { n: 1n } }))],
    ["a cycle", outside(() => ({ structuredContent: circular() }))],
  ])("is answered with an error, not with what no client can read: %s", async (_name, act) => {
    const ours = await alone(act);
    expect(ours.result).toMatchObject({ isError: true, content: [{ type: "text" }] });
  });

  it.each<[string, unknown, object]>([
    [
      "a ToolError",
      new ToolError(-32_050, "no quota", { left: 0 }),
      { code: -32_050, message: "no quota", data: { left: 0 } },
    ],
    ["data null", new ToolError(7, "m", null), { code: 7, message: "m", data: null }],
    [
      "an error of another library",
      Object.assign(new Error("theirs"), { code: -32_001 }),
      { code: -32_001, message: "theirs" },
    ],
    [
      "an object that is no Error",
      { code: -32_003, message: "plain", data: [1] },
      { code: -32_003, message: "plain", data: [1] },
    ],
  ])("is answered with the tool's JSON-RPC error: %s", async (_name, thrown, error) => {
    const { ours } = await both({ act: fails(thrown) });
    expect(ours.error).toEqual(error);
    expect(ours.result).toBeUndefined();
  });

  it.each<[string, unknown]>([
    ["data that is a bigint", new ToolError(-32_050, "m", 1n)],
    ["data that contains itself", new ToolError(-32_050, "m", circular())],
    [
      "data that cannot be read",
      Object.defineProperty(new ToolError(-32_050, "m"), "data", { get: bomb, enumerable: true }),
    ],
  ])("is answered with the tool's code where its data is no JSON: %s", async (_name, thrown) => {
    const ours = await alone(fails(thrown));
    expect(ours.error).toMatchObject({ code: -32_050, message: "m" });
  });

  it("stores nothing", async () => {
    await using stores = twoStores();
    const tool = defineTaskTool({ name: "tool", run: (_args, { taskId, attempt }) => text(`${taskId} ${attempt}`) });
    const created: unknown[] = [];
    const store = {
      ...stores.a,
      scoped: (principal: string | null) => {
        created.push(principal);
        return stores.a.scoped(principal);
      },
    };
    const { result } = await testServer(store, { tools: [tool] }).call(
      "tools/call",
      { name: "tool" },
      { capabilities: {} },
    );
    expect(result).toMatchObject({ ...text("undefined 1"), resultType: "complete" });
    expect(created).toEqual([]);
  });

  it("gets its progress as notifications, which grow", async () => {
    await using stores = twoStores();
    const tool = defineTaskTool({
      name: "tool",
      run: async (_args, { updateStatus, reportProgress }) => {
        await updateStatus("starting");
        await reportProgress({ progress: 5, total: 10, message: "half" });
        await reportProgress({ progress: 3, total: 10 });
        await updateStatus("not shown: it says no amount");
        await reportProgress({ progress: 10, total: 10 });
        return text("done");
      },
    });
    const server = testServer(stores.a, { tools: [tool] });
    const { text: body } = await server.call(
      "tools/call",
      { name: "tool", _meta: { progressToken: "p" } },
      { capabilities: {} },
    );
    const notes = body
      .split("\n")
      .filter((line) => line.includes("notifications/progress"))
      .map((line) => JSON.parse(line.slice(6)).params);
    expect(notes).toMatchObject([
      { progressToken: "p", progress: 1, message: "starting" },
      { progressToken: "p", progress: 5, total: 10, message: "half" },
      { progressToken: "p", progress: 10, total: 10 },
    ]);
  });

  it("that is given up aborts the tool's signal", async () => {
    await using stores = twoStores();
    const client = new AbortController();
    const aborted = new Promise<void>((resolve) => {
      const tool = defineTaskTool({
        name: "tool",
        run: async (_args, { signal }) => {
          client.abort();
          if (!signal.aborted) await new Promise((fire) => signal.addEventListener("abort", fire, { once: true }));
          resolve();
          return text("done");
        },
      });
      const server = testServer(stores.a, { tools: [tool] });
      server.call("tools/call", { name: "tool" }, { capabilities: {}, signal: client.signal }).catch(() => undefined);
    });
    await aborted;
    expect(client.signal.aborted).toBe(true);
  });
});

function bomb(): never {
  throw new Error("a getter went off");
}

function circular(): Record<string, unknown> {
  const value: Record<string, unknown> = {};
  value["self"] = value;
  return value;
}
