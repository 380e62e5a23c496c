/** A server that answers with JSON: what else it has to say goes out on the client's stream for everything else. */
import { pollUntil } from "@mcp-task-store/services";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { CreateTaskResultSchema } from "@modelcontextprotocol/sdk/types.js";
import { expect, it } from "vitest";
import { TasksSupport } from "../../src/v1/index.ts";
import { asked, twoStores } from "../two-stores.ts";
import { counted } from "./counted-store.ts";
import { serveHttp } from "./http-server.ts";
import { accepted, result, start } from "./task-calls.ts";
import { connectHttp, rpcErrorOf } from "./test-client.ts";
import { gate, greeter, stepping } from "./test-tools.ts";

it("asks there, and answers tasks/get with nothing but the task (S-29 S-30)", async () => {
  await using stores = twoStores();
  const tasks = new TasksSupport(stores.a, { tools: [greeter] });
  await using server = await serveHttp({ prepare: (mcp) => tasks.attach(mcp), isJson: true });
  await using alice = await connectHttp(server.url, { user: "alice", answer: () => accepted });
  const taskId = await start(alice);
  await asked(stores.a, taskId);
  const { transport } = alice;
  const sessionId = transport instanceof StreamableHTTPClientTransport ? transport.sessionId : undefined;
  const response = await fetch(server.url, {
    method: "POST",
    headers: {
      authorization: "Bearer alice",
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "mcp-session-id": String(sessionId),
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: 4_711, method: "tasks/get", params: { taskId } }),
  });
  expect(response.headers.get("content-type")).toBe("application/json");
  expect(await response.json()).toMatchObject({ id: 4_711, result: { taskId, status: "input_required" } });
  expect(await result(alice, taskId)).toMatchObject({ content: [{ text: "Hello, Alice!" }] });
});

it("tells there of progress, also while the client waits for the result", async () => {
  await using stores = twoStores({ safetyPollMs: 600_000 });
  const { store, waits } = counted(stores.a);
  const [report, end] = [gate(), gate()];
  const steps = async function* (): AsyncGenerator<number> {
    await report.passed;
    yield 3;
    await end.passed;
  };
  const tasks = new TasksSupport(store, { tools: [stepping(steps())] });
  await using server = await serveHttp({ prepare: (mcp) => tasks.attach(mcp), isJson: true });
  await using alice = await connectHttp(server.url, { user: "alice" });
  const params = { name: "step", task: {}, _meta: { progressToken: "p" } };
  const { task } = await alice.client.request({ method: "tools/call", params }, CreateTaskResultSchema);
  const waiting = result(alice, task.taskId);
  await pollUntil(() => waits() === 2, { what: "one wait for the result, and one that follows the task" });
  report.open();
  const isTold = (): boolean => alice.received.some((m) => "method" in m && m.method === "notifications/progress");
  await pollUntil(isTold, { what: "progress" });
  end.open();
  expect(await waiting).toMatchObject({ content: [{ text: "stepped" }] });
});

it("asks nothing within a call, where it would never be heard", async () => {
  await using stores = twoStores();
  const tasks = new TasksSupport(stores.a, { tools: [greeter] });
  await using server = await serveHttp({ prepare: (mcp) => tasks.attach(mcp), isJson: true });
  await using alice = await connectHttp(server.url, { user: "alice", answer: () => accepted });
  expect(await rpcErrorOf(alice.client.callTool({ name: "greet" }))).toMatchObject({
    code: -32_021,
    data: { requiredCapabilities: { elicitation: {} } },
  });
});
