/** What a tool asks while its task runs: asked wherever the client waits, answered wherever the answer arrives. */
import { createTaskWorker } from "../../src/index.ts";
import { TasksSupport, type TasksSupportOptions } from "../../src/v1/index.ts";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { type JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import { type ScopedTaskStore, type TaskStore, TaskStoreError } from "@mcp-task-store/core";
import { pollUntil } from "@mcp-task-store/services";
import { describe, expect, it } from "vitest";
import { asked, BACKENDS, ended, read, twoStores, withFaults } from "../two-stores.ts";
import { counted } from "./counted-store.ts";
import { serveHttp } from "./http-server.ts";
import { connectHttp, rpcErrorOf, type TestClient } from "./test-client.ts";
import { greeter, suspender } from "./test-tools.ts";
import { accepted, result, silent, start } from "./task-calls.ts";

async function serve(store: TaskStore, options: Partial<TasksSupportOptions> & { isStateless?: boolean } = {}) {
  const { isStateless = false, ...rest } = options;
  const tasks = new TasksSupport(store, { tools: [greeter], ...rest });
  return await serveHttp({ prepare: (mcp) => tasks.attach(mcp), isStateless });
}

/** Requests that the client got and their ids. */
function questions({ received }: TestClient): readonly { readonly id: string | number }[] {
  return received
    .filter((message) => "method" in message && message.method === "elicitation/create" && "id" in message)
    .map((message) => ("id" in message && message.id !== undefined ? { id: message.id } : { id: "" }));
}

async function firstQuestion(client: TestClient): Promise<string | number> {
  const [question] = await pollUntil(() => questions(client).length > 0 && questions(client), { what: "a question" });
  if (question === undefined) throw new Error("no question");
  return question.id;
}

function answerTo(id: string | number, name: string): JSONRPCMessage {
  return { jsonrpc: "2.0", id, result: { action: "accept", content: { name } } };
}

async function greeting(store: TaskStore, taskId: string): Promise<unknown> {
  const { outcome } = await ended(store, taskId);
  return outcome !== undefined && "result" in outcome ? outcome.result["content"] : outcome;
}

async function terminateSession(transport: Transport): Promise<void> {
  if (!(transport instanceof StreamableHTTPClientTransport)) throw new Error("It has no sessions.");
  await transport.terminateSession();
}

const HELLO_ALICE = [{ type: "text", text: "Hello, Alice!" }];

describe.each(BACKENDS)("a question on $name", (backend) => {
  it.skipIf(backend.isLeftOut)("of a worker elsewhere reaches the client, and the answer the worker", async () => {
    await using stores = await backend.open();
    await using worker = createTaskWorker(stores.b, { tools: [greeter] });
    const queue: string[] = [];
    await using server = await serve(stores.a, { dispatch: ({ taskId }) => void queue.push(taskId) });
    await using alice = await connectHttp(server.url, { user: "alice", answer: () => accepted });
    const taskId = await start(alice);
    expect(queue).toEqual([taskId]);
    const run = worker.run(taskId);
    expect(await result(alice, taskId)).toMatchObject({ content: HELLO_ALICE });
    expect(await run).toMatchObject({ status: "completed" });
  });

  it.skipIf(backend.isLeftOut)(
    "may be answered on another server than the one that asked, without sessions",
    async () => {
      await using stores = await backend.open();
      await using first = await serve(stores.a, { isStateless: true });
      await using second = await serve(stores.b, { isStateless: true });
      await using asking = await connectHttp(first.url, silent);
      await using answering = await connectHttp(second.url, silent);
      const taskId = await start(asking);
      const waiting = result(asking, taskId);
      await answering.transport.send(answerTo(await firstQuestion(asking), "Alice"));
      expect(await waiting).toMatchObject({ content: HELLO_ALICE });
    },
  );
});

describe("a question", () => {
  it("is asked again after a reconnect", async () => {
    await using stores = twoStores();
    await using server = await serve(stores.a);
    const before = await connectHttp(server.url, silent);
    const taskId = await start(before);
    const lost = rpcErrorOf(result(before, taskId));
    await firstQuestion(before);
    await before.client.close();
    await lost;
    await using after = await connectHttp(server.url, { user: "alice", answer: () => accepted });
    expect(await result(after, taskId)).toMatchObject({ content: HELLO_ALICE });
  });

  it("is answered once: a second answer changes nothing", async () => {
    await using stores = twoStores();
    await using server = await serve(stores.a);
    await using alice = await connectHttp(server.url, silent);
    const taskId = await start(alice);
    const waiting = result(alice, taskId);
    const id = await firstQuestion(alice);
    await alice.transport.send(answerTo(id, "Alice"));
    await alice.transport.send(answerTo(id, "Mallory"));
    expect(await waiting).toMatchObject({ content: HELLO_ALICE });
    expect((await read(stores.a, taskId)).inputs["name"]?.response).toEqual(accepted);
    await alice.transport.send(answerTo(id, "Mallory"));
    expect(await result(alice, taskId)).toMatchObject({ content: HELLO_ALICE });
  });

  it("takes no answer from somebody else", async () => {
    await using stores = twoStores();
    await using server = await serve(stores.a);
    await using alice = await connectHttp(server.url, silent);
    await using mallory = await connectHttp(server.url, { user: "mallory" });
    const taskId = await start(alice);
    const waiting = result(alice, taskId);
    const id = await firstQuestion(alice);
    await mallory.transport.send(answerTo(id, "Mallory"));
    await mallory.client.ping();
    expect((await read(stores.a, taskId)).status).toBe("input_required");
    await alice.transport.send(answerTo(id, "Alice"));
    expect(await waiting).toMatchObject({ content: HELLO_ALICE });
  });

  it("takes no answer under ids that are none", async () => {
    await using stores = twoStores();
    await using server = await serve(stores.a);
    await using alice = await connectHttp(server.url, silent);
    const taskId = await start(alice);
    await asked(stores.a, taskId);
    for (const id of [
      "task-input",
      "task-input/%/name/x",
      `task-input/${taskId}/other/x`,
      `task-input/nobody/name/x`,
      "",
      99,
    ]) {
      await alice.transport.send(answerTo(id, "Mallory"));
    }
    await alice.client.ping();
    expect((await read(stores.a, taskId)).status).toBe("input_required");
  });

  it("that the client answers with an error is answered with nothing chosen", async () => {
    await using stores = twoStores();
    await using server = await serve(stores.a);
    const answer = (): never => {
      throw new Error("no screen");
    };
    await using alice = await connectHttp(server.url, { user: "alice", answer });
    const taskId = await start(alice);
    expect(await result(alice, taskId)).toMatchObject({ content: [{ text: "Hello, whoever (cancel)!" }] });
  });

  it("that gets what it cannot take fails its task, and is not asked for ever", async () => {
    await using stores = twoStores();
    await using server = await serve(stores.a);
    await using alice = await connectHttp(server.url, {
      user: "alice",
      answer: () => ({ action: "accept", content: { name: 7 } }),
    });
    const taskId = await start(alice);
    expect(await rpcErrorOf(result(alice, taskId))).toMatchObject({ code: -32_602 });
  });

  it("whose answer is too large to store is answered with nothing chosen", async () => {
    await using stores = twoStores({ maxPayloadBytes: 2_000 });
    await using server = await serve(stores.a);
    const content = { name: "x".repeat(10_000) };
    await using alice = await connectHttp(server.url, { user: "alice", answer: () => ({ action: "accept", content }) });
    const taskId = await start(alice);
    expect(await result(alice, taskId)).toMatchObject({ content: [{ text: "Hello, whoever (cancel)!" }] });
  });

  it("whose answer meets an outage is answered when that is over", async () => {
    await using stores = twoStores();
    let outages = 2;
    const scoped = (principal: string | null): ScopedTaskStore => {
      const view = stores.a.scoped(principal);
      const answerInputs: ScopedTaskStore["answerInputs"] = async (...args) => {
        outages -= 1;
        if (outages >= 0) throw new TaskStoreError("STORE_UNAVAILABLE", "It is out.");
        return await view.answerInputs(...args);
      };
      return { ...view, principal: view.principal, answerInputs };
    };
    await using server = await serve(withFaults(stores.a, { scoped }));
    await using alice = await connectHttp(server.url, { user: "alice", answer: () => accepted });
    const taskId = await start(alice);
    expect(await result(alice, taskId)).toMatchObject({ content: HELLO_ALICE });
    expect(outages).toBe(-1);
  });

  it("is taken back where the newest wait asks it, and when another session answered", async () => {
    await using stores = twoStores();
    await using server = await serve(stores.a);
    await using alice = await connectHttp(server.url, silent);
    await using elsewhere = await connectHttp(server.url, silent);
    const taskId = await start(alice);
    const waits = [result(alice, taskId)];
    const first = await firstQuestion(alice);
    waits.push(result(alice, taskId));
    await pollUntil(() => questions(alice).length === 2, { what: "the second question" });
    const cancelled = (): unknown[] =>
      alice.received.flatMap((message) =>
        "method" in message && message.method === "notifications/cancelled" ? [message.params?.["requestId"]] : [],
      );
    await pollUntil(() => cancelled().length === 1, { what: "the first taken back" });
    expect(cancelled()).toEqual([first]);
    waits.push(result(elsewhere, taskId));
    await elsewhere.transport.send(answerTo(await firstQuestion(elsewhere), "Alice"));
    for (const wait of waits) expect(await wait).toMatchObject({ content: HELLO_ALICE });
    expect(cancelled()).toEqual(questions(alice).map(({ id }) => id));
  });

  it("is asked again where a client waited before, when it gives its newest wait up", async () => {
    await using stores = twoStores();
    await using server = await serve(stores.a);
    await using alice = await connectHttp(server.url, silent);
    const taskId = await start(alice);
    const waiting = result(alice, taskId);
    await firstQuestion(alice);
    const second = new AbortController();
    result(alice, taskId, second.signal).catch(() => undefined);
    await pollUntil(() => questions(alice).length === 2, { what: "the second question" });
    second.abort();
    const third = await pollUntil(() => questions(alice)[2], { what: "the third question" });
    await alice.transport.send(answerTo(third.id, "Alice"));
    expect(await waiting).toMatchObject({ content: HELLO_ALICE });
  });

  it("ends with its task when that is cancelled", async () => {
    await using stores = twoStores();
    await using server = await serve(stores.a);
    await using alice = await connectHttp(server.url, silent);
    const taskId = await start(alice);
    const waiting = rpcErrorOf(result(alice, taskId));
    const id = await firstQuestion(alice);
    const { client } = alice;
    expect(await client.experimental.tasks.cancelTask(taskId)).toMatchObject({ status: "cancelled" });
    expect(await waiting).toMatchObject({ code: -32_603 });
    await alice.transport.send(answerTo(id, "Alice"));
    await client.ping();
    expect((await read(stores.a, taskId)).status).toBe("cancelled");
  });

  it("of a call without task is asked within the call", async () => {
    await using stores = twoStores();
    await using server = await serve(stores.a);
    await using alice = await connectHttp(server.url, { user: "alice", answer: () => accepted });
    expect(await alice.client.callTool({ name: "greet" })).toMatchObject({ content: HELLO_ALICE });
    const answer = (): never => {
      throw new Error("no screen");
    };
    await using blind = await connectHttp(server.url, { user: "alice", answer });
    expect(await blind.client.callTool({ name: "greet" })).toMatchObject({
      content: [{ text: "Hello, whoever (cancel)!" }],
    });
    await using mute = await connectHttp(server.url, { user: "alice" });
    expect(await rpcErrorOf(mute.client.callTool({ name: "greet" }))).toMatchObject({ code: -32_021 });
  });

  it("that ended its run starts the tool again with the answer", async () => {
    await using stores = twoStores();
    await using server = await serve(stores.a, { tools: [suspender] });
    await using alice = await connectHttp(server.url, silent);
    const taskId = await start(alice);
    await pollUntil(async () => (await asked(stores.a, taskId)).lease === undefined, { what: "the run to end" });
    const waiting = result(alice, taskId);
    await alice.transport.send(answerTo(await firstQuestion(alice), "Alice"));
    expect(await waiting).toMatchObject({ content: HELLO_ALICE });
    expect(await greeting(stores.b, taskId)).toEqual(HELLO_ALICE);
  });
});

describe("a client that waits for a result leaves nothing behind", () => {
  it.each<readonly [string, (alice: TestClient, wait: AbortController) => unknown]>([
    ["cancels the wait", (_alice, wait) => wait.abort()],
    ["closes its session", async ({ transport }) => await terminateSession(transport)],
    ["goes away without a word", async ({ client }) => await client.close()],
  ])("when it %s", async (_how, leave) => {
    await using stores = twoStores({ safetyPollMs: 600_000 });
    const { store, waits } = counted(stores.a);
    await using server = await serve(store);
    // Made over a connection of its own: it has nothing to wait for but the result.
    await using maker = await connectHttp(server.url, silent);
    const taskId = await start(maker);
    await asked(stores.a, taskId);
    await maker.client.close();
    for (const transport of server.sessions.values()) await transport.close();
    await pollUntil(() => waits() === 0, { what: "the maker to be gone" });

    await using alice = await connectHttp(server.url, silent);
    const wait = new AbortController();
    // Where the session ends, no answer comes.
    result(alice, taskId, wait.signal).catch(() => undefined);
    await firstQuestion(alice);
    expect(waits()).toBe(1);
    await leave(alice, wait);
    await pollUntil(() => waits() === 0, { what: "the wait to end" });
  });

  it.each([
    ["all may have together", { maxWaitingResults: 100 }, 100],
    ["one may have", { maxWaitingResultsPerPrincipal: 50 }, 50],
    ["one connection may have", {}, 128],
  ])("when it floods the server with more waits than %s", async (_whose, limits, most) => {
    await using stores = twoStores();
    const { store, waits } = counted(stores.a);
    await using server = await serve(store, limits);
    await using alice = await connectHttp(server.url, silent);
    await using again = await connectHttp(server.url, silent);
    const taskId = await start(alice);
    await asked(stores.a, taskId);
    const following = waits();
    const flood = (client: TestClient): Promise<unknown>[] =>
      Array.from({ length: 80 }, () => rpcErrorOf(result(client, taskId)));
    const answers = [...flood(alice), ...flood(again)];
    await pollUntil(() => waits() === most + following, { what: "as many waits as there may be" });
    await stores.a.cancelTask(taskId);
    expect(await Promise.all(answers)).toHaveLength(160);
    await pollUntil(() => waits() === 0, { what: "all waits to end" });
  });
});
