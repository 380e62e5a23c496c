/** Addresses to open and questions to the client's model, in a task: kept and answered as forms are. */
import { isTaskStoreError, type JsonObject, type TaskOutcome } from "@mcp-task-store/core";
import { describe, expect, it } from "vitest";
import { type AsksClient, type CreateMessageParams, createTaskWorker, type ToolResult } from "../src/index.ts";
import { ASK_SURE, outcomeOf, type Run, taskFor, toolOf, YES } from "./task-tools.ts";
import { asked, BACKENDS, read, twoStores, withFaults } from "./two-stores.ts";

const EVERYTHING = { elicitation: { form: {}, url: {} }, sampling: { tools: {} } };
const LOGIN = { message: "Log in", url: "https://example.com/login?state=1" };
const JOKE: CreateMessageParams = {
  messages: [{ role: "user", content: { type: "text", text: "Tell a joke" } }],
  maxTokens: 100,
};
const SAID = {
  role: "assistant",
  model: "m-1",
  content: { type: "text", text: "Knock, knock" },
  stopReason: "endTurn",
};
const WEATHER = { name: "weather", inputSchema: { type: "object" } };
const WANTS_WEATHER = {
  role: "assistant",
  model: "m-1",
  content: [{ type: "tool_use", id: "1", name: "weather", input: { city: "Ulm" } }],
  stopReason: "toolUse",
};

async function structured(answer: Promise<object>): Promise<ToolResult> {
  return { structuredContent: { answer: await answer } };
}

/** How a tool ends whose one question was answered with this. */
async function endsWith(
  ask: (asks: AsksClient) => Promise<object>,
  answer: JsonObject,
): Promise<TaskOutcome | undefined> {
  await using stores = twoStores();
  const { taskId } = await taskFor(stores.a, EVERYTHING);
  const tool = toolOf(async (context) => await structured(ask(context)));
  const running = createTaskWorker(stores.a, { tools: [tool] }).run(taskId);
  await asked(stores.b, taskId);
  await stores.b.answerInputs(taskId, { k: answer });
  await running;
  return (await read(stores.b, taskId)).outcome;
}

describe.each(BACKENDS)("questions of every kind, on $name", ({ open, isLeftOut }) => {
  it.skipIf(isLeftOut)("are asked together, survive their worker, and are asked once", async () => {
    await using stores = await open();
    let starts = 0;
    const run: Run = async ({ elicit, elicitUrl, createMessage }) => {
      starts += 1;
      const options = { whileWaiting: "suspend" } as const;
      const [sure, login, joke] = await Promise.all([
        elicit("sure", ASK_SURE, options),
        elicitUrl("login", LOGIN, options),
        createMessage("joke", JOKE, options),
      ]);
      return { structuredContent: { sure, login, joke } };
    };
    const { taskId } = await taskFor(stores.a, EVERYTHING);
    let writes = 0;
    const counting = withFaults(stores.a, {
      requestInputs: async (...given) => {
        writes += 1;
        return await stores.a.requestInputs(...given);
      },
    });
    const left = await createTaskWorker(counting, { tools: [toolOf(run)] }).run(taskId);
    expect(writes).toBe(1);
    expect(left).toMatchObject({ status: "input_required", attempts: 0 });
    const { inputs } = await read(stores.b, taskId);
    expect(inputs).toMatchObject({
      sure: { request: { method: "elicitation/create", params: { mode: "form" } } },
      login: { request: { method: "elicitation/create", params: { mode: "url", ...LOGIN } } },
      joke: { request: { method: "sampling/createMessage", params: JOKE } },
    });
    await stores.b.answerInputs(taskId, { joke: SAID, login: { action: "accept" } });
    expect((await read(stores.a, taskId)).status).toBe("input_required");
    await stores.b.answerInputs(taskId, { sure: YES });
    await createTaskWorker(stores.b, { tools: [toolOf(run)] }).run(taskId);
    const task = await read(stores.a, taskId);
    expect(task.outcome).toEqual({
      status: "completed",
      result: { structuredContent: { sure: YES, login: { action: "accept" }, joke: SAID } },
    });
    expect(starts).toBe(2);
    expect(task.inputs["joke"]?.request).toEqual(inputs["joke"]?.request);
  });
});

