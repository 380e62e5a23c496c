/** Addresses to open and questions to the client's model, on the wire of 2026-07-28. */
import type { JsonObject } from "@mcp-task-store/core";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { describe, expect, it } from "vitest";
import { defineTaskTool } from "../src/index.ts";
import { ended, read, twoStores, until } from "./two-stores.ts";
import { type Answer, EXTENSION, taskIdOf, testServer, type TestServer } from "./v2-server.ts";

const ASKABLE: JsonObject = { elicitation: { form: {}, url: {} }, sampling: {} };
const ABLE: JsonObject = { ...ASKABLE, extensions: { [EXTENSION]: {} } };
const LOGIN = { message: "Log in", url: "https://example.com/login" };
const MESSAGES = [{ role: "user" as const, content: { type: "text" as const, text: "Tell a joke" } }];
const JOKE = { messages: MESSAGES, maxTokens: 100 };
const SAID = { role: "assistant" as const, model: "m-1", content: { type: "text" as const, text: "Knock, knock" } };

/** Asks in its run, in a task or without one. */
const asking = defineTaskTool({
  name: "asking",
  run: async (_args, { elicitUrl, createMessage }) => {
    const [login, joke] = await Promise.all([
      elicitUrl("login", { ...LOGIN, elicitationId: "older clients only" }, { whileWaiting: "suspend" }),
      createMessage("joke", JOKE, { whileWaiting: "suspend" }),
    ]);
    return { structuredContent: { login, joke } };
  },
});

/** Asks before there is a task. */
const preparing = defineTaskTool({
  name: "preparing",
  taskSupport: "required",
  prepare: async (_args, { createMessage }) => ({ joke: await createMessage("joke", JOKE) }),
  run: (_args, { prepared }) => ({ structuredContent: prepared }),
});

const ANSWERS = { login: { action: "accept" }, joke: SAID };
const ASKED = {
  login: { method: "elicitation/create", params: { mode: "url", ...LOGIN } },
  joke: { method: "sampling/createMessage", params: JOKE },
};

async function waiting(server: TestServer, name: string): Promise<string> {
  return taskIdOf(await server.call("tools/call", { name }, { capabilities: ABLE }));
}

describe("a task", () => {
  it("asks by tasks/get, and the first answers of every kind are its own", async () => {
    await using stores = twoStores();
    const server = testServer(stores.a, { tools: [asking] });
    const taskId = await waiting(server, "asking");
    await until(stores.b, taskId, ({ status, lease }) => status === "input_required" && lease === undefined);
    const { result } = await server.call("tasks/get", { taskId });
    expect(result?.["inputRequests"]).toEqual(ASKED);
    const update = async (inputResponses: unknown): Promise<Answer> =>
      await server.call("tasks/update", { taskId, inputResponses });

    for (const [key, answer] of [
      ["joke", { ...SAID, role: "system" }],
      ["joke", { action: "accept" }],
      ["joke", {}],
      ["login", { action: "perhaps" }],
      ["login", SAID],
    ] as const) {
      expect((await update({ ...ANSWERS, [key]: answer })).error).toMatchObject({ code: -32_602, data: { key } });
    }
    expect((await read(stores.b, taskId)).inputs).not.toMatchObject({ login: { response: expect.anything() } });

    expect((await update(ANSWERS)).error).toBeUndefined();
    expect((await ended(stores.b, taskId)).outcome).toMatchObject({ result: { structuredContent: ANSWERS } });
  });

  it("keeps what was asked before it was there", async () => {
    await using stores = twoStores();
    const server = testServer(stores.a, { tools: [preparing] });
    const call = async (round: JsonObject): Promise<Answer> =>
      await server.call("tools/call", { name: "preparing", ...round }, { capabilities: ABLE });
    const { result } = await call({});
    expect(result?.["inputRequests"]).toEqual({ joke: ASKED.joke });
    const taskId = taskIdOf(await call({ inputResponses: { joke: SAID }, requestState: result?.["requestState"] }));
    expect((await ended(stores.b, taskId)).outcome).toMatchObject({ result: { structuredContent: { joke: SAID } } });
  });
});

describe("a call without a task", () => {
  it("asks the official client in rounds", async () => {
    await using stores = twoStores();
    const { handler } = testServer(stores.a, { tools: [asking] });
    const client = new Client(
      { name: "test", version: "1.0.0" },
      { capabilities: { elicitation: { form: {}, url: {} }, sampling: {} }, versionNegotiation: { mode: "auto" } },
    );
    const asked: unknown[] = [];
    client.setRequestHandler("elicitation/create", ({ params }) => {
      asked.push(params);
      return { action: "accept" };
    });
    client.setRequestHandler("sampling/createMessage", ({ params }) => {
      asked.push(params);
      return SAID;
    });
    const fetch = async (input: string | URL, init?: RequestInit): Promise<Response> =>
      await handler.fetch(new Request(input, init));
    await client.connect(new StreamableHTTPClientTransport(new URL("http://localhost/mcp"), { fetch }));
    const { structuredContent } = await client.callTool({ name: "asking", arguments: {} });
    expect(structuredContent).toEqual(ANSWERS);
    expect(asked).toHaveLength(2);
    expect(asked).toEqual(expect.arrayContaining([expect.objectContaining(LOGIN), expect.objectContaining(JOKE)]));
    await client.close();
  });

  it.each<[string, JsonObject, JsonObject]>([
    ["forms only", { elicitation: { form: {} }, sampling: {} }, { elicitation: { url: {} } }],
    ["no model", { elicitation: { url: {} } }, { sampling: {} }],
  ])("refuses a client with %s: -32021", async (_name, capabilities, requiredCapabilities) => {
    await using stores = twoStores();
    const only = defineTaskTool({
      name: "only",
      run: async (_args, { elicitUrl, createMessage }) => {
        await elicitUrl("login", LOGIN);
        return { structuredContent: await createMessage("joke", JOKE) };
      },
    });
    const server = testServer(stores.a, { tools: [only] });
    const round = { name: "only", inputResponses: { login: { action: "accept" } } };
    const answer = await server.call("tools/call", round, { capabilities });
    expect(answer).toMatchObject({ http: 400, error: { code: -32_021, data: { requiredCapabilities } } });
  });

  it("refuses an answer that is none with -32602", async () => {
    await using stores = twoStores();
    const server = testServer(stores.a, { tools: [asking] });
    const round = { name: "asking", inputResponses: { ...ANSWERS, joke: { action: "accept" } } };
    const { error } = await server.call("tools/call", round, { capabilities: ASKABLE });
    expect(error).toMatchObject({ code: -32_602 });
  });
});
