import type { JsonObject } from "@mcp-task-store/core";
import type { Result } from "@modelcontextprotocol/sdk/types.js";
import { isJsonObject, objectAt } from "../stored-call.ts";
import type { TaskMode } from "./task-mode.ts";
import type { TaskTool } from "../task-tool.ts";

/** Whether a tool can be called as a task, as its listing says; forbidden is what nothing says. */
export type ToolMode = "unknown" | TaskMode;

/** The SDK's answer to tools/list, with the schemas and the modes of task tools. */
export function withTaskTools(listed: Result, tools: ReadonlyMap<string, TaskTool>): Result {
  return { ...listed, tools: toolsIn(listed).map((tool) => completed(tool, tools.get(String(tool["name"])))) };
}

/** The mode of a tool in the SDK's answer to tools/list. */
export function toolMode(listed: Result, name: string): ToolMode {
  const tool = toolsIn(listed).find((tool) => tool["name"] === name);
  if (tool === undefined) return "unknown";
  const mode = objectAt(tool, "execution")?.["taskSupport"];
  return mode === "optional" || mode === "required" ? mode : "forbidden";
}

function toolsIn(listed: Result): readonly JsonObject[] {
  const tools = listed["tools"];
  return Array.isArray(tools) ? tools.filter(isJsonObject) : [];
}

function completed(listed: JsonObject, tool: TaskTool | undefined): JsonObject {
  if (tool === undefined) return listed;
  const { inputSchema, outputSchema, taskSupport } = tool;
  return {
    ...listed,
    ...(inputSchema !== undefined && { inputSchema: inputSchema["~standard"].jsonSchema.input(JSON_SCHEMA) }),
    ...(outputSchema !== undefined && { outputSchema: outputSchema["~standard"].jsonSchema.output(JSON_SCHEMA) }),
    execution: { taskSupport },
  };
}

/** As the SDK lists its own: its client validates results by this draft. */
const JSON_SCHEMA = { target: "draft-07" } as const;
