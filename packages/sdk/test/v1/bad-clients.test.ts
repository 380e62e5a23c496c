/** Clients that flood, vanish, repeat themselves or ask for nonsense: the code the specification asks for, and no traces. */
import type { TaskStore } from "@mcp-task-store/core";
import { pollUntil } from "@mcp-task-store/services";
import { ResultSchema } from "@modelcontextprotocol/sdk/types.js";
import { describe, expect, it } from "vitest";
import { TasksSupport, type TasksSupportOptions } from "../../src/v1/index.ts";
import { asked, ended, read, type TwoStores, twoStores } from "../two-stores.ts";
import { counted } from "./counted-store.ts";
import { type HttpServer, serveHttp } from "./http-server.ts";
import { openStreams } from "./open-streams.ts";
import { asksOnce, makeSdkTask, serveSdkTool } from "./sdk-tool-server.ts";
import { answer, question, questions, result, silent, start } from "./task-calls.ts";
import { connectHttp, rpcErrorOf, type TestClient } from "./test-client.ts";
import { echo, greeter } from "./test-tools.ts";

interface Scene extends AsyncDisposable {
  readonly stores: TwoStores;
  readonly server: HttpServer;
  readonly alice: TestClient;
  /** Waits on the store that requests have open. */
  readonly waits: () => number;
}

async function scene(options: Partial<TasksSupportOptions> = {}): Promise<Scene> {
  const stores = twoStores({ safetyPollMs: 600_000 });
  const { store, waits } = counted(stores.a);
  const tasks = new TasksSupport(store, { tools: [greeter, echo], ...options });
  const server = await serveHttp({ prepare: (mcp) => tasks.attach(mcp) });
  const alice = await connectHttp(server.url, silent);
  const close = async (): Promise<void> => {
    await alice.client.close();
    await server[Symbol.asyncDispose]();
    await tasks.close();
    await stores[Symbol.asyncDispose]();
  };
  return { stores, server, alice, waits, [Symbol.asyncDispose]: close };
}

/** A task that asks, which nobody is told of: whoever made it is gone. */
async function askingTask(server: HttpServer, store: TaskStore): Promise<string> {
  const maker = await connectHttp(server.url, { ...silent, isDeaf: true });
  const taskId = await start(maker);
  await asked(store, taskId);
  await server.sessions.get([...server.sessions.keys()].at(-1) ?? "")?.close();
  await maker.client.close();
  return taskId;
}

/** Answers that any session of a server can still send. */
function streams({ sessions }: HttpServer): number {
  return [...sessions.values()].reduce((sum, transport) => sum + openStreams(transport), 0);
}

describe("a client that floods tasks/result", () => {
  it("on many tasks has no more waiting than it may, and leaves nothing", async () => {
    await using play = await scene({ maxWaitingResultsPerPrincipal: 100 });
    const { stores, server, alice, waits } = play;
    const taskIds = await Promise.all(Array.from({ length: 300 }, async () => await start(alice)));
    for (const taskId of taskIds) await asked(stores.b, taskId);
    const followed = 300;
    await pollUntil(() => waits() === followed, { what: "each task to be followed" });
    await using again = await connectHttp(server.url, silent);
    const flood = taskIds.map(async (taskId, at) => await rpcErrorOf(result(at % 2 === 0 ? alice : again, taskId)));
    // 64 a connection, 100 in all: 150 on each.
    await pollUntil(() => waits() === followed + 100, { what: "as many as may wait" });
    for (const taskId of taskIds) await stores.b.cancelTask(taskId);
    const codes = (await Promise.all(flood)).map(({ code }) => code);
    expect(codes).toEqual(taskIds.map(() => -32_603));
    await pollUntil(() => waits() === 0, { what: "nothing to wait" });
    await pollUntil(() => streams(server) === 0, { what: "all streams to end" });
    // Every place is free again.
    const { taskId } = await read(stores.b, await start(alice));
    await asked(stores.b, taskId);
    const waiting = result(alice, taskId);
    await pollUntil(() => waits() === 2, { what: "one more wait" });
    await stores.b.cancelTask(taskId);
    await expect(waiting).rejects.toMatchObject({ code: -32_603 });
  });

  it("and vanishes, gives every place back", async () => {
    await using play = await scene({ maxWaitingResultsPerPrincipal: 50 });
    const { stores, server, waits } = play;
    const taskId = await askingTask(server, stores.b);
    await pollUntil(() => waits() === 0, { what: "the maker to be gone" });
    const floods = await Promise.all([1, 2, 3].map(async () => await connectHttp(server.url, silent)));
    for (const client of floods) {
      for (let times = 0; times < 80; times += 1) result(client, taskId).catch(() => undefined);
    }
    await pollUntil(() => waits() === 50, { what: "as many as may wait" });
    for (const { client } of floods) await client.close();
    await pollUntil(() => waits() === 0, { what: "the server to notice" });
    await using after = await connectHttp(server.url, silent);
    const waiting = result(after, taskId);
    await answer(after, await question(after));
    expect(await waiting).toMatchObject({ content: [{ text: "Hello, Alice!" }] });
    await pollUntil(() => waits() === 0, { what: "nothing to wait" });
  });

  it("and cancels each, leaves no stream open", async () => {
    await using play = await scene();
    const { stores, server, alice, waits } = play;
    const taskId = await askingTask(server, stores.b);
    for (let times = 0; times < 50; times += 1) {
      const wait = new AbortController();
      result(alice, taskId, wait.signal).catch(() => undefined);
      // A cancellation that overtakes its request is none.
      await pollUntil(() => questions(alice).length > times, { what: "the question", everyMs: 1 });
      wait.abort();
    }
    await pollUntil(() => waits() === 0, { what: "nothing to wait" });
    await pollUntil(() => streams(server) === 0, { what: "all streams to end" });
    expect(alice.received.filter((message) => "error" in message)).toEqual([]);
    const takenBack = (): unknown[] =>
      alice.received.flatMap((m) =>
        "method" in m && m.method === "notifications/cancelled" ? [m.params?.["requestId"]] : [],
      );
    expect(questions(alice).length).toBeGreaterThan(0);
    await pollUntil(() => takenBack().length === questions(alice).length, { what: "all questions to be taken back" });
    expect(takenBack()).toEqual(questions(alice));
  });

  it("for somebody else's tasks waits for none", async () => {
    await using play = await scene();
    const { stores, server, waits } = play;
    const taskId = await askingTask(server, stores.b);
    await pollUntil(() => waits() === 0, { what: "the maker to be gone" });
    await using mallory = await connectHttp(server.url, { ...silent, user: "mallory" });
    const flood = Array.from({ length: 200 }, async () => await rpcErrorOf(result(mallory, taskId)));
    expect(new Set((await Promise.all(flood)).map(({ code }) => code))).toEqual(new Set([-32_602]));
    expect(waits()).toBe(0);
    expect(questions(mallory)).toEqual([]);
    await pollUntil(() => streams(server) === 0, { what: "all streams to end" });
  });
});

