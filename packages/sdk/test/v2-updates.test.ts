import type { JsonObject } from "@mcp-task-store/core";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTaskTool, type StandardSchemaWithJson } from "../src/index.ts";
import { ASK_SURE, text, YES } from "./task-tools.ts";
import { ended, read, type TwoStores, twoStores, until } from "./two-stores.ts";
import { type Answer, taskIdOf, testServer, type TestServer } from "./v2-server.ts";

const ACK = { resultType: "complete", _meta: expect.any(Object) };
const form = (
  requestedSchema: StandardSchemaWithJson,
): { message: string; requestedSchema: StandardSchemaWithJson } => ({
  message: "?",
  requestedSchema,
});

interface Asked {
  readonly server: TestServer;
  readonly taskId: string;
  readonly update: (inputResponses: unknown) => Promise<Answer>;
}

/** A task that waits for answers to these forms. */
async function askedFor(stores: TwoStores, forms: Readonly<Record<string, StandardSchemaWithJson>>): Promise<Asked> {
  const tool = defineTaskTool({
    name: "work",
    run: async (_args, { elicit }) => {
      const keys = Object.entries(forms);
      const answers = await Promise.all(
        keys.map(async ([key, schema]) => await elicit(key, form(schema), { whileWaiting: "suspend" })),
      );
      return { structuredContent: { answers } };
    },
  });
  const server = testServer(stores.a, { tools: [tool] });
  const taskId = taskIdOf(await server.call("tools/call", { name: "work" }));
  await until(stores.b, taskId, ({ status, lease }) => status === "input_required" && lease === undefined);
  return {
    server,
    taskId,
    update: async (inputResponses) => await server.call("tasks/update", { taskId, inputResponses }),
  };
}

const SURE = ASK_SURE.requestedSchema;

