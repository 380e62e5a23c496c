import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { JsonObject, Task, TaskStore } from "@mcp-task-store/core";
import { type NodeIncomingMessageLike, toNodeHandler } from "@modelcontextprotocol/node";
import {
  type AuthInfo,
  createMcpHandler,
  type CreateMcpHandlerOptions,
  type McpHttpHandler,
  McpServer,
} from "@modelcontextprotocol/server";
import { detailedTask } from "../src/v2/detailed-task.ts";
import { subjectOf } from "../src/principal.ts";
import { TaskSubscriptions, type TaskSubscriptionsOptions } from "../src/v2/task-subscriptions.ts";
import { EXTENSION } from "./listen-wire.ts";

export interface ListenServer extends AsyncDisposable {
  readonly url: string;
  readonly subscriptions: TaskSubscriptions;
  readonly handler: McpHttpHandler;
  /** What `onError` was told. */
  readonly errors: readonly unknown[];
  /** How many task notifications were made. */
  readonly made: () => number;
}

export interface ListenServerOptions extends Partial<Omit<TaskSubscriptionsOptions, "store" | "onError">> {
  readonly handler?: CreateMcpHandlerOptions;
}

export function subscriptionsOn(
  store: Pick<TaskStore, "scoped">,
  { toWire = detailedTask, ...options }: Partial<TaskSubscriptionsOptions> = {},
): TaskSubscriptions {
  return new TaskSubscriptions({
    store,
    principal: subjectOf,
    toWire,
    maxSubscriptions: 1_024,
    maxSubscriptionsPerPrincipal: 64,
    maxTasksPerSubscription: 256,
    keepAliveMs: 15_000,
    onError: () => undefined,
    ...options,
  });
}

/** A server with one tool, so that it has a list that can change. */
export function mcpServer(): McpServer {
  const mcp = new McpServer(
    { name: "listen-test", version: "1.2.3" },
    { capabilities: { tools: { listChanged: true }, extensions: { [EXTENSION]: {} } } },
  );
  mcp.registerTool("noop", {}, () => ({ content: [] }));
  return mcp;
}

/** Real HTTP. Bearer token NAME is principal NAME; without a token there is none. */
export async function listenServer(
  store: Pick<TaskStore, "scoped">,
  { handler: handlerOptions, toWire = detailedTask, ...options }: ListenServerOptions = {},
): Promise<ListenServer> {
  const errors: unknown[] = [];
  let made = 0;
  const counted = (task: Task): JsonObject => {
    made += 1;
    return toWire(task);
  };
  const subscriptions = subscriptionsOn(store, { ...options, toWire: counted, onError: (error) => errors.push(error) });
  const handler = createMcpHandler(mcpServer, handlerOptions);
  const serve = toNodeHandler({ ...handler, fetch: subscriptions.wrapFetch(handler.fetch) });
  const http = createServer((request, response) => {
    const token = request.headers.authorization?.replace("Bearer ", "");
    const auth: AuthInfo | undefined =
      token === undefined ? undefined : { token, clientId: "test", scopes: [], extra: { sub: token } };
    void serve(incoming(request, auth), response);
  });
  await new Promise<void>((resolve) => {
    http.listen(0, "127.0.0.1", resolve);
  });
  const address = http.address();
  if (!isAddress(address)) throw new Error("no address");
  return {
    url: `http://127.0.0.1:${address.port}/mcp`,
    subscriptions,
    handler,
    errors,
    made: () => made,
    async [Symbol.asyncDispose]() {
      subscriptions.close();
      await handler.close();
      http.closeAllConnections();
      await new Promise((resolve) => {
        http.close(resolve);
      });
    },
  };
}

/** What the SDK's adapter takes, by its stricter types. */
function incoming(request: IncomingMessage, auth: AuthInfo | undefined): NodeIncomingMessageLike {
  const { method = "GET", url = "/", headers } = request;
  return { method, url, headers, ...(auth && { auth }), [Symbol.asyncIterator]: () => request[Symbol.asyncIterator]() };
}

function isAddress(address: AddressInfo | string | null): address is AddressInfo {
  return typeof address === "object" && address !== null;
}