describe("a client that answers", () => {
  it("a question many times at once is believed once", async () => {
    await using play = await scene();
    const { stores, alice } = play;
    const taskId = await start(alice);
    const waiting = result(alice, taskId);
    const id = await question(alice);
    const names = Array.from({ length: 50 }, (_, at) => `Alice ${at}`);
    await Promise.all(names.map(async (name) => await answer(alice, id, name)));
    const { content } = await waiting;
    const { response } = (await read(stores.b, taskId)).inputs["name"] ?? {};
    expect(names.map((name) => `Hello, ${name}!`)).toContain(String(Reflect.get(Object(Object(content)[0]), "text")));
    expect(content).toEqual([
      { type: "text", text: `Hello, ${String(Reflect.get(Object(response?.["content"]), "name"))}!` },
    ]);
    expect(questions(alice)).toHaveLength(1);
  });
});

describe("a client that cancels a task which asks", () => {
  it.each([
    ["ours", async (server: HttpServer, client: TestClient) => await start(client)],
    ["the SDK's own", async (server: HttpServer, client: TestClient) => await makeSdkTask(client)],
  ])("of a tool of %s is told so, asked no more, and nothing is left", async (_whose, make) => {
    await using stores = twoStores({ safetyPollMs: 600_000 });
    const { store, waits } = counted(stores.a);
    await using server = await serveSdkTool(store, { work: asksOnce });
    await using alice = await connectHttp(server.url, silent);
    const taskId = await make(server, alice);
    const waiting = rpcErrorOf(result(alice, taskId));
    const id = await question(alice);
    const cancel = { method: "tasks/cancel", params: { taskId } };
    expect(await alice.client.request(cancel, ResultSchema)).toMatchObject({ taskId, status: "cancelled" });
    expect(await waiting).toMatchObject({ code: -32_603 });
    expect(await rpcErrorOf(alice.client.request(cancel, ResultSchema))).toMatchObject({ code: -32_602 });
    const isTakenBack = (): boolean => alice.received.some((m) => "method" in m && m.params?.["requestId"] === id);
    expect(isTakenBack()).toBe(true);
    await answer(alice, id);
    await alice.client.ping();
    expect(await ended(stores.b, taskId)).toMatchObject({ status: "cancelled" });
    await pollUntil(() => waits() === 0, { what: "nothing to wait" });
    await pollUntil(() => streams(server) === 0, { what: "all streams to end" });
    expect(await stores.b.messages.drain(taskId, { receipt: "rest" })).toEqual([]);
  });
});

describe("a client that asks for a task", () => {
  it.each([-1, 0, -0.5, Number.MIN_SAFE_INTEGER])("that lives %s ms is refused, by whatever tool", async (ttl) => {
    await using stores = twoStores();
    await using server = await serveSdkTool(stores.a);
    await using alice = await connectHttp(server.url, silent);
    for (const name of ["greet", "delete"]) {
      const call = alice.client.request({ method: "tools/call", params: { name, task: { ttl } } }, ResultSchema);
      expect(await rpcErrorOf(call), name).toEqual({
        code: -32_602,
        message: "Invalid params for tools/call: task.ttl must be a positive number of milliseconds",
      });
    }
    expect(await alice.client.experimental.tasks.listTasks()).toEqual({ tasks: [] });
  });

  it("that lives for ever, as a number, gets the longest life that there is", async () => {
    await using stores = twoStores();
    await using server = await serveSdkTool(stores.a, { isTtlWished: true });
    await using alice = await connectHttp(server.url, silent);
    for (const name of ["greet", "delete"]) {
      const call = alice.client.request({ method: "tools/call", params: { name, task: { ttl: 1e300 } } }, ResultSchema);
      expect(await call, name).toMatchObject({ task: { ttl: 3_153_600_000_000 } });
    }
  });
});
