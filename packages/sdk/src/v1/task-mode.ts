import type { ClientCapabilities, McpError, Tool } from "@modelcontextprotocol/sdk/types.js";
import { isJsonObject } from "../stored-call.ts";
import { METHOD_NOT_FOUND } from "../tool-error.ts";
import { mcpError } from "./mcp-errors.ts";

/** Whether a tool is called as a task: never, if the caller likes, always. A tool that does not say is never. */
export type TaskMode = "forbidden" | "optional" | "required";

/** What a request says about tasks. */
export interface TaskRequestContext {
  /** It asks for one. */
  readonly isTask: boolean;
  /** Its client declared anything of tasks. For a client that calls tools by tasks that says little: it need not. */
  readonly clientSupportsTasks: boolean;
}

/** A request as the SDK's `setRequestHandler` gives it. */
interface RequestWithParams {
  readonly params?: { readonly task?: unknown } | undefined;
}

/**
 * What a request says about tasks, for servers that answer `tools/call` themselves.
 * @param capabilities `server.getClientCapabilities()`
 */
export function taskRequestContext(
  { params }: RequestWithParams,
  capabilities: ClientCapabilities | undefined,
): TaskRequestContext {
  return { isTask: isJsonObject(params?.task), clientSupportsTasks: isJsonObject(capabilities?.tasks) };
}

/**
 * Why a tool cannot be called as the request wants it, -32601; undefined: it can.
 * @see S-06, S-09
 */
export function taskModeError(
  mode: TaskMode | undefined,
  { isTask }: Pick<TaskRequestContext, "isTask">,
): McpError | undefined {
  if (mode === "required" && !isTask) return refused("requires");
  if ((mode ?? "forbidden") === "forbidden" && isTask) return refused("does not support");
  return undefined;
}

/** @throws McpError -32601 where {@link taskModeError} has one */
export function validateTaskMode(mode: TaskMode | undefined, request: Pick<TaskRequestContext, "isTask">): void {
  const error = taskModeError(mode, request);
  if (error !== undefined) throw error;
}

/** The same for a tool as it is listed. @throws McpError -32601 */
export function validateForTool(tool: Pick<Tool, "execution">, request: Pick<TaskRequestContext, "isTask">): void {
  validateTaskMode(tool.execution?.taskSupport, request);
}

/** Whether a client has any way to call a tool of this mode: only one that needs tasks is closed to some. */
export function canUseTool(
  mode: TaskMode | undefined,
  { clientSupportsTasks }: Pick<TaskRequestContext, "clientSupportsTasks">,
): boolean {
  return mode !== "required" || clientSupportsTasks;
}

function refused(what: "requires" | "does not support"): McpError {
  return mcpError({ code: METHOD_NOT_FOUND, message: `This tool ${what} task-augmented invocation` });
}
