/** A server of the official SDK with the extension, called without sockets. */
import type { JsonObject, TaskStore } from "@mcp-task-store/core";
import {
  type AuthInfo,
  createMcpHandler,
  type McpHttpHandler,
  type McpRequestContext,
  McpServer,
  type ServerOptions,
} from "@modelcontextprotocol/server";
import { z } from "zod";
import { TasksExtension, type TasksExtensionOptions } from "../src/v2/index.ts";

export const EXTENSION = "io.modelcontextprotocol/tasks";

/** A client that can do everything. */
export const ABLE: JsonObject = { elicitation: { form: {} }, extensions: { [EXTENSION]: {} } };
/** A client that can be asked, without tasks. */
export const ASKABLE: JsonObject = { elicitation: { form: {} } };

const answerSchema = z.looseObject({
  result: z.record(z.string(), z.unknown()).optional(),
  error: z.object({ code: z.number(), message: z.string(), data: z.unknown().optional() }).optional(),
});

export interface Answer {
  readonly http: number;
  readonly result?: JsonObject | undefined;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown } | undefined;
  /** The body as it came. */
  readonly text: string;
}

export interface CallOptions {
  /** @default {@link ABLE} */
  readonly capabilities?: JsonObject;
  readonly auth?: AuthInfo | undefined;
  /** Beside what the method needs. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export interface TestServer {
  readonly tasks: TasksExtension;
  readonly handler: McpHttpHandler;
  /** What `onError` was told. */
  readonly errors: readonly unknown[];
  /** One request of 2026-07-28 with its envelope. */
  call(method: string, params?: JsonObject, options?: CallOptions): Promise<Answer>;
  /** One request of 2025-11-25, without a session. */
  legacy(method: string, params?: JsonObject): Promise<Answer>;
}

export interface TestServerOptions extends TasksExtensionOptions {
  readonly server?: ServerOptions;
  /** Called with each new server, after `attach`. */
  readonly setUp?: (mcp: McpServer, context: McpRequestContext) => void;
  /** Gives `attach` no context. */
  readonly withoutContext?: boolean;
}

export function testServer(store: TaskStore, options: TestServerOptions): TestServer {
  const { server, setUp, withoutContext = false, ...extension } = options;
  const errors: unknown[] = [];
  const tasks = new TasksExtension(store, { onError: (error) => errors.push(error), ...extension });
  const handler = createMcpHandler((context) => {
    const mcp = new McpServer({ name: "test", version: "1.0.0" }, server);
    if (withoutContext) tasks.attach(mcp);
    else tasks.attach(mcp, context);
    setUp?.(mcp, context);
    return mcp;
  });
  return {
    tasks,
    handler,
    errors,
    call: async (method, params, callOptions) => await callOf(handler, method, params, callOptions),
    legacy: async (method, params = {}) => {
      const headers = { "mcp-protocol-version": "2025-11-25" };
      return await answerOf(await handler.fetch(requestOf({ jsonrpc: "2.0", id: 1, method, params }, headers)));
    },
  };
}

/** One request of 2026-07-28 to any server. */
export async function callOf(
  handler: McpHttpHandler,
  method: string,
  params: JsonObject = {},
  { capabilities = ABLE, auth, headers, signal }: CallOptions = {},
): Promise<Answer> {
  const named = params["name"] ?? params["taskId"];
  const given = params["_meta"];
  const _meta = {
    ...(typeof given === "object" ? given : {}),
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": { name: "test", version: "1" },
    "io.modelcontextprotocol/clientCapabilities": capabilities,
  };
  const standard = {
    "mcp-protocol-version": "2026-07-28",
    "mcp-method": method,
    ...(typeof named === "string" && { "mcp-name": named }),
    ...headers,
  };
  const request = requestOf({ jsonrpc: "2.0", id: 1, method, params: { ...params, _meta } }, standard, signal);
  return await answerOf(await handler.fetch(request, auth && { authInfo: auth }));
}

function requestOf(message: JsonObject, headers: Readonly<Record<string, string>>, signal?: AbortSignal): Request {
  return new Request("http://localhost/mcp", {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json, text/event-stream", ...headers },
    body: JSON.stringify(message),
    ...(signal && { signal }),
  });
}

/** The answer itself, whether it came as JSON or as the last event of a stream. */
async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text();
  const isStream = response.headers.get("content-type")?.includes("text/event-stream") === true;
  const messages = isStream ? text.split("\n").filter((line) => line.startsWith("data: {")) : [`data: ${text}`];
  const last = messages.at(-1)?.slice("data: ".length) ?? "{}";
  const { result, error } = answerSchema.parse(JSON.parse(last));
  return { http: response.status, result, error, text };
}

/** The id of the task that a call was answered with. @throws Error if it was not */
export function taskIdOf({ result, text }: Answer): string {
  const id = result?.["resultType"] === "task" ? result["taskId"] : undefined;
  if (typeof id !== "string") throw new Error(`No task came of it: ${text}`);
  return id;
}

export function subject(sub: string | undefined, extra: JsonObject = {}): AuthInfo {
  return { token: "t", clientId: "c", scopes: [], extra: { ...(sub === undefined ? {} : { sub }), ...extra } };
}
