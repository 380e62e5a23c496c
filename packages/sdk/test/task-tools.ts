/** Tools and tasks of tests, with the least that each test has to say. */
import type { Generation, JsonObject, Task, TaskOutcome, TaskStore } from "@mcp-task-store/core";
import { z } from "zod";
import { createTaskWorker, defineTaskTool, type TaskTool, type ToolContext, type ToolResult } from "../src/index.ts";
import { read } from "./two-stores.ts";

export const TOOL = "work";

export type Run = (context: ToolContext<JsonObject | undefined>) => Promise<ToolResult> | ToolResult;

/** A tool without arguments. */
export function toolOf(run: Run): TaskTool {
  return defineTaskTool({ name: TOOL, run: async (_args, context) => await run(context) });
}

export interface CallParts {
  readonly arguments?: unknown;
  readonly prepared?: JsonObject;
  /** What the client shows. @default forms */
  readonly elicitation?: JsonObject | undefined;
  /** Whether it has a model. @default none */
  readonly sampling?: JsonObject | undefined;
  readonly generation?: Generation | null;
  readonly name?: string;
}

/** A task as a server stores it for a call. */
export async function taskFor(store: TaskStore, parts: CallParts = {}): Promise<Task> {
  const { generation = "2026-07-28", name = TOOL, prepared } = parts;
  const elicitation = "elicitation" in parts ? parts.elicitation : {};
  const params = {
    name,
    arguments: parts.arguments ?? {},
    ...(prepared && { prepared }),
    ...(elicitation && { elicitation }),
    ...(parts.sampling && { sampling: parts.sampling }),
  };
  return await store.createTask({ generation, request: { method: "tools/call", name, params } });
}

/** How a task of this tool ends. */
export async function outcomeOf(store: TaskStore, run: Run, parts?: CallParts): Promise<TaskOutcome | undefined> {
  const { taskId } = await taskFor(store, parts);
  await createTaskWorker(store, { tools: [toolOf(run)] }).run(taskId);
  return (await read(store, taskId)).outcome;
}

export function text(...texts: readonly string[]): ToolResult & { readonly content: object } {
  return { content: texts.map((text) => ({ type: "text" as const, text })) };
}

/** A form with one switch. */
export const SURE: z.ZodObject<{ sure: z.ZodBoolean }> = z.object({ sure: z.boolean() });
export const ASK_SURE: { readonly message: string; readonly requestedSchema: typeof SURE } = {
  message: "Sure?",
  requestedSchema: SURE,
};
export const YES: JsonObject = { action: "accept", content: { sure: true } };
