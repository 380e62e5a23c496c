import type { JsonObject } from "@mcp-task-store/core";
import { createRequestStateCodec } from "@modelcontextprotocol/server";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTaskTool, type TaskTool, ToolError } from "../src/index.ts";
import { ASK_SURE, text, YES } from "./task-tools.ts";
import { ended, read, type TwoStores, twoStores } from "./two-stores.ts";
import { ABLE, type Answer, ASKABLE, EXTENSION, taskIdOf, testServer, type TestServer } from "./v2-server.ts";

const other = { message: "Your name?", requestedSchema: z.object({ name: z.string() }) };
const ALICE = { action: "accept", content: { name: "Alice" } };

/** Asks two questions, one after the other, before its task exists. */
function preparing(): TaskTool {
  return defineTaskTool({
    name: "prepared",
    taskSupport: "required",
    prepare: async (_args, { elicit }) => {
      const name = await elicit("name", other);
      const sure = await elicit("sure", ASK_SURE);
      if (sure.action !== "accept" || !sure.content.sure) throw new ToolError(-32_050, "not sure");
      return name.action === "accept" ? { name: name.content.name } : {};
    },
    run: (_args, { prepared }) => text(JSON.stringify(prepared)),
  });
}

/** Asks within its run, wherever that is. */
function asking(name = "asking"): TaskTool {
  return defineTaskTool({
    name,
    run: async (_args, { elicit }) => {
      const [first, second] = await Promise.all([elicit("name", other), elicit("sure", ASK_SURE)]);
      const third = await elicit("again", ASK_SURE);
      return { structuredContent: { answers: [first, second, third] } };
    },
  });
}

interface Round {
  readonly name: string;
  readonly inputResponses?: unknown;
  readonly requestState?: unknown;
}

async function play(server: TestServer, round: Round, capabilities: JsonObject = ASKABLE): Promise<Answer> {
  return await server.call("tools/call", { ...round }, { capabilities });
}

function keysOf({ result }: Answer): string[] {
  return Object.keys(z.record(z.string(), z.unknown()).parse(result?.["inputRequests"]));
}

const serverOn = (stores: TwoStores, ...tools: readonly TaskTool[]): TestServer => testServer(stores.a, { tools });

describe("questions before a task exists", () => {
  it("come as rounds, and the task has what they brought (X-12)", async () => {
    await using stores = twoStores();
    const server = serverOn(stores, preparing());
    const first = await play(server, { name: "prepared" }, ABLE);
    expect(first.result).toMatchObject({
      resultType: "input_required",
      inputRequests: { name: { method: "elicitation/create", params: { mode: "form", message: "Your name?" } } },
      requestState: expect.any(String),
    });
    expect(first.result).not.toHaveProperty("taskId");
    const { requestState } = first.result ?? {};
    const second = await play(server, { name: "prepared", inputResponses: { name: ALICE }, requestState }, ABLE);
    expect(keysOf(second)).toEqual(["sure"]);
    const third = await play(
      server,
      { name: "prepared", inputResponses: { sure: YES }, requestState: second.result?.["requestState"] },
      ABLE,
    );
    expect(third.result).not.toHaveProperty("requestState");
    expect(third.result).not.toHaveProperty("inputRequests");
    const taskId = taskIdOf(third);
    expect((await ended(stores.b, taskId)).outcome).toEqual({ status: "completed", result: text('{"name":"Alice"}') });
    expect((await read(stores.b, taskId)).inputs).toEqual({});
  });

  it("refuse a client without the capability first: it would answer in vain", async () => {
    await using stores = twoStores();
    const answer = await play(serverOn(stores, preparing()), { name: "prepared" }, ASKABLE);
    expect(answer).toMatchObject({ http: 400, error: { code: -32_021 } });
  });

  it("may end the call with the tool's own error, and no task", async () => {
    await using stores = twoStores();
    const inputResponses = { name: ALICE, sure: { action: "decline" } };
    const { error } = await play(serverOn(stores, preparing()), { name: "prepared", inputResponses }, ABLE);
    expect(error).toEqual({ code: -32_050, message: "not sure" });
  });

  it.each<[string, JsonObject]>([
    ["no elicitation", { extensions: { [EXTENSION]: {} } }],
    ["URLs only", { elicitation: { url: {} }, extensions: { [EXTENSION]: {} } }],
  ])("cannot be shown by a client with %s: -32021", async (_name, capabilities) => {
    await using stores = twoStores();
    const answer = await play(serverOn(stores, preparing()), { name: "prepared" }, capabilities);
    expect(answer).toMatchObject({
      http: 400,
      error: { code: -32_021, data: { requiredCapabilities: { elicitation: {} } } },
    });
  });

  it("are asked with every answer at hand at once", async () => {
    await using stores = twoStores();
    const inputResponses = { name: ALICE, sure: YES, never: YES };
    const answer = await play(serverOn(stores, preparing()), { name: "prepared", inputResponses }, ABLE);
    expect((await ended(stores.b, taskIdOf(answer))).status).toBe("completed");
  });
});

