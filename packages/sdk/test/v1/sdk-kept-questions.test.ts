/** What tools of the SDK's own ask is kept with the task: asked wherever its client waits, answered wherever it answers. */
import { type TaskStore, TaskStoreError } from "@mcp-task-store/core";
import { pollUntil } from "@mcp-task-store/services";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTaskTool } from "../../src/index.ts";
import { TasksSupport } from "../../src/v1/index.ts";
import { asked, BACKENDS, ended, read, storeWithoutMessages, twoStores, until, withFaults } from "../two-stores.ts";
import { subject, testServer } from "../v2-server.ts";
import { serveHttp } from "./http-server.ts";
import { counted } from "./counted-store.ts";
import { asksOnce, FORM, makeSdkTask, serveSdkTool, type Work } from "./sdk-tool-server.ts";
import { answer, question, questions, result, silent, start } from "./task-calls.ts";
import { connectHttp, rpcErrorOf } from "./test-client.ts";
import { gate } from "./test-tools.ts";

const TOLD_ALICE = { content: [{ type: "text", text: "told Alice" }] };

/** Asks with options of the SDK's. */
function asksWith(options: { readonly timeout?: number; readonly signal?: AbortSignal }): Work {
  return async (mcp, taskId) => {
    const { action } = await mcp.server.elicitInput(FORM, { relatedTask: { taskId }, ...options });
    return `told ${action}`;
  };
}

describe.each(BACKENDS)("a question of a tool of the SDK's own, on $name", (backend) => {
  it.skipIf(backend.isLeftOut)("is asked and answered in another process than the tool's", async () => {
    await using stores = await backend.open();
    await using here = await serveSdkTool(stores.a);
    await using there = await serveSdkTool(stores.b);
    await using one = await connectHttp(here.url, silent);
    const taskId = await makeSdkTask(one);
    await asked(stores.a, taskId);
    await using two = await connectHttp(there.url, silent);
    const waiting = result(two, taskId);
    await answer(two, await question(two));
    expect(await waiting).toMatchObject(TOLD_ALICE);
    expect(await result(one, taskId)).toMatchObject(TOLD_ALICE);
    expect(questions(one)).toEqual([]);
  });
});

