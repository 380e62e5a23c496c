/** The endpoint for both generations on a real socket, and clients that write their requests by hand. */
import { createServer, type IncomingMessage } from "node:http";
import type { JsonObject, TaskStore } from "@mcp-task-store/core";
import { type NodeIncomingMessageLike, toNodeHandler } from "@modelcontextprotocol/node";
import type { AuthInfo } from "@modelcontextprotocol/server";
import type { TaskTool } from "../../src/index.ts";
import { asObject, envelope } from "../listen-wire.ts";
import { EXTENSION } from "../v2-server.ts";
import { bothGenerations } from "./both-generations.ts";

export interface BothServer extends AsyncDisposable {
  readonly url: URL;
  /** A request of 2026-07-28. @param client @default alice, who declares the extension */
  readonly modern: (method: string, params: JsonObject, client?: ModernClient) => Promise<JsonObject>;
}

export interface ModernClient {
  readonly user?: string;
  readonly capabilities?: JsonObject;
}

export async function serveBoth(store: TaskStore, tools: readonly TaskTool[]): Promise<BothServer> {
  const endpoint = bothGenerations(store, tools);
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
  const modern: BothServer["modern"] = async (method, params, client = {}) => {
    const { user = "alice", capabilities = { extensions: { [EXTENSION]: {} } } } = client;
    const name = params["taskId"] ?? params["name"];
    const _meta = { ...envelope(), "io.modelcontextprotocol/clientCapabilities": capabilities };
    const response = await fetch(url, {
      method: "POST",
      headers: {
        authorization: `Bearer ${user}`,
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": method,
        ...(typeof name === "string" && { "mcp-name": name }),
      },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params: { ...params, _meta } }),
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
