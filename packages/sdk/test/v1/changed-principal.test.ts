/** A session over which somebody else calls than before: nobody sees what is another's (S-73). */
import { request as httpRequest } from "node:http";
import type { JsonObject } from "@mcp-task-store/core";
import { pollUntil } from "@mcp-task-store/services";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { ResultSchema } from "@modelcontextprotocol/sdk/types.js";
import { afterEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { defineTaskTool } from "../../src/index.ts";
import { isJsonObject } from "../../src/stored-call.ts";
import { TasksSupport } from "../../src/v1/index.ts";
import { asked, ended, read, twoStores, until } from "../two-stores.ts";
import { type HttpServer, serveHttp } from "./http-server.ts";
import { listening } from "./open-streams.ts";
import { answer, question, questions, result, silent, start } from "./task-calls.ts";
import { connectHttp } from "./test-client.ts";
import { gate, greeter } from "./test-tools.ts";

const HELLO_ALICE = { content: [{ type: "text", text: "Hello, Alice!" }] };

/** What somebody who knows the newest session can do in it with a token of their own. */
function caller({ url, sessions }: HttpServer, user: string) {
  const headers = {
    authorization: `Bearer ${user}`,
    "mcp-session-id": [...sessions.keys()].at(-1) ?? "",
    "mcp-protocol-version": "2025-11-25",
  };
  return {
    post: async (message: JsonObject): Promise<JsonObject> => {
      const accept = "application/json, text/event-stream";
      const sent = { ...headers, accept, "content-type": "application/json" };
      const body = JSON.stringify({ jsonrpc: "2.0", ...message });
      const text = await (await fetch(url, { method: "POST", headers: sent, body })).text();
      const data = text.startsWith("{") ? text : (/^data: (.*)$/m.exec(text)?.[1] ?? "{}");
      const answered: unknown = JSON.parse(data);
      return isJsonObject(answered) ? answered : {};
    },
    /** Opens the stream for what answers no request. @returns what came over it so far */
    listen: async (): Promise<() => string> => {
      let heard = "";
      const opened = gate();
      const get = httpRequest(url, { headers: { ...headers, accept: "text/event-stream" } }, (response) => {
        expect(response.statusCode).toBe(200);
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => (heard += chunk));
        response.on("error", () => undefined);
        opened.open();
      });
      get.on("error", () => undefined).end();
      await opened.passed;
      return () => heard;
    },
  };
}

/** Says a secret as its status, then waits. */
function whisperer(done: Promise<void>) {
  return defineTaskTool({
    name: "whisper",
    run: async (_args, { updateStatus }) => {
      await updateStatus("the secret");
      await done;
      return { content: [{ type: "text", text: "the end" }] };
    },
  });
}

afterEach(() => void vi.useRealTimers());

