/** What each requirement's check has at hand: a server with every kind of tool, and a client that is somebody. */
import type { JsonObject, TaskStore } from "@mcp-task-store/core";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { type JSONRPCMessage, ResultSchema } from "@modelcontextprotocol/sdk/types.js";
import { z } from "zod";
import { TasksSupport } from "../../../src/v1/index.ts";
import { isJsonObject } from "../../../src/stored-call.ts";
import type { Backend } from "../../two-stores.ts";
import { serveHttp } from "../http-server.ts";
import { connectHttp, type RpcError, rpcErrorOf, type TestClient, type TestClientOptions } from "../test-client.ts";
import {
  askingThenGated,
  echo,
  type Gate,
  gate,
  gated,
  greeter,
  isError,
  needsTask,
  obstinate,
  rpcError,
  stepping,
} from "../test-tools.ts";

export interface Scene extends AsyncDisposable, Requests {
  readonly store: TaskStore;
  /** Lets the tools "gated" and "ask_and_work" end. */
  readonly door: Gate;
  /** Passed when the tool "obstinate" was told to stop. */
  readonly stopped: Promise<void>;
  /** What the tool "step" reports next; undefined ends it. */
  readonly step: (step: number | string | undefined) => void;
  /** Another client of this server. The scene closes it. */
  readonly connect: (options: TestClientOptions) => Promise<Requests>;
  /** Ends what works on tasks; requests are still answered. */
  readonly endWork: () => Promise<void>;
  /** Closes the server's store: every use of it fails. */
  readonly closeStore: () => Promise<void>;
  /** A POST to the session of this client, as a client without an SDK would write it. */
  readonly post: (body: JsonObject, headers?: Readonly<Record<string, string>>) => Promise<Response>;
}

/** A client, and short ways to ask with it. */
export interface Requests extends TestClient {
  readonly request: (method: string, params?: JsonObject) => Promise<JsonObject>;
  readonly refusal: (method: string, params?: JsonObject) => Promise<RpcError>;
  /** Calls a tool as a task. @returns the CreateTaskResult's task */
  readonly start: (name: string, more?: JsonObject) => Promise<Started>;
  /** Messages of one method, so far. */
  readonly messages: (method: string) => readonly JsonObject[];
}

export interface Started extends JsonObject {
  readonly taskId: string;
}

/** Tasks poll once a minute: what comes sooner was no poll. */
export const POLL_MS = 60_000;

const HEADERS = { "content-type": "application/json", accept: "application/json, text/event-stream" };

export async function scene(backend: Backend, options: TestClientOptions): Promise<Scene> {
  await using building = new AsyncDisposableStack();
  const stores = building.use(await backend.open({ safetyPollMs: 600_000, defaultPollIntervalMs: POLL_MS }));
  const [door, told] = [gate(), gate()];
  const [steps, step] = channel();
  const tools = [
    echo,
    needsTask,
    isError,
    rpcError,
    greeter,
    gated(door.passed),
    askingThenGated(door.passed),
    obstinate(() => told.open()),
    stepping(steps),
  ];
  const tasks = building.use(new TasksSupport(stores.a, { tools }));
  const server = building.use(
    await serveHttp({
      prepare: (mcp) => {
        tasks.attach(mcp);
        mcp.registerTool("plain", { inputSchema: { text: z.string() } }, ({ text }) => ({
          content: [{ type: "text", text }],
        }));
        mcp.registerPrompt("joke", {}, () => ({ messages: [] }));
      },
    }),
  );
  building.defer(() => {
    door.open();
    step(undefined);
  });
  const main = requestsOf(building.use(await connectHttp(server.url, options)));
  const stack = building.move();
  return {
    ...main,
    store: stores.b,
    door,
    stopped: told.passed,
    step,
    connect: async (as) => requestsOf(stack.use(await connectHttp(server.url, as))),
    endWork: async () => await tasks.close(),
    closeStore: async () => await stores.a.close(),
    post: async (body, headers = {}) => {
      const sessionId = main.transport instanceof StreamableHTTPClientTransport && main.transport.sessionId;
      const authorization = options.user === undefined ? {} : { authorization: `Bearer ${options.user}` };
      return await fetch(server.url, {
        method: "POST",
        headers: { ...HEADERS, "mcp-session-id": String(sessionId), ...authorization, ...headers },
        body: JSON.stringify({ jsonrpc: "2.0", ...body }),
      });
    },
    [Symbol.asyncDispose]: async () => await stack.disposeAsync(),
  };
}

function requestsOf(connected: TestClient): Requests {
  const { client, received } = connected;
  const request = async (method: string, params: JsonObject = {}): Promise<JsonObject> =>
    await client.request({ method, params }, ResultSchema);
  return {
    ...connected,
    request,
    refusal: async (method, params) => await rpcErrorOf(request(method, params)),
    start: async (name, more = {}) => {
      const result = await request("tools/call", { name, task: {}, ...more });
      const { task } = result;
      if (!isJsonObject(task) || typeof task["taskId"] !== "string") throw new Error(JSON.stringify(result));
      return { ...task, taskId: task["taskId"] };
    },
    messages: (method) => received.filter(isOf(method)).map((message) => ({ ...message })),
  };
}

function isOf(method: string): (message: JSONRPCMessage) => boolean {
  return (message) => "method" in message && message.method === method;
}

/** What is put in comes out, in order; undefined ends it. */
function channel(): [AsyncIterable<number | string>, (step: number | string | undefined) => void] {
  const steps: (number | string | undefined)[] = [];
  let wake = (): void => undefined;
  async function* read(): AsyncGenerator<number | string> {
    for (;;) {
      while (steps.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      const step = steps.shift();
      if (step === undefined) return;
      yield step;
    }
  }
  const put = (step: number | string | undefined): void => {
    steps.push(step);
    wake();
  };
  return [read(), put];
}