describe("a client", () => {
  it.each<[string, Parameters<typeof taskFor>[1], Run, JsonObject]>([
    [
      "that shows forms only opens no URL",
      { elicitation: { form: {} } },
      async ({ elicitUrl }) => await structured(elicitUrl("k", LOGIN)),
      { elicitation: { url: {} } },
    ],
    [
      "without a mode opens no URL",
      { elicitation: {} },
      async ({ elicitUrl }) => await structured(elicitUrl("k", LOGIN)),
      { elicitation: { url: {} } },
    ],
    [
      "without elicitation opens no URL",
      { elicitation: undefined },
      async ({ elicitUrl }) => await structured(elicitUrl("k", LOGIN)),
      { elicitation: { url: {} } },
    ],
    [
      "without a model is asked nothing",
      {},
      async ({ createMessage }) => await structured(createMessage("k", JOKE)),
      { sampling: {} },
    ],
    [
      "whose model has no tools gets none",
      { sampling: {} },
      async ({ createMessage }) => await structured(createMessage("k", { ...JOKE, tools: [WEATHER] })),
      { sampling: { tools: {} } },
    ],
    [
      "whose model has no tools need not choose one",
      { sampling: {} },
      async ({ createMessage }) => await structured(createMessage("k", { ...JOKE, toolChoice: { mode: "auto" } })),
      { sampling: { tools: {} } },
    ],
  ])("%s: -32021", async (_name, parts, run, requiredCapabilities) => {
    await using stores = twoStores();
    expect(await outcomeOf(stores.a, run, parts)).toMatchObject({
      status: "failed",
      error: { code: -32_021, data: { requiredCapabilities } },
    });
  });

  it("is shown no key that it could not answer, of whatever kind", async () => {
    await using stores = twoStores();
    for (const key of ["", "__proto__", "k".repeat(256)]) {
      const kinds: Run[] = [
        async ({ elicitUrl }) => await structured(elicitUrl(key, LOGIN)),
        async ({ createMessage }) => await structured(createMessage(key, JOKE)),
      ];
      for (const run of kinds) {
        expect(await outcomeOf(stores.a, run, EVERYTHING)).toMatchObject({ result: { isError: true } });
      }
    }
  });
});

describe("a question that nobody can be asked", () => {
  it.each<[string, Run, RegExp]>([
    [
      "an address that is none",
      async ({ elicitUrl }) => await structured(elicitUrl("k", { message: "Open", url: "/login" })),
      /absolute URL/,
    ],
    [
      "no message",
      async ({ createMessage }) => await structured(createMessage("k", { messages: [], maxTokens: 1 })),
      /messages/,
    ],
    [
      "no room for an answer",
      async ({ createMessage }) => await structured(createMessage("k", { ...JOKE, maxTokens: 0 })),
      /maxTokens/,
    ],
    [
      "half a picture",
      async ({ createMessage }) =>
        await structured(
          createMessage("k", {
            messages: [{ role: "user", content: { type: "image", data: "?", mimeType: "image/png" } }],
            maxTokens: 1,
          }),
        ),
      /messages/,
    ],
  ])("%s is the tool's own fault", async (_name, run, message) => {
    await using stores = twoStores();
    expect(await outcomeOf(stores.a, run, EVERYTHING)).toMatchObject({
      status: "completed",
      result: { isError: true, content: [{ text: expect.stringMatching(message) }] },
    });
  });

  it("is another one under a key that is taken", async () => {
    const both = async ({ createMessage, elicitUrl }: AsksClient): Promise<object> => {
      await createMessage("k", JOKE);
      const refused: unknown = await elicitUrl("k", LOGIN).catch((error: unknown) => error);
      return { isReused: isTaskStoreError(refused, "INPUT_KEY_REUSED") };
    };
    expect(await endsWith(both, SAID)).toMatchObject({ result: { structuredContent: { answer: { isReused: true } } } });
  });
});

describe("an answer", () => {
  const url = async ({ elicitUrl }: AsksClient): Promise<object> => await elicitUrl("k", LOGIN);
  const joke = async ({ createMessage }: AsksClient): Promise<object> => await createMessage("k", JOKE);
  const weather = async ({ createMessage }: AsksClient): Promise<object> =>
    await createMessage("k", { ...JOKE, tools: [WEATHER] });

  it.each<[string, (asks: AsksClient) => Promise<object>, JsonObject]>([
    ["that declined an address", url, { action: "decline" }],
    ["that dismissed an address", url, { action: "cancel" }],
    ["of a model", joke, SAID],
    ["of several parts", joke, { ...SAID, content: [SAID.content, SAID.content] }],
    ["with what the specification may have one day", joke, { ...SAID, mood: "good" }],
    ["that wants a tool", weather, WANTS_WEATHER],
  ])("%s reaches the tool", async (_name, ask, answer) => {
    expect(await endsWith(ask, answer)).toEqual({ status: "completed", result: { structuredContent: { answer } } });
  });

  it("to an address brings no content", async () => {
    const answer = { action: "accept", content: { password: "secret" } };
    expect(await endsWith(url, answer)).toMatchObject({
      result: { structuredContent: { answer: { action: "accept" } } },
    });
    expect(JSON.stringify(await endsWith(url, answer))).not.toContain("secret");
  });

  it.each<[string, (asks: AsksClient) => Promise<object>, JsonObject]>([
    ["no action", url, {}],
    ["an action nobody knows", url, { action: "maybe" }],
    ["nothing", joke, {}],
    ["no model", joke, { ...SAID, model: undefined }],
    ["a role nobody knows", joke, { ...SAID, role: "system" }],
    ["content of no kind", joke, { ...SAID, content: { type: "smell" } }],
    ["the answer of a form", joke, YES],
    ["a tool that it was not given", joke, WANTS_WEATHER],
  ])("with %s fails the task with -32602", async (_name, ask, answer) => {
    expect(await endsWith(ask, JSON.parse(JSON.stringify(answer)))).toMatchObject({
      status: "failed",
      error: { code: -32_602, message: expect.stringContaining('"k"') },
    });
  });

  it("that is the client's refusal is an error with its code", async () => {
    const refusal = { error: { code: -1, message: "User rejected sampling request", data: { why: "busy" } } };
    expect(await endsWith(joke, refusal)).toEqual({ status: "failed", ...refusal });
  });
});