describe("over another's session", () => {
  it("nothing is known of the other's tasks, and no answer taken", async () => {
    await using stores = twoStores();
    const tasks = new TasksSupport(stores.a, { tools: [greeter] });
    await using server = await serveHttp({ prepare: (mcp) => tasks.attach(mcp) });
    await using alice = await connectHttp(server.url, silent);
    const taskId = await start(alice);
    const waiting = result(alice, taskId);
    const id = await question(alice);
    const mallory = caller(server, "mallory");
    for (const method of ["tasks/get", "tasks/result", "tasks/cancel"]) {
      const refused = await mallory.post({ id: 900, method, params: { taskId } });
      expect(refused, method).toMatchObject({ error: { code: -32_602, message: "Task not found" } });
    }
    expect(await mallory.post({ id: 901, method: "tasks/list" })).toMatchObject({ result: { tasks: [] } });
    await mallory.post({ id, result: { action: "accept", content: { name: "Mallory" } } });
    await mallory.post({ id: 902, method: "ping" });
    expect((await read(stores.b, taskId)).status).toBe("input_required");
    await answer(alice, id);
    expect(await waiting).toMatchObject(HELLO_ALICE);
  });

  it.each([
    ["only listens", false],
    ["called before", true],
  ])("no news of the other's tasks come to whoever %s", async (_how, callsBefore) => {
    await using stores = twoStores();
    const done = gate();
    const tasks = new TasksSupport(stores.a, { tools: [whisperer(done.passed)] });
    const servers: McpServer[] = [];
    await using server = await serveHttp({
      prepare: (mcp) => {
        tasks.attach(mcp);
        servers.push(mcp);
      },
    });
    await using alice = await connectHttp(server.url, { ...silent, isDeaf: true });
    const mallory = caller(server, "mallory");
    if (callsBefore) await mallory.post({ id: 900, method: "tasks/list" });
    const heard = await mallory.listen();
    const taskId = await start(alice, "whisper");
    await until(stores.b, taskId, ({ statusMessage }) => statusMessage === "the secret");
    done.open();
    await ended(stores.b, taskId);
    expect(await result(alice, taskId)).toMatchObject({ content: [{ text: "the end" }] });
    // Comes after all of it.
    servers.at(-1)?.sendToolListChanged();
    await pollUntil(() => heard().includes("list_changed"), { what: "other news" });
    expect(heard()).not.toContain(taskId);
    expect(heard()).not.toContain("secret");
  });

  it("news come to the one whose session it is, and stop when somebody else calls", async () => {
    await using stores = twoStores();
    const done = gate();
    const tasks = new TasksSupport(stores.a, { tools: [whisperer(done.passed)] });
    const servers: McpServer[] = [];
    await using server = await serveHttp({
      prepare: (mcp) => {
        tasks.attach(mcp);
        servers.push(mcp);
      },
    });
    await using alice = await connectHttp(server.url, silent);
    await listening(server);
    const taskId = await start(alice, "whisper");
    const news = (): unknown[] =>
      alice.received.flatMap((m) => ("method" in m ? [m.params?.["status"] ?? m.method] : []));
    await pollUntil(() => news().length > 0, { what: "news" });
    await caller(server, "mallory").post({ id: 900, method: "tasks/list" });
    done.open();
    await ended(stores.b, taskId);
    expect(await alice.client.experimental.tasks.getTask(taskId)).toMatchObject({ status: "completed" });
    servers.at(-1)?.sendToolListChanged();
    await pollUntil(() => news().includes("notifications/tools/list_changed"), { what: "other news" });
    expect(new Set(news())).toEqual(new Set(["working", "notifications/tools/list_changed"]));
    expect(await result(alice, taskId)).toMatchObject({ content: [{ text: "the end" }] });
  });

  it("that answers as JSON, a listener is not asked what the other is", async () => {
    await using stores = twoStores();
    const tasks = new TasksSupport(stores.a, { tools: [greeter] });
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    await using server = await serveHttp({ prepare: (mcp) => tasks.attach(mcp), isJson: true });
    await using alice = await connectHttp(server.url, { ...silent, isDeaf: true });
    const heard = await caller(server, "mallory").listen();
    const taskId = await start(alice);
    const waiting = result(alice, taskId);
    await asked(stores.b, taskId);
    await alice.client.ping();
    await vi.advanceTimersByTimeAsync(5_000);
    const direct = alice.client.request({ method: "tools/call", params: { name: "greet" } }, ResultSchema);
    await expect(direct).rejects.toMatchObject({ code: -32_021 });
    expect(heard()).not.toContain("elicitation");
    await using again = await connectHttp(server.url, silent);
    await listening(server);
    const there = result(again, taskId);
    await answer(again, await question(again));
    expect(await there).toMatchObject(HELLO_ALICE);
    expect(await waiting).toMatchObject(HELLO_ALICE);
    expect(questions(alice)).toEqual([]);
  });

  it("a handler of the server's own reaches nobody's tasks", async () => {
    await using stores = twoStores();
    const tasks = new TasksSupport(stores.a, { tools: [greeter] });
    const MINE = z.object({ method: z.literal("my/tasks") });
    await using server = await serveHttp({
      make: () => new McpServer({ name: "test", version: "1.0.0" }, tasks.serverOptions),
      prepare: (mcp) => {
        tasks.attach(mcp);
        mcp.server.setRequestHandler(MINE, async (_request, { taskStore }) => ({ ...(await taskStore?.listTasks()) }));
      },
    });
    await using alice = await connectHttp(server.url, silent);
    const taskId = await start(alice);
    const mine = { id: 900, method: "my/tasks" };
    expect(await caller(server, "alice").post(mine)).toMatchObject({ result: { tasks: [{ taskId }] } });
    for (const user of ["mallory", "alice"]) {
      expect(await caller(server, user).post(mine)).toMatchObject({ error: { code: -32_602 } });
    }
    expect(await caller(server, "alice").post({ id: 901, method: "tasks/get", params: { taskId } })).toMatchObject({
      result: { taskId },
    });
  });
});
