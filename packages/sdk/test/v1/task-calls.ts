/** What clients of tests do with tasks, and what their users say. */
import { CreateTaskResultSchema, ResultSchema } from "@modelcontextprotocol/sdk/types.js";
import type { JsonObject } from "@mcp-task-store/core";
import type { TestClient, TestClientOptions } from "./test-client.ts";

export const accepted: { readonly action: "accept"; readonly content: { readonly name: "Alice" } } = {
  action: "accept",
  content: { name: "Alice" },
};

/** A user who thinks for ever. */
export const silent: Required<Pick<TestClientOptions, "user" | "answer">> = {
  user: "alice",
  answer: async () => await new Promise<never>(() => undefined),
};

/** Calls a tool as a task. @returns the task's id */
export async function start({ client }: TestClient, name = "greet"): Promise<string> {
  const call = { method: "tools/call", params: { name, task: {} } };
  return (await client.request(call, CreateTaskResultSchema)).task.taskId;
}

export function result({ client }: TestClient, taskId: string, signal?: AbortSignal): Promise<JsonObject> {
  return client.request({ method: "tasks/result", params: { taskId } }, ResultSchema, signal && { signal });
}
