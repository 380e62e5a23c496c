/** One endpoint answers clients of both generations; a task keeps the semantics of the one that made it. */
import { createServer, type IncomingMessage } from "node:http";
import type { JsonObject, TaskStore } from "@mcp-task-store/core";
import { type NodeIncomingMessageLike, toNodeHandler } from "@modelcontextprotocol/node";
import type { AuthInfo } from "@modelcontextprotocol/server";
import { ResultSchema } from "@modelcontextprotocol/sdk/types.js";
import { describe, expect, it } from "vitest";
import { asObject, at, envelope } from "../listen-wire.ts";
import { BACKENDS, ended } from "../two-stores.ts";
import { bothGenerations } from "./both-generations.ts";
import { connectHttp, rpcErrorOf } from "./test-client.ts";
import { echo, greeter, isError, needsTask } from "./test-tools.ts";

interface Server extends AsyncDisposable {
  readonly url: URL;
  /** A request of 2026-07-28. */
  readonly modern: (method: string, params: JsonObject) => Promise<JsonObject>;
}

async function serve(store: TaskStore): Promise<Server> {
  const endpoint = bothGenerations(store, [echo, greeter, isError, needsTask]);
  const handle = toNodeHandler(endpoint);
  const http = createServer((request, response) => {
    const [, token] = request.headers.authorization?.split(" ") ?? [];
    const auth: AuthInfo | undefined =
      token === undefined ? undefined : { token, clientId: "client", scopes: [], extra: { sub: token } };
    void handle(incoming(request, auth), response);
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const address = http.address();
  if (typeof address !== "object" || address === null) throw new Error("no address");
  const url = new URL(`http://127.0.0.1:${address.port}/mcp`);
  const modern = async (method: string, params: JsonObject): Promise<JsonObject> => {
    const name = params["taskId"] ?? params["name"];
    const response = await fetch(url, {
      method: "POST",
      headers: {
        authorization: "Bearer alice",
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": method,
        ...(typeof name === "string" && { "mcp-name": name }),
      },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params: { ...params, _meta: envelope() } }),
    });
    const text = await response.text();
    const data = text.startsWith("{") ? text : (/^data: (.*)$/m.exec(text)?.[1] ?? "{}");
    return asObject(JSON.parse(data));
  };
  return {
    url,
    modern,
    async [Symbol.asyncDispose]() {
      await endpoint.close();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

/** What the SDK's adapter takes, by its stricter types. */
function incoming(request: IncomingMessage, auth: AuthInfo | undefined): NodeIncomingMessageLike {
  const { method = "GET", url = "/", headers } = request;
  return { method, url, headers, ...(auth && { auth }), [Symbol.asyncIterator]: () => request[Symbol.asyncIterator]() };
}

describe.each(BACKENDS)("one endpoint on $name", (backend) => {
  it.skipIf(backend.isLeftOut)(
    "makes a failed task of an error in one generation, and a completed one in the other",
    async () => {
      await using stores = await backend.open();
      await using server = await serve(stores.a);
      await using alice = await connectHttp(server.url, { user: "alice" });
      const { client } = alice;
      const old = await client.request({ method: "tools/call", params: { name: "is_error", task: {} } }, ResultSchema);
      const oldId = String(at(old, "task")["taskId"]);
      const young = at(await server.modern("tools/call", { name: "is_error", arguments: {} }), "result");
      const youngId = String(young["taskId"]);
      expect(young).toMatchObject({ resultType: "task", status: "working" });

      expect(await ended(stores.b, oldId)).toMatchObject({ generation: "2025-11-25", status: "failed" });
      expect(await ended(stores.b, youngId)).toMatchObject({ generation: "2026-07-28", status: "completed" });

      // Each as the other sees it: 2026-07-28 has no failure with a result, 2025-11-25 says what was stored.
      const { tasks } = client.experimental;
      expect(await tasks.getTask(oldId)).toMatchObject({ status: "failed" });
      expect(await tasks.getTask(youngId)).toMatchObject({ status: "completed" });
      const seenOld = at(await server.modern("tasks/get", { taskId: oldId }), "result");
      expect(seenOld).toMatchObject({ status: "completed", result: { isError: true } });
      expect(JSON.stringify(seenOld)).not.toContain("related-task");
      const result = await client.request({ method: "tasks/result", params: { taskId: youngId } }, ResultSchema);
      expect(result).toMatchObject({ isError: true, content: [{ text: "no luck" }] });
      expect(await server.modern("tasks/get", { taskId: youngId })).toMatchObject({
        result: { status: "completed", result: { isError: true } },
      });
    },
  );

  it.skipIf(backend.isLeftOut)("lets a client of either generation answer what a task of the other asks", async () => {
    await using stores = await backend.open();
    await using server = await serve(stores.a);
    const answer = { action: "accept" as const, content: { name: "Alice" } };
    await using alice = await connectHttp(server.url, { user: "alice", answer: () => answer });
    const { client } = alice;
    const old = await client.request({ method: "tools/call", params: { name: "greet", task: {} } }, ResultSchema);
    const taskId = String(at(old, "task")["taskId"]);
    for (;;) {
      const task = at(await server.modern("tasks/get", { taskId }), "result");
      if (task["status"] === "input_required") break;
      expect(task["status"]).toBe("working");
    }
    await server.modern("tasks/update", { taskId, inputResponses: { name: answer } });
    const result = await client.request({ method: "tasks/result", params: { taskId } }, ResultSchema);
    expect(result).toMatchObject({ content: [{ text: "Hello, Alice!" }] });
  });

  it.skipIf(backend.isLeftOut)("has each generation's methods for its own clients only", async () => {
    await using stores = await backend.open();
    await using server = await serve(stores.a);
    await using alice = await connectHttp(server.url, { user: "alice" });
    for (const method of ["tasks/result", "tasks/list"]) {
      expect(await server.modern(method, { taskId: "x" })).toMatchObject({ error: { code: -32_601 } });
    }
    const update = alice.client.request({ method: "tasks/update", params: { taskId: "x" } }, ResultSchema);
    expect(await rpcErrorOf(update)).toMatchObject({ code: -32_601 });
    expect(alice.client.getServerCapabilities()).not.toHaveProperty("extensions");
    const discovered = at(await server.modern("server/discover", {}), "result", "capabilities");
    expect(discovered).not.toHaveProperty("tasks");
    expect(discovered).toHaveProperty("extensions");
  });
});
