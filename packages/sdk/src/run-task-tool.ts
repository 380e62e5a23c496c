import { isTaskStoreError, type JsonObject, type TaskContext, type TaskStoreError } from "@mcp-task-store/core";
import { errorResult, isAnswerOfTool } from "./error-result.ts";
import type { StoredCall } from "./stored-call.ts";
import { TaskRunContext } from "./task-run-context.ts";
import type { TaskTool } from "./task-tool.ts";
import { ToolError } from "./tool-error.ts";
import { wireError } from "./wire-error.ts";

/**
 * Runs a tool on its task.
 * @returns the result that completes the task; undefined: the run was suspended and gives the task back
 * @throws what fails the task, or ends it as its cancellation asks for
 */
export async function runTaskTool(tool: TaskTool, call: StoredCall, run: TaskContext): Promise<JsonObject | undefined> {
  const context = new TaskRunContext(run, call);
  try {
    const result = await tool.run(call.arguments, context);
    return context.isSuspended ? undefined : { ...result };
  } catch (error) {
    if (context.isSuspended) return undefined;
    // A run that was told to stop did not fail.
    if (run.signal.aborted) throw error;
    // What a store says is no answer of the tool, and its task is told as much of it as its call would be.
    if (isTaskStoreError(error)) throw toToolError(error);
    if (!isAnswerOfTool(error)) throw error;
    return { ...errorResult(error) };
  }
}

function toToolError(thrown: TaskStoreError): ToolError {
  const { code, message, data } = wireError(thrown);
  const error = new ToolError(code, message, data);
  error.cause = thrown;
  return error;
}