describe("a question of a tool of the SDK's own", () => {
  it("is asked again when the client that was asked went away without a word", async () => {
    await using stores = twoStores();
    await using server = await serveSdkTool(stores.a);
    const before = await connectHttp(server.url, silent);
    const taskId = await makeSdkTask(before);
    const lost = rpcErrorOf(result(before, taskId));
    await question(before);
    await before.client.close();
    await lost;
    await using after = await connectHttp(server.url, silent);
    const waiting = result(after, taskId);
    await answer(after, await question(after));
    expect(await waiting).toMatchObject(TOLD_ALICE);
  });

  it("outlives the session that it was asked in", async () => {
    await using stores = twoStores();
    await using server = await serveSdkTool(stores.a);
    const before = await connectHttp(server.url, silent);
    const taskId = await makeSdkTask(before);
    await asked(stores.a, taskId);
    if (before.transport instanceof StreamableHTTPClientTransport) await before.transport.terminateSession();
    await before.client.close();
    expect(server.sessions.size).toBe(0);
    await using after = await connectHttp(server.url, silent);
    const waiting = result(after, taskId);
    await answer(after, await question(after));
    expect(await waiting).toMatchObject(TOLD_ALICE);
  });

  it("needs no durable messages", async () => {
    await using store = storeWithoutMessages();
    await using server = await serveSdkTool(store);
    await using alice = await connectHttp(server.url, silent);
    const waiting = result(alice, await makeSdkTask(alice));
    await answer(alice, await question(alice));
    expect(await waiting).toMatchObject(TOLD_ALICE);
  });

  it("has its task work again once it is answered, though the tool had said that it needs input (S-28)", async () => {
    await using stores = twoStores();
    let statusThen: unknown;
    const work: Work = async (mcp, taskId, taskStore) => {
      const text = await asksOnce(mcp, taskId, taskStore);
      statusThen = (await taskStore.getTask(taskId)).status;
      return text;
    };
    await using server = await serveSdkTool(stores.a, { work });
    await using alice = await connectHttp(server.url, silent);
    const waiting = result(alice, await makeSdkTask(alice));
    await answer(alice, await question(alice));
    expect(await waiting).toMatchObject(TOLD_ALICE);
    expect(statusThen).toBe("working");
  });

  it.each([-32_050, -1, 0, 42])("is refused with the client's own error: %d", async (code) => {
    await using stores = twoStores();
    await using server = await serveSdkTool(stores.a);
    await using alice = await connectHttp(server.url, silent);
    const taskId = await makeSdkTask(alice);
    result(alice, taskId).catch(() => undefined);
    const error = { code, message: "No screen" };
    await alice.transport.send({ jsonrpc: "2.0", id: await question(alice), error });
    expect(await ended(stores.b, taskId)).toMatchObject({
      status: "failed",
      statusMessage: `McpError: MCP error ${code}: No screen`,
    });
  });

  it("that nobody answers in time is asked no more, and its tool told", async () => {
    await using stores = twoStores();
    const { store, waits } = counted(stores.a);
    const go = gate();
    const work: Work = async (...task) => {
      await go.passed;
      return await asksWith({ timeout: 300 })(...task);
    };
    await using server = await serveSdkTool(store, { work });
    await using alice = await connectHttp(server.url, silent);
    const taskId = await makeSdkTask(alice);
    result(alice, taskId).catch(() => undefined);
    await pollUntil(() => waits() === 2, { what: "one wait for the result, and one that follows the task" });
    // Its 300 ms begin only now.
    go.open();
    const id = await question(alice);
    expect(await ended(stores.b, taskId)).toMatchObject({
      status: "failed",
      statusMessage: "McpError: MCP error -32001: Request timed out",
    });
    const isTakenBack = (): boolean =>
      alice.received.some((message) => "method" in message && message.params?.["requestId"] === id);
    await pollUntil(isTakenBack, { what: "the question to be taken back" });
    expect(Object.values((await read(stores.b, taskId)).inputs).every(({ response }) => response)).toBe(true);
  });

  it("that its tool takes back is asked no more", async () => {
    await using stores = twoStores();
    const stop = new AbortController();
    await using server = await serveSdkTool(stores.a, { work: asksWith({ signal: stop.signal }) });
    await using alice = await connectHttp(server.url, silent);
    const taskId = await makeSdkTask(alice);
    result(alice, taskId).catch(() => undefined);
    await question(alice);
    stop.abort("not needed");
    expect(await ended(stores.b, taskId)).toMatchObject({
      status: "failed",
      statusMessage: "McpError: MCP error -32001: not needed",
    });
  });

  it("ends with its task when that is cancelled", async () => {
    await using stores = twoStores();
    let thrown: unknown;
    const work: Work = async (mcp, taskId, taskStore) => {
      try {
        return await asksOnce(mcp, taskId, taskStore);
      } catch (error) {
        thrown = error;
        throw error;
      }
    };
    await using server = await serveSdkTool(stores.a, { work });
    await using alice = await connectHttp(server.url, silent);
    const taskId = await makeSdkTask(alice);
    const waiting = rpcErrorOf(result(alice, taskId));
    const id = await question(alice);
    await alice.client.experimental.tasks.cancelTask(taskId);
    expect(await waiting).toMatchObject({ code: -32_603 });
    await pollUntil(() => thrown, { what: "the tool to be told" });
    expect(thrown).toMatchObject({ code: -32_603, message: expect.stringMatching(/cancelled or completed/iu) });
    await answer(alice, id);
    await alice.client.ping();
    expect(await read(stores.b, taskId)).toMatchObject({ status: "cancelled" });
  });

  it("is asked of clients of 2026-07-28 as well, whose answer hands the task to nobody else", async () => {
    await using stores = twoStores();
    const dispatched: string[] = [];
    const dispatch = ({ taskId }: { readonly taskId: string }): void => void dispatched.push(taskId);
    await using server = await serveSdkTool(stores.a, { work: asksWith({}), dispatch });
    await using alice = await connectHttp(server.url, silent);
    const taskId = await makeSdkTask(alice);
    await asked(stores.b, taskId);
    const modern = testServer(stores.b, { tools: [], dispatch });
    const auth = { auth: subject("alice") };
    const { result: shown } = await modern.call("tasks/get", { taskId }, auth);
    const [key = ""] = Object.keys(Object(shown?.["inputRequests"]));
    expect(shown?.["inputRequests"]).toEqual({ [key]: { method: "elicitation/create", params: FORM } });
    await modern.call("tasks/update", { taskId, inputResponses: { [key]: { action: "decline" } } }, auth);
    expect(await result(alice, taskId)).toMatchObject({ content: [{ text: "told decline" }] });
    expect(dispatched).toEqual([]);
  });

  it("is asked when the store is there again", async () => {
    await using stores = twoStores();
    let outages = 1;
    const requestInputs: TaskStore["requestInputs"] = async (...args) => {
      outages -= 1;
      if (outages >= 0) throw new TaskStoreError("WRITE_OUTCOME_UNKNOWN", "It is out.");
      return await stores.a.requestInputs(...args);
    };
    await using server = await serveSdkTool(withFaults(stores.a, { requestInputs }), { work: asksWith({}) });
    await using alice = await connectHttp(server.url, silent);
    const waiting = result(alice, await makeSdkTask(alice));
    await answer(alice, await question(alice));
    expect(await waiting).toMatchObject({ content: [{ text: "told accept" }] });
    expect(outages).toBe(-1);
  });

  it("may also be asked for a task that a tool of ours works on", async () => {
    await using stores = twoStores();
    const servers: McpServer[] = [];
    const tool = defineTaskTool({
      name: "mixed",
      run: async (_args, { taskId = "", elicit }) => {
        const asked = await servers[0]?.server.elicitInput(FORM, { relatedTask: { taskId } });
        const { action } = await elicit("sure", { message: "Sure?", requestedSchema: z.object({}) });
        return { content: [{ type: "text", text: `${asked?.action}, ${action}` }] };
      },
    });
    const tasks = new TasksSupport(stores.a, { tools: [tool] });
    await using server = await serveHttp({
      make: () => new McpServer({ name: "test", version: "1.0.0" }, tasks.serverOptions),
      prepare: (mcp) => {
        tasks.attach(mcp);
        servers.push(mcp);
      },
    });
    await using alice = await connectHttp(server.url, silent);
    const waiting = result(alice, await start(alice, "mixed"));
    await answer(alice, await question(alice, 1));
    await answer(alice, await question(alice, 2));
    expect(await waiting).toMatchObject({ content: [{ text: "accept, accept" }] });
  });

  it("is judged by its form, asked again, and then told to its tool", async () => {
    await using stores = twoStores();
    await using server = await serveSdkTool(stores.a);
    await using alice = await connectHttp(server.url, silent);
    const taskId = await makeSdkTask(alice);
    const waiting = rpcErrorOf(result(alice, taskId));
    const wrong = { action: "accept", content: { name: 7 } };
    for (const number of [1, 2, 3]) {
      await alice.transport.send({ jsonrpc: "2.0", id: await question(alice, number), result: wrong });
    }
    await until(stores.b, taskId, ({ status }) => status === "failed");
    expect(await waiting).toMatchObject({ message: expect.stringContaining("does not match requested schema") });
  });
});
