/** What clients of tests do with tasks, and what their users say. */
import { pollUntil } from "@mcp-task-store/services";
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

/** The ids of the forms that a client was asked to show, in order. */
export function questions({ received }: TestClient): readonly (string | number)[] {
  return received.flatMap((message) =>
    "method" in message && message.method === "elicitation/create" && "id" in message ? [message.id] : [],
  );
}

/** The first form, or a later one. */
export async function question(client: TestClient, number = 1): Promise<string | number> {
  return await pollUntil(() => questions(client)[number - 1], { what: `question ${number}` });
}

export async function answer({ transport }: TestClient, id: string | number, name = "Alice"): Promise<void> {
  await transport.send({ jsonrpc: "2.0", id, result: { action: "accept", content: { name } } });
}
