/**
 * How long does a blocked `tasks/result` take to answer, once another process has finished the task? With TasksSupport,
 * which the store wakes, beside the SDK's own handler on the same store, which asks every 500 ms.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { createPostgresTaskStore } from "@mcp-task-store/postgres";
import { createSdkTaskStore, TasksSupport } from "@mcp-task-store/sdk/v1";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { CallToolResultSchema } from "@modelcontextprotocol/sdk/types.js";
import { alternate, type Measured } from "./alternate.ts";

const POLL_MS = 500;
/** Its multiples are spread evenly: tasks end at any time of the poll, and at the same times for both. */
const GOLDEN_RATIO = 0.618_033_988_75;
const INFO = { name: "bench", version: "1.0.0" };

export async function tasksResult(url: string, rounds: number): Promise<readonly Measured[]> {
  await using stack = new AsyncDisposableStack();
  const store = stack.use(createPostgresTaskStore({ connectionString: url, maintenance: false, safetyPollMs: 60_000 }));
  await store.setup();
  const child = fork(fileURLToPath(new URL("finishing-process.ts", import.meta.url)), [url]);
  stack.defer(async () => {
    child.disconnect();
    await once(child, "exit");
  });
  await once(child, "message");

  const connected = async (mcp: McpServer): Promise<Client> => {
    const [here, there] = InMemoryTransport.createLinkedPair();
    await mcp.connect(there);
    const client = new Client(INFO);
    await client.connect(here);
    stack.defer(async () => await client.close());
    return client;
  };
  const woken = new McpServer(INFO);
  stack.use(new TasksSupport(store, { tools: [] })).attach(woken);
  const polling = new McpServer(INFO, { capabilities: { tasks: {} }, taskStore: createSdkTaskStore(store) });

  /** From the word to the other process until the client has the result. */
  const measuring = (client: Client): (() => Promise<number>) => {
    let round = 0;
    return async () => {
      const { taskId } = await store.createTask({ generation: "2025-11-25", pollIntervalMs: POLL_MS });
      const result = client.request({ method: "tasks/result", params: { taskId } }, CallToolResultSchema);
      round += 1;
      await delay(POLL_MS * ((round * GOLDEN_RATIO) % 1));
      const startedMs = performance.now();
      child.send(taskId);
      await result;
      return performance.now() - startedMs;
    };
  };
  return await alternate(
    [
      { name: `the SDK's own, asking every ${POLL_MS} ms`, run: measuring(await connected(polling)) },
      { name: "TasksSupport, woken by the store", run: measuring(await connected(woken)) },
    ],
    rounds,
  );
}