describe("tasks/update", () => {
  it("takes one of two, and the task asks on for the other (X-35)", async () => {
    await using stores = twoStores();
    const { server, taskId, update } = await askedFor(stores, { one: SURE, two: SURE });
    expect((await update({ two: YES })).result).toEqual(ACK);
    const { result } = await server.call("tasks/get", { taskId });
    expect(result).toMatchObject({ status: "input_required", inputRequests: { one: {} } });
    expect(result?.["inputRequests"]).not.toHaveProperty("two");
    expect((await update({ one: { action: "decline" } })).result).toEqual(ACK);
    expect((await ended(stores.b, taskId)).outcome).toMatchObject({
      result: { structuredContent: { answers: [{ action: "decline" }, YES] } },
    });
  });

  it("ignores keys that are unknown or answered, whatever they hold (X-34)", async () => {
    await using stores = twoStores();
    const { taskId, update } = await askedFor(stores, { one: SURE, two: SURE });
    await update({ one: YES });
    const before = await read(stores.b, taskId);
    const others = { one: { action: "decline" }, unknown: { junk: true }, toString: YES, constructor: YES };
    expect((await update(others)).result).toEqual(ACK);
    expect((await update({ one: { action: "maybe" } })).result).toEqual(ACK);
    expect((await update({})).result).toEqual(ACK);
    expect(await read(stores.b, taskId)).toEqual(before);
  });

  const bad: readonly (readonly [string, unknown])[] = [
    ["an action that is none", { action: "maybe" }],
    ["no action", {}],
    ["no content", { action: "accept" }],
    ["content that is no object", { action: "accept", content: [true] }],
    ["content that does not fit", { action: "accept", content: { sure: "yes" } }],
    ["content without what is required", { action: "accept", content: {} }],
    ["a text", "accept"],
    ["null", null],
    ["a list", [YES]],
    ["a request", { method: "elicitation/create", params: {} }],
    ["an answer wrapped as a result", { result: YES }],
  ];

  it.each(bad)(
    "refuses an open question's answer that is none, and stores nothing of the call: %s",
    async (_name, answer) => {
      await using stores = twoStores();
      const { taskId, update } = await askedFor(stores, { one: SURE, two: SURE });
      const before = await read(stores.b, taskId);
      const refused = await update({ one: YES, two: answer });
      expect(refused.error).toMatchObject({
        code: -32_602,
        message: expect.stringContaining('"two"'),
        data: { key: "two" },
      });
      expect(await read(stores.b, taskId)).toEqual(before);
      expect((await update({ one: YES, two: YES })).result).toEqual(ACK);
      expect((await ended(stores.b, taskId)).status).toBe("completed");
    },
  );

  it.each([["a text"], [7], [null], [["list"]]])(
    "stores nothing of inputResponses that are no object: %j",
    async (given) => {
      await using stores = twoStores();
      const { taskId, update } = await askedFor(stores, { one: SURE });
      const before = await read(stores.b, taskId);
      const { result, error } = await update(given);
      // The SDK hands on an empty object; what counts is that nothing is stored.
      if (error === undefined) expect(result).toEqual(ACK);
      else expect(error.code).toBe(-32_602);
      expect(await read(stores.b, taskId)).toEqual(before);
    },
  );

  it("refuses what is too large, and stores nothing", async () => {
    await using stores = twoStores({ maxPayloadBytes: 10_000 });
    const { taskId, update } = await askedFor(stores, { one: z.object({ s: z.string() }), two: SURE });
    const before = await read(stores.b, taskId);
    const large = { action: "accept", content: { s: "x".repeat(20_000) } };
    const refused = await update({ two: YES, one: large });
    expect(refused.error).toMatchObject({ code: -32_602, data: { code: "PAYLOAD_TOO_LARGE" } });
    expect(refused.text.length).toBeLessThan(1_000);
    expect(await read(stores.b, taskId)).toEqual(before);
  });

  it("takes a thousand answers to nothing", async () => {
    await using stores = twoStores();
    const { taskId, update } = await askedFor(stores, { one: SURE });
    const many = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`k${index}`, YES]));
    expect((await update({ ...many, one: YES })).result).toEqual(ACK);
    expect((await ended(stores.b, taskId)).status).toBe("completed");
  });

  it.each<[string, z.ZodObject, JsonObject, JsonObject]>([
    ["a mail address", z.object({ v: z.email() }), { v: "a@b.example" }, { v: "no mail" }],
    ["a date", z.object({ v: z.iso.date() }), { v: "2026-11-30" }, { v: "30.11.2026" }],
    ["an instant", z.object({ v: z.iso.datetime() }), { v: "2026-11-30T12:00:00Z" }, { v: "noon" }],
    ["an address", z.object({ v: z.url() }), { v: "https://a.example/" }, { v: "no address" }],
    ["a whole number", z.object({ v: z.int().max(9) }), { v: 9 }, { v: 10 }],
    ["one of a few", z.object({ v: z.enum(["a", "b"]) }), { v: "a" }, { v: "c" }],
    ["some of a few", z.object({ v: z.array(z.enum(["a", "b"])).max(1) }), { v: ["a"] }, { v: ["a", "b"] }],
    ["nothing, for a default", z.object({ v: z.string().default("d") }), {}, { v: 1 }],
  ])("judges by the form: %s", async (_name, schema, good, wrong) => {
    await using stores = twoStores();
    const { taskId, update } = await askedFor(stores, { one: schema });
    expect((await update({ one: { action: "accept", content: wrong } })).error?.code).toBe(-32_602);
    expect((await update({ one: { action: "accept", content: good } })).result).toEqual(ACK);
    expect((await ended(stores.b, taskId)).status).toBe("completed");
  });

  it("lets through what only the schema itself refuses: the tool is told", async () => {
    await using stores = twoStores();
    const even = z.object({ n: z.int() }).refine(({ n }) => n % 2 === 0, "n must be even");
    const { taskId, update } = await askedFor(stores, { one: even });
    expect((await update({ one: { action: "accept", content: { n: 3 } } })).result).toEqual(ACK);
    expect((await ended(stores.b, taskId)).outcome).toMatchObject({
      status: "failed",
      error: { code: -32_602, message: expect.stringContaining("n must be even") },
    });
  });

  it.each(["completed", "failed", "cancelled"] as const)(
    "of a task that is %s is acknowledged, and changes nothing",
    async (status) => {
      await using stores = twoStores();
      const { taskId, update } = await askedFor(stores, { one: SURE });
      if (status === "completed") await stores.b.finishTask(taskId, { status, result: { ...text("over") } });
      if (status === "failed") await stores.b.finishTask(taskId, { status, error: { code: 1, message: "m" } });
      if (status === "cancelled") await stores.b.cancelTask(taskId);
      const before = await read(stores.b, taskId);
      expect((await update({ one: YES })).result).toEqual(ACK);
      expect((await update({ one: { action: "maybe" } })).result).toEqual(ACK);
      expect(await read(stores.b, taskId)).toEqual(before);
    },
  );

  it("of a task that ends between the look and the answer is acknowledged", async () => {
    await using stores = twoStores();
    const { taskId } = await askedFor(stores, { one: SURE });
    const store = {
      ...stores.b,
      scoped: (principal: string | null) => {
        const view = stores.b.scoped(principal);
        const answerInputs: typeof view.answerInputs = async (...given) => {
          await stores.a.cancelTask(taskId);
          return await view.answerInputs(...given);
        };
        return { ...view, answerInputs };
      },
    };
    const server = testServer(store, { tools: [] });
    expect((await server.call("tasks/update", { taskId, inputResponses: { one: YES } })).result).toEqual(ACK);
    expect(await read(stores.b, taskId)).toMatchObject({ status: "cancelled" });
  });
});