describe("questions of a tool that runs within its request", () => {
  it("come together, then the next ones, and the result in the end", async () => {
    await using stores = twoStores();
    const server = serverOn(stores, asking());
    const first = await play(server, { name: "asking" });
    expect(keysOf(first)).toEqual(["name", "sure"]);
    const second = await play(server, {
      name: "asking",
      inputResponses: { sure: { action: "cancel" }, name: ALICE },
      requestState: first.result?.["requestState"],
    });
    expect(keysOf(second)).toEqual(["again"]);
    const last = await play(server, {
      name: "asking",
      inputResponses: { again: YES },
      requestState: second.result?.["requestState"],
    });
    expect(last.result).toMatchObject({
      resultType: "complete",
      structuredContent: {
        answers: [ALICE, { action: "cancel" }, YES],
      },
    });
  });

  it("are asked again where only some were answered", async () => {
    await using stores = twoStores();
    const server = serverOn(stores, asking());
    const first = await play(server, { name: "asking", inputResponses: { name: ALICE } });
    expect(keysOf(first)).toEqual(["sure"]);
  });

  it.each<[string, JsonObject]>([
    ["no elicitation", {}],
    ["URLs only", { elicitation: { url: {} } }],
  ])("cannot be shown by a client with %s: -32021", async (_name, capabilities) => {
    await using stores = twoStores();
    const answer = await play(serverOn(stores, asking()), { name: "asking" }, capabilities);
    expect(answer.error).toMatchObject({ code: -32_021, data: { requiredCapabilities: { elicitation: {} } } });
  });

  it("are asked of a tool that swallows the suspension, too", async () => {
    await using stores = twoStores();
    const tool = defineTaskTool({
      name: "stubborn",
      run: async (_args, { elicit }) => {
        await elicit("sure", ASK_SURE).catch(() => undefined);
        return text("too early");
      },
    });
    expect(keysOf(await play(serverOn(stores, tool), { name: "stubborn" }))).toEqual(["sure"]);
  });

  it("cannot share a key", async () => {
    await using stores = twoStores();
    const tool = defineTaskTool({
      name: "twice",
      run: async (_args, { elicit }) => {
        const [a, b] = [await elicit("k", ASK_SURE), await elicit("k", other)];
        return { structuredContent: { a, b } };
      },
    });
    const answer = await play(serverOn(stores, tool), { name: "twice", inputResponses: { k: YES } });
    expect(answer.error).toMatchObject({ code: -32_602, message: expect.stringContaining('"k"') });
  });

  it.each(["__proto__", "constructor", "0"])("may have the key %s", async (key) => {
    await using stores = twoStores();
    const tool = defineTaskTool({
      name: "odd",
      run: async (_args, { elicit }) => ({ structuredContent: await elicit(key, ASK_SURE) }),
    });
    const answer = await play(serverOn(stores, tool), { name: "odd" });
    expect(Object.keys(JSON.parse(answer.text.slice(answer.text.indexOf("{"))).result.inputRequests)).toEqual([key]);
  });

  it.each([
    ["accepted without content", { action: "accept" }],
    ["accepted with what does not fit", { action: "accept", content: { sure: "maybe" } }],
    ["of no kind", { action: "maybe" }],
  ])("are answered with -32602 where the answer is %s", async (_name, answer) => {
    await using stores = twoStores();
    const inputResponses = { name: ALICE, sure: answer };
    const { error } = await play(serverOn(stores, asking()), { name: "asking", inputResponses });
    expect(error).toMatchObject({ code: -32_602, message: expect.stringContaining('"sure"') });
  });
});

