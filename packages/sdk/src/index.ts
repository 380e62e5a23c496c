export { defineTaskTool } from "./define-task-tool.ts";
export type { CreateMessageParams, CreateMessageResult, SamplingContent, SamplingMessage } from "./sampling-types.ts";
export type { NoArguments, OutputOf, StandardSchemaWithJson } from "./schema.ts";
export { isSuspension } from "./suspension.ts";
export type { TaskSettings, TaskTool, TaskToolDefinition, ToolAnnotations, ToolDescription } from "./task-tool.ts";
export { createTaskWorker } from "./task-worker.ts";
export type { TaskWorker, TaskWorkerOptions } from "./task-worker.ts";
export type {
  AskOptions,
  AsksClient,
  ElicitAnswer,
  ElicitRequest,
  ElicitUrlAnswer,
  ElicitUrlRequest,
  PrepareContext,
  ToolContent,
  ToolContext,
  ToolProgress,
  ToolResult,
} from "./tool-context.ts";
export { ToolError } from "./tool-error.ts";
