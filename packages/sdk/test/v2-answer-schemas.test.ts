import type { JsonObject } from "@mcp-task-store/core";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import {
  createTaskWorker,
  defineTaskTool,
  type StandardSchemaWithJson,
  type TaskTool,
  ToolError,
} from "../src/index.ts";
import { text } from "./task-tools.ts";
import { ended, read, type TwoStores, twoStores, until } from "./two-stores.ts";
import { taskIdOf, testServer, type TestServer } from "./v2-server.ts";

const accept = (content: JsonObject): JsonObject => ({ action: "accept", content });

function asking(requestedSchema: StandardSchemaWithJson): TaskTool {
  return defineTaskTool({
    name: "work",
    run: async (_args, { elicit }) => ({
      structuredContent: await elicit("k", { message: "?", requestedSchema }, { whileWaiting: "suspend" }),
    }),
  });
}

async function askedBy(
  stores: TwoStores,
  tool: TaskTool,
): Promise<{ readonly server: TestServer; readonly taskId: string }> {
  const server = testServer(stores.a, { tools: [tool] });
  const taskId = taskIdOf(await server.call("tools/call", { name: "work" }));
  await until(stores.b, taskId, ({ status, lease }) => status === "input_required" && lease === undefined);
  return { server, taskId };
}

/** A schema of no known library, whose own judgement is that of its regular expression. */
function matching(pattern: RegExp, keywords: JsonObject): StandardSchemaWithJson {
  const v = { type: "string", format: "date", pattern: pattern.source, ...keywords };
  const jsonSchema = { type: "object", properties: { v }, required: ["v"] };
  return {
    "~standard": {
      version: 1,
      vendor: "test",
      validate: (value) => {
        const { v: given } = z.object({ v: z.string() }).parse(value);
        return pattern.test(given) ? { value } : { issues: [{ message: "does not match" }] };
      },
      jsonSchema: { input: () => jsonSchema, output: () => jsonSchema },
    },
  };
}

describe("an answer that the form allows, and the whole schema does not", () => {
  it.each<[string, StandardSchemaWithJson, JsonObject, JsonObject]>([
    [
      "an instant with an offset",
      z.object({ v: z.iso.datetime() }),
      { v: "2026-01-01T00:00:00+02:00" },
      { v: "2026-01-01T00:00:00Z" },
    ],
    ["a mail address that the library takes for none", z.object({ v: z.email() }), { v: "a@b" }, { v: "a@b.example" }],
    ["more than was asked for", z.strictObject({ v: z.string() }), { v: "a", more: 1 }, { v: "a" }],
    [
      "more, of another kind",
      z.object({ v: z.string() }).catchall(z.number()),
      { v: "a", more: "b" },
      { v: "a", more: 1 },
    ],
  ])("is refused while the client can mend it: %s", async (_name, schema, wrong, good) => {
    await using stores = twoStores();
    const { server, taskId } = await askedBy(stores, asking(schema));
    const before = await read(stores.b, taskId);
    const refused = await server.call("tasks/update", { taskId, inputResponses: { k: accept(wrong) } });
    expect(refused.error).toMatchObject({ code: -32_602, message: expect.stringContaining('"k"'), data: { key: "k" } });
    expect(await read(stores.b, taskId)).toEqual(before);
    await server.call("tasks/update", { taskId, inputResponses: { k: accept(good) } });
    expect((await ended(stores.b, taskId)).outcome).toMatchObject({ result: { structuredContent: accept(good) } });
  });

  it("is not shown what it is judged by beyond the form", async () => {
    await using stores = twoStores();
    const { server, taskId } = await askedBy(stores, asking(z.strictObject({ at: z.iso.datetime() })));
    const { result } = await server.call("tasks/get", { taskId });
    const properties = { at: { type: "string", format: "date-time" } };
    const params = { mode: "form", message: "?", requestedSchema: { type: "object", properties, required: ["at"] } };
    expect(result?.["inputRequests"]).toEqual({ k: { method: "elicitation/create", params } });
  });

  it("is judged by the form, and the tool is told, where the SDK cannot read the whole", async () => {
    await using stores = twoStores();
    const { server, taskId } = await askedBy(stores, asking(matching(new RegExp(String.raw`^2026\-`), {})));
    const refused = await server.call("tasks/update", { taskId, inputResponses: { k: accept({ v: "soon" }) } });
    expect(refused.error).toMatchObject({ code: -32_602 });
    await server.call("tasks/update", { taskId, inputResponses: { k: accept({ v: "2026-01-01" }) } });
    expect((await ended(stores.b, taskId)).status).toBe("completed");
  });
});

describe("a question that looks the same", () => {
  it("is not asked again by a deployment that judges its answers otherwise", async () => {
    await using stores = twoStores();
    const { server, taskId } = await askedBy(stores, asking(matching(/^2026-/, {})));
    const { inputs } = await read(stores.b, taskId);
    const updated = asking(matching(/^20/, {}));
    const worker = createTaskWorker(stores.b, { tools: [updated] });
    expect(await worker.run(taskId)).toMatchObject({ status: "input_required", inputs });
    await testServer(stores.b, { tools: [updated], dispatch: () => undefined }).call("tasks/update", {
      taskId,
      inputResponses: { k: accept({ v: "2026-01-01" }) },
    });
    expect(await worker.run(taskId)).toMatchObject({ status: "completed" });
    await server.tasks.close();
  });

  it("is another one all the same if its form says something else", async () => {
    await using stores = twoStores();
    const { taskId } = await askedBy(stores, asking(matching(/^2026-/, {})));
    const updated = asking(matching(/^2026-/, { title: "Which day?" }));
    await createTaskWorker(stores.b, { tools: [updated] }).run(taskId);
    expect((await read(stores.b, taskId)).outcome).toMatchObject({ status: "failed" });
  });
});

it("what only the validator refuses may be asked again under another key", async () => {
  await using stores = twoStores();
  const requestedSchema = z.object({ n: z.int() }).refine(({ n }) => n % 2 === 0, "n must be even");
  const tool = defineTaskTool({
    name: "work",
    run: async (_args, { elicit }) => {
      for (let round = 1; ; round += 1) {
        try {
          const answer = await elicit(`n-${round}`, { message: "An even number?", requestedSchema });
          return text(answer.action === "accept" ? `${answer.content.n}` : answer.action);
        } catch (error) {
          if (!(error instanceof ToolError) || error.code !== -32_602) throw error;
        }
      }
    },
  });
  const server = testServer(stores.a, { tools: [tool] });
  const taskId = taskIdOf(await server.call("tools/call", { name: "work" }));
  for (const [key, n] of [
    ["n-1", 3],
    ["n-2", 4],
  ] as const) {
    await until(stores.b, taskId, ({ inputs }) => key in inputs);
    await server.call("tasks/update", { taskId, inputResponses: { [key]: accept({ n }) } });
  }
  expect((await ended(stores.b, taskId)).outcome).toMatchObject({ result: text("4") });
});