describe("what travels with the client", () => {
  const states: readonly (readonly [string, unknown])[] = [
    ["no JSON", "{"],
    ["a text", '"text"'],
    ["a list", "[]"],
    ["null", "null"],
    ["empty", ""],
  ];

  it.each(states)("is refused where no round ended with it: %s", async (_name, requestState) => {
    await using stores = twoStores();
    const { error } = await play(serverOn(stores, asking()), { name: "asking", requestState });
    expect(error).toMatchObject({ code: -32_602 });
  });

  it.each<[string, unknown]>([
    ["nothing of ours", {}],
    ["answers that are none", { answers: "all" }],
    ["answers of no kind", { answers: { name: 7, sure: null, again: [] } }],
    ["answers to what nobody asked", { answers: { toString: YES, constructor: YES } }],
    ["far too much", { answers: {}, more: "x".repeat(2_000_000) }],
    ["very deep", `{"answers":{"name":{"action":"cancel","x":${'{"a":'.repeat(50_000)}1${"}".repeat(50_000)}}}}`],
  ])("forged with %s, gets the client asked or refused, never further", async (_name, state) => {
    await using stores = twoStores();
    const answer = await play(serverOn(stores, asking()), {
      name: "asking",
      requestState: typeof state === "string" ? state : JSON.stringify(state),
    });
    const { resultType, isError } = answer.result ?? {};
    if (answer.error === undefined) expect(resultType === "input_required" || isError === true).toBe(true);
    else expect([-32_602, -32_600]).toContain(answer.error.code);
    expect(answer.text.length).toBeLessThan(10_000);
  });

  it("forged with answers, says no more than the client could have answered", async () => {
    await using stores = twoStores();
    const forged = JSON.stringify({ answers: { name: ALICE, sure: { action: "accept", content: { sure: "x" } } } });
    const { error } = await play(serverOn(stores, asking()), { name: "asking", requestState: forged });
    expect(error).toMatchObject({ code: -32_602, message: expect.stringContaining('"sure"') });
  });

  it("drops what no question asked for", async () => {
    await using stores = twoStores();
    const inputResponses = { name: ALICE, smuggled: { action: "accept", content: { secret: 1 } } };
    const { result } = await play(serverOn(stores, asking()), { name: "asking", inputResponses });
    expect(result?.["requestState"]).not.toContain("smuggled");
  });

  const codec = createRequestStateCodec({
    key: "0123456789abcdef0123456789abcdef",
    bind: ({ mcpReq }) => mcpReq.method,
  });

  const sealed = (stores: TwoStores): TestServer =>
    testServer(stores.a, {
      tools: [asking(), asking("other")],
      requestState: codec,
      server: { requestState: { verify: async (state, context) => await codec.verify(state, context) } },
    });

  it("may be sealed by the SDK's codec, and is opened by the server", async () => {
    await using stores = twoStores();
    const server = sealed(stores);
    const first = await play(server, { name: "asking", inputResponses: { name: ALICE } });
    const requestState = first.result?.["requestState"];
    expect(requestState).not.toContain("Alice");
    const second = await play(server, { name: "asking", inputResponses: { sure: YES }, requestState });
    expect(keysOf(second)).toEqual(["again"]);
    const last = await play(server, {
      name: "asking",
      inputResponses: { again: YES },
      requestState: second.result?.["requestState"],
    });
    expect(last.result).toMatchObject({ structuredContent: { answers: [ALICE, YES, YES] } });
  });

  it.each([
    ["unsealed", () => JSON.stringify({ answers: { name: ALICE } })],
    ["changed", (state: string) => state.slice(0, 20) + (state[20] === "A" ? "B" : "A") + state.slice(21)],
    ["cut", (state: string) => state.slice(0, -2)],
    ["huge", (state: string) => state + "A".repeat(2_000_000)],
  ])("is refused with a broken seal: %s", async (_name, forge) => {
    await using stores = twoStores();
    const server = sealed(stores);
    const first = await play(server, { name: "asking", inputResponses: { name: ALICE } });
    const requestState = forge(z.string().parse(first.result?.["requestState"]));
    const { error } = await play(server, { name: "asking", requestState });
    expect(error?.code).toBe(-32_602);
  });

  it("is another tool's only in so far as its questions are the same", async () => {
    await using stores = twoStores();
    const plain = defineTaskTool({
      name: "plain",
      run: async (_args, { elicit }) => ({ structuredContent: await elicit("mine", ASK_SURE) }),
    });
    const server = serverOn(stores, asking(), plain);
    const first = await play(server, { name: "asking", inputResponses: { name: ALICE } });
    const moved = await play(server, { name: "plain", requestState: first.result?.["requestState"] });
    expect(keysOf(moved)).toEqual(["mine"]);
    expect(moved.result?.["requestState"]).not.toContain("Alice");
  });
});
