import { MODEL_IMMEDIATE_RESPONSE_KEY } from "@mcp-task-store/core";
import { CallToolResultSchema, CreateTaskResultSchema } from "@modelcontextprotocol/sdk/types.js";
import { expect, it } from "vitest";
import { defineTaskTool } from "../../src/index.ts";
import { TasksSupport } from "../../src/v1/index.ts";
import { twoStores } from "../two-stores.ts";
import { taskIdOf, testServer } from "../v2-server.ts";
import { serveHttp } from "./http-server.ts";
import { connectHttp } from "./test-client.ts";

const report = defineTaskTool({
  name: "report",
  immediateResponse: "The report comes within an hour.",
  run: () => ({ content: [{ type: "text", text: "the report" }] }),
});

it("what a model is told meanwhile comes with the task, and not with its result", async () => {
  await using stores = twoStores();
  const tasks = new TasksSupport(stores.a, { tools: [report] });
  await using server = await serveHttp({ prepare: (mcp) => tasks.attach(mcp) });
  await using alice = await connectHttp(server.url);
  const call = { method: "tools/call", params: { name: "report", task: {} } };
  const created = await alice.client.request(call, CreateTaskResultSchema);
  expect(created._meta).toEqual({ [MODEL_IMMEDIATE_RESPONSE_KEY]: "The report comes within an hour." });
  const result = await alice.client.experimental.tasks.getTaskResult(created.task.taskId, CallToolResultSchema);
  expect(result).toMatchObject({ content: [{ text: "the report" }] });
  expect(result._meta).not.toHaveProperty([MODEL_IMMEDIATE_RESPONSE_KEY]);
  expect((await alice.client.callTool({ name: "report" }))._meta).toBeUndefined();
});

it("on 2026-07-28 a model is told nothing", async () => {
  await using stores = twoStores();
  const answer = await testServer(stores.a, { tools: [report] }).call("tools/call", { name: "report" });
  expect(taskIdOf(answer)).toBeTypeOf("string");
  expect(answer.text).not.toContain("within an hour");
});

it("an empty one is refused", () => {
  expect(() => defineTaskTool({ name: "report", immediateResponse: "", run: () => ({}) })).toThrow(/immediateResponse/);
});
