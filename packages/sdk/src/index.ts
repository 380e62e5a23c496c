export { defineTaskTool } from "./define-task-tool.ts";
export type { NoArguments, OutputOf, StandardSchemaWithJson } from "./schema.ts";
export { isSuspension } from "./suspension.ts";
export type { TaskSettings, TaskTool, TaskToolDefinition, ToolAnnotations, ToolDescription } from "./task-tool.ts";
export { createTaskWorker } from "./task-worker.ts";
export type { TaskWorker, TaskWorkerOptions } from "./task-worker.ts";
export type {
  ElicitAnswer,
  ElicitOptions,
  ElicitRequest,
  Elicits,
  PrepareContext,
  ToolContent,
  ToolContext,
  ToolProgress,
  ToolResult,
} from "./tool-context.ts";
export { ToolError } from "./tool-error.ts";
