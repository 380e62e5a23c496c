/** Calls that come in one piece, as lines of stdio do, stay within the limit too. */
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { CreateTaskResultSchema } from "@modelcontextprotocol/sdk/types.js";
import { pollUntil } from "@mcp-task-store/services";
import { expect, it } from "vitest";
import { TasksSupport } from "../../src/v1/index.ts";
import { asked, twoStores } from "../two-stores.ts";
import { counted } from "./counted-store.ts";
import { connect } from "./test-client.ts";
import { greeter } from "./test-tools.ts";

it("a connection has 64 results waiting, however many calls come in one turn", async () => {
  await using stores = twoStores({ safetyPollMs: 600_000 });
  const { store, waits } = counted(stores.a);
  const tasks = new TasksSupport(store, { tools: [greeter], principal: () => "alice" });
  const mcp = new McpServer({ name: "test", version: "1.0.0" });
  tasks.attach(mcp);
  const [clientSide, serverSide] = InMemoryTransport.createLinkedPair();
  await mcp.connect(serverSide);
  const answer = async (): Promise<never> => await new Promise<never>(() => undefined);
  await using alice = await connect(clientSide, { answer });
  const params = { name: "greet", task: {} };
  const { taskId } = (await alice.client.request({ method: "tools/call", params }, CreateTaskResultSchema)).task;
  await asked(stores.a, taskId);
  const following = waits();
  const ids = Array.from({ length: 256 }, (_, at) => 5_000 + at);
  const sent = ids.map(
    async (id) => await alice.transport.send({ jsonrpc: "2.0", id, method: "tasks/result", params: { taskId } }),
  );
  await Promise.all(sent);
  const givenUp = (): number => alice.received.filter((message) => "error" in message).length;
  await pollUntil(() => givenUp() >= 256 - 64, { what: "the oldest to give way" });
  expect(givenUp()).toBe(256 - 64);
  await pollUntil(() => waits() === 64 + following, { what: "64 that wait" });
  await stores.a.cancelTask(taskId);
  await pollUntil(() => waits() === 0, { what: "all waits to end" });
});
