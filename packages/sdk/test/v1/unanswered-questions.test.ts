/** Questions that nobody answered stay open, whatever the client says that is no answer. */
import { ResultSchema } from "@modelcontextprotocol/sdk/types.js";
import type { TaskStore } from "@mcp-task-store/core";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTaskTool } from "../../src/index.ts";
import { TasksSupport } from "../../src/v1/index.ts";
import { asked, read, twoStores } from "../two-stores.ts";
import { type HttpServer, serveHttp } from "./http-server.ts";
import { connectHttp, rpcErrorOf } from "./test-client.ts";
import { greeter } from "./test-tools.ts";
import { accepted, question, questions, result, silent, start } from "./task-calls.ts";

const HELLO_ALICE = { content: [{ type: "text", text: "Hello, Alice!" }] };

/** Asks for a name before there is a task. */
const preparer = defineTaskTool({
  name: "prepare",
  prepare: async (_args, { elicit }) => {
    const asked = await elicit("name", { message: "Your name?", requestedSchema: z.object({ name: z.string() }) });
    return { action: asked.action };
  },
  run: (_args, { prepared }) => ({ content: [{ type: "text", text: JSON.stringify(prepared) }] }),
});

async function serve(store: TaskStore, isStateless = false): Promise<HttpServer> {
  const tasks = new TasksSupport(store, { tools: [greeter, preparer] });
  return await serveHttp({ prepare: (mcp) => tasks.attach(mcp), isStateless });
}

describe("a question is not shown", () => {
  it("to a client that shows no forms, which only waits for the result", async () => {
    await using stores = twoStores();
    await using server = await serve(stores.a);
    await using maker = await connectHttp(server.url, silent);
    const taskId = await start(maker);
    await asked(stores.a, taskId);
    await using dashboard = await connectHttp(server.url, { user: "alice" });
    const shown = result(dashboard, taskId);
    const waiting = result(maker, taskId);
    const id = await question(maker, 1);
    // Both wait: what the dashboard would have been asked it was asked by now.
    await dashboard.client.ping();
    expect((await read(stores.a, taskId)).status).toBe("input_required");
    await maker.transport.send({ jsonrpc: "2.0", id, result: accepted });
    expect(await waiting).toMatchObject(HELLO_ALICE);
    expect(await shown).toMatchObject(HELLO_ALICE);
    expect(questions(dashboard)).toEqual([]);
  });

  it.each([{ name: "greet" }, { name: "prepare" }, { name: "prepare", task: {} }])(
    "without a session, where its answer would not reach the call: %j",
    async (params) => {
      await using stores = twoStores();
      await using server = await serve(stores.a, true);
      await using alice = await connectHttp(server.url, { user: "alice", answer: () => accepted });
      const call = alice.client.request({ method: "tools/call", params }, ResultSchema);
      const data = { requiredCapabilities: { elicitation: {} } };
      expect(await rpcErrorOf(call)).toMatchObject({ code: -32_021, data });
      expect(questions(alice)).toEqual([]);
    },
  );
});

/** As the SDK for Python answers a request that was taken back. */
const error = { code: 0, message: "Request cancelled" };

describe("a question stays open", () => {
  it("when what was taken back is answered with an error: after newer waits, and a wait given up", async () => {
    await using stores = twoStores();
    await using server = await serve(stores.a);
    await using alice = await connectHttp(server.url, silent);
    const taskId = await start(alice);
    const first = result(alice, taskId);
    const old = await question(alice, 1);
    const second = result(alice, taskId);
    await question(alice, 2);
    const third = new AbortController();
    result(alice, taskId, third.signal).catch(() => undefined);
    const givenUp = await question(alice, 3);
    third.abort();
    const newest = await question(alice, 4);
    for (const id of [old, givenUp]) {
      await alice.transport.send({ jsonrpc: "2.0", id, error: { code: -32_603, message: "No more" } });
      await alice.transport.send({ jsonrpc: "2.0", id, error });
    }
    await alice.client.ping();
    await alice.transport.send({ jsonrpc: "2.0", id: newest, result: accepted });
    expect(await first).toMatchObject(HELLO_ALICE);
    expect(await second).toMatchObject(HELLO_ALICE);
  });

  it("when its only wait was given up and the client says so", async () => {
    await using stores = twoStores();
    await using server = await serve(stores.a);
    await using alice = await connectHttp(server.url, silent);
    const taskId = await start(alice);
    const wait = new AbortController();
    result(alice, taskId, wait.signal).catch(() => undefined);
    const id = await question(alice, 1);
    wait.abort();
    await alice.client.ping();
    await alice.transport.send({ jsonrpc: "2.0", id, error });
    const waiting = result(alice, taskId);
    await alice.transport.send({ jsonrpc: "2.0", id: await question(alice, 2), result: accepted });
    expect(await waiting).toMatchObject(HELLO_ALICE);
  });

  it.each([error, { code: -32_800, message: "No more" }, { code: -32_603, message: "The operation was canceled." }])(
    "when a client without a session says that its request was cancelled: %j",
    async (cancelled) => {
      await using stores = twoStores();
      await using server = await serve(stores.a, true);
      await using alice = await connectHttp(server.url, silent);
      const taskId = await start(alice);
      const waiting = result(alice, taskId);
      const id = await question(alice, 1);
      await alice.transport.send({ jsonrpc: "2.0", id, error: cancelled });
      await alice.transport.send({ jsonrpc: "2.0", id, result: accepted });
      expect(await waiting).toMatchObject(HELLO_ALICE);
    },
  );

  it.each([false, true])("when its answer is none that it can take (stateless: %s)", async (isStateless) => {
    await using stores = twoStores();
    await using server = await serve(stores.a, isStateless);
    await using alice = await connectHttp(server.url, silent);
    const waiting = result(alice, await start(alice));
    const wrong = { action: "accept", content: { name: 7 } };
    const first = await question(alice, 1);
    await alice.transport.send({ jsonrpc: "2.0", id: first, result: wrong });
    const second = await question(alice, 2);
    // What is asked under another id meanwhile is not asked a third time.
    await alice.transport.send({ jsonrpc: "2.0", id: first, result: wrong });
    await alice.client.ping();
    await alice.transport.send({ jsonrpc: "2.0", id: second, result: accepted });
    expect(await waiting).toMatchObject(HELLO_ALICE);
    expect(questions(alice)).toEqual([first, second]);
  });

  it("not when a client refuses it, with or without a session", async () => {
    await using stores = twoStores();
    for (const isStateless of [false, true]) {
      await using server = await serve(stores.a, isStateless);
      await using alice = await connectHttp(server.url, silent);
      const waiting = result(alice, await start(alice));
      const refused = { code: -32_603, message: "The user cancelled the form" };
      await alice.transport.send({ jsonrpc: "2.0", id: await question(alice, 1), error: refused });
      expect(await waiting).toMatchObject({ content: [{ text: "Hello, whoever (cancel)!" }] });
    }
  });
});
