/** What each requirement's test has at hand: a server with every kind of tool, and a client that is somebody. */
import { createMemoryTaskStore } from "@mcp-task-store/memory";
import type { JsonObject, TaskStore } from "@mcp-task-store/core";
import { type JSONRPCMessage, ResultSchema } from "@modelcontextprotocol/sdk/types.js";
import { z } from "zod";
import { TasksSupport } from "../../src/v1/index.ts";
import { isJsonObject } from "../../src/stored-call.ts";
import { type HttpServer, serveHttp } from "./http-server.ts";
import { connectHttp, type RpcError, rpcErrorOf, type TestClient, type TestClientOptions } from "./test-client.ts";
import {
  askingThenGated,
  echo,
  type Gate,
  gate,
  gated,
  greeter,
  isError,
  needsTask,
  rpcError,
  stepping,
} from "./test-tools.ts";

export interface Scene extends AsyncDisposable, TestClient {
  readonly store: TaskStore;
  readonly server: HttpServer;
  /** Lets the tool "gated" end. */
  readonly door: Gate;
  /** What the tool "step" reports next; undefined ends it. */
  readonly step: (step: number | string | undefined) => void;
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
const POLL_MS = 60_000;

export async function scene(options: TestClientOptions = { user: "alice" }): Promise<Scene> {
  const store = createMemoryTaskStore({ maintenance: false, safetyPollMs: 600_000, defaultPollIntervalMs: POLL_MS });
  const door = gate();
  const [steps, step] = channel();
  const tools = [
    echo,
    needsTask,
    isError,
    rpcError,
    greeter,
    gated(door.passed),
    askingThenGated(door.passed),
    stepping(steps),
  ];
  const tasks = new TasksSupport(store, { tools });
  const server = await serveHttp({
    prepare: (mcp) => {
      tasks.attach(mcp);
      mcp.registerTool("plain", { inputSchema: { text: z.string() } }, ({ text }) => ({
        content: [{ type: "text", text }],
      }));
    },
  });
  const connected = await connectHttp(server.url, options);
  const { client, received } = connected;
  const request = async (method: string, params: JsonObject = {}): Promise<JsonObject> =>
    await client.request({ method, params }, ResultSchema);
  return {
    ...connected,
    store,
    server,
    door,
    step,
    request,
    refusal: async (method, params) => await rpcErrorOf(request(method, params)),
    start: async (name, more = {}) => {
      const result = await request("tools/call", { name, task: {}, ...more });
      const { task } = result;
      if (!isJsonObject(task) || typeof task["taskId"] !== "string") throw new Error(JSON.stringify(result));
      return { ...task, taskId: task["taskId"] };
    },
    messages: (method) => received.filter(isOf(method)).map((message) => ({ ...message })),
    async [Symbol.asyncDispose]() {
      door.open();
      step(undefined);
      await connected[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
      await tasks.close();
      await store.close();
    },
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
