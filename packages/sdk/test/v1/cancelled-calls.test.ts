/** Calls that ask for a task and are cancelled while it is made. */
import type { ScopedTaskStore } from "@mcp-task-store/core";
import { pollUntil } from "@mcp-task-store/services";
import { ResultSchema } from "@modelcontextprotocol/sdk/types.js";
import { expect, it } from "vitest";
import { TasksSupport } from "../../src/v1/index.ts";
import { ended, twoStores, withFaults } from "../two-stores.ts";
import { serveHttp } from "./http-server.ts";
import { connectHttp } from "./test-client.ts";
import { gate } from "./test-tools.ts";
import { defineTaskTool } from "../../src/index.ts";

it("a call that is cancelled while its task is made leaves no task at work, and no news of it", async () => {
  await using stores = twoStores();
  const [making, go] = [gate(), gate()];
  let runs = 0;
  const tool = defineTaskTool({
    name: "act",
    run: () => {
      runs += 1;
      return { content: [] };
    },
  });
  let made = "";
  const scoped = (principal: string | null): ScopedTaskStore => {
    const view = stores.a.scoped(principal);
    const createTask: ScopedTaskStore["createTask"] = async (task) => {
      making.open();
      await go.passed;
      const created = await view.createTask(task);
      made = created.taskId;
      return created;
    };
    return { ...view, principal: view.principal, createTask };
  };
  const tasks = new TasksSupport(withFaults(stores.a, { scoped }), { tools: [tool] });
  await using server = await serveHttp({ prepare: (mcp) => tasks.attach(mcp) });
  await using alice = await connectHttp(server.url, { user: "alice" });
  const cancelled = new AbortController();
  const call = { method: "tools/call", params: { name: "act", task: {} } };
  const answer = alice.client.request(call, ResultSchema, { signal: cancelled.signal });
  await making.passed;
  cancelled.abort();
  await expect(answer).rejects.toThrow(/abort/iu);
  const isSent = (): boolean => alice.sent.some((m) => "method" in m && m.method === "notifications/cancelled");
  expect(isSent()).toBe(true);
  // Comes after it.
  await alice.client.ping();
  go.open();
  await alice.client.ping();
  await pollUntil(() => made !== "", { what: "the task" });
  expect(await ended(stores.b, made)).toMatchObject({ status: "cancelled" });
  const request = alice.sent.find((m) => "method" in m && m.method === "tools/call");
  const id = request !== undefined && "id" in request && request.id !== undefined ? request.id : "";
  await alice.transport.send({ jsonrpc: "2.0", id, method: "ping" });
  await alice.client.ping();
  expect(runs).toBe(0);
  expect(alice.received.filter((m) => "method" in m)).toEqual([]);
});
