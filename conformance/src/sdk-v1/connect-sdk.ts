import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import type { TaskStore } from "@modelcontextprotocol/sdk/experimental/tasks";
import type { JsonObject } from "@mcp-task-store/core";
import type { SdkConnection, SdkTaskStore, WireAnswer } from "./sdk-interfaces.ts";

const PROTOCOL = "2025-11-25";

/**
 * A client, as it is on the wire, of a real server of the SDK that has this store.
 * @param sessionId undefined: a transport without sessions
 */
export async function connectSdk(store: SdkTaskStore, sessionId: string | undefined): Promise<SdkConnection> {
  const server = new McpServer(
    { name: "conformance", version: "0" },
    {
      capabilities: { tasks: { list: {}, cancel: {}, requests: { tools: { call: {} } } } },
      taskStore: asTyped(store),
    },
  );
  const [client, ours] = InMemoryTransport.createLinkedPair();
  if (sessionId !== undefined) ours.sessionId = sessionId;
  const waiting = new Map<number, (answer: WireAnswer) => void>();
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- a transport of the SDK has this one way to listen
  client.onmessage = (message) => {
    const said: { readonly [key: string]: unknown; readonly result?: JsonObject; readonly error?: WireError } = {
      ...message,
    };
    const id = said["id"];
    const settle = typeof id === "number" ? waiting.get(id) : undefined;
    if (said.error !== undefined) settle?.({ error: said.error });
    else if (said.result !== undefined) settle?.({ result: said.result });
  };
  await server.connect(ours);
  await client.start();
  let ids = 0;
  const request = (method: string, params: JsonObject): Promise<WireAnswer> =>
    new Promise((resolve, reject) => {
      ids += 1;
      waiting.set(ids, resolve);
      client.send({ jsonrpc: "2.0", id: ids, method, params }).catch(reject);
    });
  await request("initialize", {
    protocolVersion: PROTOCOL,
    capabilities: {},
    clientInfo: { name: "conformance", version: "0" },
  });
  await client.send({ jsonrpc: "2.0", method: "notifications/initialized" });
  return {
    request,
    async close() {
      await client.close();
      await server.close();
    },
  };
}

interface WireError {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

/** The store in the SDK's own types, which are narrower than what a store may return. */
function asTyped(store: SdkTaskStore): TaskStore {
  return {
    createTask: (...call) => store.createTask(...call),
    getTask: (...call) => store.getTask(...call),
    storeTaskResult: (...call) => store.storeTaskResult(...call),
    getTaskResult: (...call) => store.getTaskResult(...call),
    updateTaskStatus: (...call) => store.updateTaskStatus(...call),
    async listTasks(...call) {
      const { tasks, nextCursor } = await store.listTasks(...call);
      return nextCursor === undefined ? { tasks } : { tasks, nextCursor };
    },
  };
}
