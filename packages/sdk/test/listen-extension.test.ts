import { Resolver } from "@mcp-task-store/core";
import { InMemoryTransport, isJSONRPCRequest, type JSONRPCMessage, McpServer } from "@modelcontextprotocol/server";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { describe, expect, it } from "vitest";
import { listenRequest } from "./listen-wire.ts";
import { text, TOOL, toolOf } from "./task-tools.ts";
import { twoStores } from "./two-stores.ts";
import { callOf, taskIdOf, testServer } from "./v2-server.ts";

const LISTEN = "subscriptions/listen";

describe("subscriptions/listen of the extension", () => {
  describe("with a principal that throws what looks like a JSON-RPC error", () => {
    const thrown = Object.assign(new Error("ldap://secret is down"), { code: 18 });
    const principal = (): never => {
      throw thrown;
    };

    it("answers -32603 without a word of it, and onError hears it once: HTTP", async () => {
      await using stores = twoStores();
      const { tasks, handler, errors } = testServer(stores.a, { tools: [], principal });
      const params = { notifications: { taskIds: ["a"] } };
      const answer = await callOf({ ...handler, fetch: tasks.wrapFetch(handler.fetch) }, LISTEN, params);
      expect(answer.error).toEqual({ code: -32_603, message: "Internal error" });
      expect(answer.text).not.toContain("secret");
      expect(errors).toEqual([thrown]);
    });

    it("answers -32603 without a word of it, and onError hears it once: stdio", async () => {
      await using stores = twoStores();
      const { tasks, errors } = testServer(stores.a, { tools: [], principal });
      const [near, far] = InMemoryTransport.createLinkedPair();
      const answered = new Promise<JSONRPCMessage>((resolve) => Object.assign(near, { onmessage: resolve }));
      const serving = serveStdio(
        (context) => {
          const mcp = new McpServer({ name: "test", version: "1.0.0" });
          tasks.attach(mcp, context);
          return mcp;
        },
        { transport: tasks.wrapTransport(far) },
      );
      await near.start();
      const request = listenRequest({ id: 1, notifications: { taskIds: ["a"] } });
      if (isJSONRPCRequest(request)) await near.send(request);
      expect(await answered).toEqual({ jsonrpc: "2.0", id: 1, error: { code: -32_603, message: "Internal error" } });
      expect(errors).toEqual([thrown]);
      await serving.close();
    });
  });

  it("tells a task's progress as its status, never as notifications of a request (X-46)", async () => {
    await using stores = twoStores();
    const listening = new Resolver<void>();
    const told = new Resolver<void>();
    const tool = toolOf(async ({ reportProgress, updateStatus }) => {
      await listening.wait();
      await updateStatus("starting");
      await reportProgress({ progress: 1, total: 2, message: "copying" });
      await told.wait();
      return text("done");
    });
    const { tasks, handler } = testServer(stores.a, { tools: [tool] });
    const _meta = { progressToken: "p", "io.modelcontextprotocol/logLevel": "debug" };
    const taskId = taskIdOf(await callOf(handler, "tools/call", { name: TOOL, _meta }));
    const listen = tasks.wrapFetch(handler.fetch);
    const fetch: typeof listen = async (request, options) => {
      const granted = await listen(request, options);
      listening.resolve();
      const watched = new TransformStream<Uint8Array, Uint8Array>({
        transform: (frame, controller) => {
          const tells = new TextDecoder().decode(frame).includes('"statusMessage":"copying (1 of 2)"');
          if (tells && !told.done) told.resolve();
          controller.enqueue(frame);
        },
      });
      return new Response(granted.body?.pipeThrough(watched), granted);
    };
    const heard = await callOf({ ...handler, fetch }, LISTEN, { notifications: { taskIds: [taskId] }, _meta });
    const methods = [...heard.text.matchAll(/"method":"([^"]+)"/g)].map(([, method]) => method);
    expect(new Set(methods)).toEqual(new Set(["notifications/subscriptions/acknowledged", "notifications/tasks"]));
    expect(heard.result).toMatchObject({ resultType: "complete" });
  });
});
