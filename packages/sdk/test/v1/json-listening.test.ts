/** Servers that answer as JSON: what they say beside an answer goes to the stream that the client listens on, if it does. */
import type { TaskStore } from "@mcp-task-store/core";
import { pollUntil } from "@mcp-task-store/services";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { CreateTaskResultSchema, EmptyResultSchema, type JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import { afterEach, describe, expect, it, vi } from "vitest";
import { defineTaskTool } from "../../src/index.ts";
import { TasksSupport } from "../../src/v1/index.ts";
import { asked, ended, read, twoStores } from "../two-stores.ts";
import { type HttpServer, serveHttp } from "./http-server.ts";
import { listening } from "./open-streams.ts";
import { makeSdkTask, serveSdkTool } from "./sdk-tool-server.ts";
import { answer, question, questions, result, silent, start } from "./task-calls.ts";
import { connect, connectHttp, type TestClient } from "./test-client.ts";
import { gate, greeter } from "./test-tools.ts";

const HELLO_ALICE = { content: [{ type: "text", text: "Hello, Alice!" }] };
const headers = { authorization: "Bearer alice" };

async function serve(store: TaskStore, isStateless = false): Promise<HttpServer> {
  const tasks = new TasksSupport(store, { tools: [greeter] });
  return await serveHttp({ prepare: (mcp) => tasks.attach(mcp), isStateless, isJson: true });
}

/** A client whose stream a test opens and cuts. It listens no earlier than that. */
interface Listener {
  readonly client: TestClient;
  readonly listen: () => Promise<void>;
  /** As a network does that fails. */
  readonly cut: () => void;
}

async function connectListener(url: URL): Promise<Listener> {
  let [mayListen, waitsForIt] = [false, gate()];
  let cut = new AbortController();
  let opened = 0;
  const transport = new StreamableHTTPClientTransport(url, {
    requestInit: { headers },
    reconnectionOptions: {
      initialReconnectionDelay: 10,
      maxReconnectionDelay: 10,
      reconnectionDelayGrowFactor: 1,
      maxRetries: 1_000,
    },
    fetch: async (to, init) => {
      if (init?.method !== "GET") return await fetch(to, init);
      if (!mayListen) await waitsForIt.passed;
      const signal = AbortSignal.any([cut.signal, ...(init.signal ? [init.signal] : [])]);
      const response = await fetch(to, { ...init, signal });
      if (response.ok) opened += 1;
      return response;
    },
  });
  const client = await connect(transport, silent);
  return {
    client,
    listen: async () => {
      const before = opened;
      mayListen = true;
      waitsForIt.open();
      await pollUntil(() => opened > before, { what: "the stream" });
    },
    cut: () => {
      [mayListen, waitsForIt] = [false, gate()];
      cut.abort();
      cut = new AbortController();
    },
  };
}

function isOf(method: string): (message: JSONRPCMessage) => boolean {
  return (message) => "method" in message && message.method === method;
}

/** Lets the server look which streams are open. */
async function look(): Promise<void> {
  await vi.advanceTimersByTimeAsync(5_000);
}

afterEach(() => void vi.useRealTimers());

describe("a client that listens to a server which answers as JSON", () => {
  it("is asked for a task, and told how it goes", async () => {
    await using stores = twoStores();
    const done = gate();
    const tool = defineTaskTool({
      name: "report",
      run: async (_args, { reportProgress }) => {
        await reportProgress({ progress: 1, total: 2 });
        await done.passed;
        return { content: [] };
      },
    });
    const tasks = new TasksSupport(stores.a, { tools: [greeter, tool] });
    await using server = await serveHttp({ prepare: (mcp) => tasks.attach(mcp), isJson: true });
    await using alice = await connectHttp(server.url, silent);
    await listening(server);
    const taskId = await start(alice);
    const waiting = result(alice, taskId);
    await answer(alice, await question(alice));
    expect(await waiting).toMatchObject(HELLO_ALICE);

    const params = { name: "report", task: {}, _meta: { progressToken: "p" } };
    const { task } = await alice.client.request({ method: "tools/call", params }, CreateTaskResultSchema);
    const reported = result(alice, task.taskId);
    const heard = (): unknown[] => alice.received.flatMap((m) => ("method" in m ? [m.params] : []));
    const progress = expect.objectContaining({ progressToken: "p", progress: 1 });
    await pollUntil(() => alice.received.some(isOf("notifications/progress")), { what: "progress" });
    expect(heard()).toContainEqual(progress);
    done.open();
    await reported;
    await alice.client.ping();
    const ended = expect.objectContaining({ taskId: task.taskId, status: "completed" });
    await pollUntil(() => JSON.stringify(heard().at(-1)).includes("completed"), { what: "the end" });
    expect(heard().at(-1)).toEqual(ended);
  });

  it("gets what tools of the SDK's own queue for it", async () => {
    await using stores = twoStores();
    await using server = await serveSdkTool(stores.a, {
      isJson: true,
      work: async (mcp, taskId) => {
        await mcp.server.request({ method: "ping" }, EmptyResultSchema, { relatedTask: { taskId } });
        return "there";
      },
    });
    await using alice = await connectHttp(server.url, silent);
    await listening(server);
    expect(await result(alice, await makeSdkTask(alice))).toMatchObject({ content: [{ text: "there" }] });
  });
});

describe("a client that does not listen to a server which answers as JSON", () => {
  it("is asked for a task once it does, and again where it listens anew", async () => {
    await using stores = twoStores();
    await using server = await serve(stores.a);
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const { client: alice, listen, cut } = await connectListener(server.url);
    await using _closing = alice;
    const taskId = await start(alice);
    const waiting = result(alice, taskId);
    await asked(stores.a, taskId);
    await alice.client.ping();
    expect(questions(alice)).toEqual([]);
    await listen();
    await look();
    const first = await question(alice, 1);
    cut();
    await listen();
    await look();
    const second = await question(alice, 2);
    expect(second).not.toBe(first);
    await answer(alice, first);
    expect(await waiting).toMatchObject(HELLO_ALICE);
  });

  it("leaves what is queued for it to a client that listens", async () => {
    await using stores = twoStores();
    const go = gate();
    await using server = await serveSdkTool(stores.a, {
      isJson: true,
      work: async (mcp, taskId) => {
        await go.passed;
        await mcp.server.request({ method: "ping" }, EmptyResultSchema, { relatedTask: { taskId } });
        return "there";
      },
    });
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const { client: deaf, listen } = await connectListener(server.url);
    await using _closing = deaf;
    const taskId = await makeSdkTask(deaf);
    const waiting = result(deaf, taskId);
    const { revision: since } = await read(stores.b, taskId);
    go.open();
    await stores.b.waitForUpdate(taskId, { since });
    await deaf.client.ping();
    await listen();
    await look();
    expect(await waiting).toMatchObject({ content: [{ text: "there" }] });
  });

  it("can let its task be answered elsewhere, also without sessions", async () => {
    await using stores = twoStores();
    await using deaf = await serve(stores.a, true);
    await using hearing = await serve(stores.b);
    await using alice = await connectHttp(deaf.url, silent);
    const taskId = await start(alice);
    const waiting = result(alice, taskId);
    await asked(stores.a, taskId);
    await using elsewhere = await connectHttp(hearing.url, silent);
    const there = result(elsewhere, taskId);
    await answer(elsewhere, await question(elsewhere));
    expect(await there).toMatchObject(HELLO_ALICE);
    expect(await waiting).toMatchObject(HELLO_ALICE);
    expect(await ended(stores.b, taskId)).toMatchObject({ status: "completed" });
    expect(questions(alice)).toEqual([]);
  });
});
