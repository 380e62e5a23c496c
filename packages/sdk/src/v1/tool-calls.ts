import { type JsonObject, MODEL_IMMEDIATE_RESPONSE_KEY, type ScopedTaskStore, type Task } from "@mcp-task-store/core";
import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import {
  type CallToolRequest,
  CallToolRequestSchema,
  type CallToolResult,
  CallToolResultSchema,
  type Result,
} from "@modelcontextprotocol/sdk/types.js";
import { type DirectCall, DirectContext } from "../direct-context.ts";
import { isAnswerOfTool } from "../error-result.ts";
import { listedTool } from "../listed-tool.ts";
import { wishedTtlMs } from "../longest-ttl.ts";
import { newTask } from "../new-task.ts";
import { validateBy } from "../schema-validation.ts";
import { type AskableClient, isJsonObject } from "../stored-call.ts";
import type { TaskTool } from "../task-tool.ts";
import type { ToolResult } from "../tool-context.ts";
import { INTERNAL_ERROR, INVALID_PARAMS } from "../tool-error.ts";
import { type Extra, interceptHandlers } from "./intercept-handlers.ts";
import { mcpError, toMcpError } from "./mcp-errors.ts";
import { RequestQuestions } from "./request-questions.ts";
import { validateTaskMode } from "./task-mode.ts";
import { type ToolMode, toolMode, withTaskTools } from "./tool-listing.ts";
import { wireTask } from "./wire-task.ts";

/** What calls of task tools need of the server. */
export interface ToolCallHost {
  readonly tools: ReadonlyMap<string, TaskTool>;
  /** The store as the caller of this request sees it. */
  viewFor(extra: Extra): Promise<ScopedTaskStore>;
  /** What the client can be asked while a task runs. */
  client(): AskableClient;
  /** The same within a request: nothing where the question or its answer would not get there. */
  requestClient(): AskableClient;
  /** What a tool of the SDK's own gets: a store that is its caller's. */
  bind(extra: Extra, request: unknown): Promise<Extra>;
  /** Hands a task that was just stored to whoever works on it, and tells the caller how it goes. */
  created(task: Task, view: ScopedTaskStore, extra: Extra): Promise<void>;
  /** Told of errors that calls end with. */
  failed(error: unknown): void;
}

/** One call on its way through the SDK's own handler. */
interface CallInFlight {
  readonly request: CallToolRequest;
  /** What goes out instead of what the SDK makes of the tool's answer. */
  answer?: Result;
  /** What goes out as the JSON-RPC error that it is. The SDK would make an `isError` result of it. */
  error?: Error;
}

/** Handed to the SDK where the answer is not its business. */
const HANDLED: CallToolResult = { content: [], isError: true };

const LIST_TOOLS = { method: "tools/list" };

/**
 * Registers task tools on a server. Calls go through the SDK's own handler, which knows what is enabled; here is only
 * what it cannot do: tasks of schemas of any library, the modes of tools as the specification has them, and errors that
 * stay errors.
 * @throws Error if a tool was registered before
 */
export function serveToolCalls(mcp: McpServer, host: ToolCallHost): void {
  const calls = new WeakMap<Extra, CallInFlight>();

  const askSdk = interceptHandlers(mcp, {
    "tools/list": async (_request, extra, next) => withTaskTools(await next(extra), host.tools),
    "tools/call": async (request, extra, next) => {
      const call: CallInFlight = { request: CallToolRequestSchema.parse(request) };
      const { name, task } = call.request.params;
      const tool = host.tools.get(name);
      if (tool === undefined) {
        const modeOf = async (): Promise<ToolMode> => toolMode(await askSdk("tools/list", LIST_TOOLS, extra), name);
        const callOn = async (): Promise<Result> => await next(await host.bind(extra, request));
        return await callOther(call.request, modeOf, callOn);
      }
      validateTaskMode(tool.taskSupport, { isTask: task !== undefined });
      calls.set(extra, call);
      const result = await next(extra);
      if (call.error !== undefined) throw call.error;
      if (call.answer !== undefined) return call.answer;
      if (task === undefined) return result;
      // It never came to the tool: the SDK says why, but as an answer of the tool, which no task has given.
      throw mcpError({ code: INVALID_PARAMS, message: textOf(result) });
    },
  });
  const execute = async (tool: TaskTool, extra: Extra): Promise<CallToolResult> => {
    const call = calls.get(extra);
    if (call === undefined) throw new Error(`Tool ${tool.name} was called past TasksSupport.`);
    try {
      const { task } = call.request.params;
      if (task === undefined) return await callDirectly(tool, call.request, extra, host);
      const made = wireTask(await createTask(tool, call.request, task.ttl, extra, host));
      const { immediateResponse } = tool;
      call.answer = {
        task: made,
        ...(immediateResponse !== undefined && { _meta: { [MODEL_IMMEDIATE_RESPONSE_KEY]: immediateResponse } }),
      };
    } catch (error) {
      // What a tool throws, other than a JSON-RPC error, is the SDK's to show.
      if (call.request.params.task === undefined && isAnswerOfTool(error)) throw error;
      call.error = toMcpError(error);
      host.failed(call.error);
    }
    return HANDLED;
  };
  for (const tool of host.tools.values()) register(mcp, tool, execute);
}

function register(
  mcp: McpServer,
  tool: TaskTool,
  execute: (tool: TaskTool, extra: Extra) => Promise<CallToolResult>,
): void {
  // Its schemas, which the SDK would want to be zod's, are put into the listing.
  mcp.registerTool(tool.name, listedTool(tool), async (extra: Extra) => await execute(tool, extra));
}

/** A tool that is no task tool of ours: plain, unknown, or made by the SDK's `registerToolTask` (S-06, S-09). */
async function callOther(
  { params: { name, task } }: CallToolRequest,
  modeOf: () => Promise<ToolMode>,
  next: () => Promise<Result>,
): Promise<Result> {
  if (task !== undefined) {
    const mode = await modeOf();
    if (mode === "unknown") throw mcpError({ code: INVALID_PARAMS, message: `Tool ${name} not found` });
    validateTaskMode(mode, { isTask: true });
  }
  const result = await next();
  // The SDK says so, but as an answer of the tool.
  if (task === undefined && result["isError"] === true && (await modeOf()) === "required") {
    validateTaskMode("required", { isTask: false });
  }
  return result;
}

async function createTask(
  tool: TaskTool,
  { params }: CallToolRequest,
  ttl: number | undefined,
  extra: Extra,
  host: ToolCallHost,
): Promise<Task> {
  const args = params.arguments ?? {};
  const problem = await problemOf(tool, args);
  if (problem !== undefined) throw mcpError({ code: INVALID_PARAMS, message: problem });
  const prepared = await prepare(tool, args, new RequestQuestions(host.requestClient(), extra), extra);
  const view = await host.viewFor(extra);
  const ttlMs = ttl === undefined ? undefined : wishedTtlMs(ttl);
  const call = { tool: tool.name, arguments: args, prepared, ...host.client() };
  const task = await view.createTask(newTask(tool, call, "2025-11-25", ttlMs));
  await host.created(task, view, extra);
  return task;
}

/** A call that asks for a task has no result in which the model could be shown what went wrong before there was one. */
async function prepare(
  tool: TaskTool,
  args: JsonObject,
  asking: RequestQuestions,
  { signal }: Extra,
): Promise<JsonObject | undefined> {
  try {
    return await asking.during(async (questions) => await tool.prepare?.(args, { signal, ...questions }));
  } catch (error) {
    if (!isAnswerOfTool(error)) throw error;
    throw mcpError({ code: INTERNAL_ERROR, message: error instanceof Error ? error.message : String(error) });
  }
}

async function callDirectly(
  tool: TaskTool,
  { params }: CallToolRequest,
  extra: Extra,
  host: ToolCallHost,
): Promise<CallToolResult> {
  const args = params.arguments ?? {};
  const problem = await problemOf(tool, args);
  // As the SDK does for tools of its own: the model sees it and calls again.
  if (problem !== undefined) throw new Error(problem);
  const asking = new RequestQuestions(host.requestClient(), extra);
  return await asking.during(async (questions) => {
    const { signal } = extra;
    const prepared = await tool.prepare?.(args, { signal, ...questions });
    const direct = new DirectContext({ signal, questions, prepared, tell: progressTo(extra) });
    return toCallToolResult(await direct.during((toolContext) => tool.run(args, toolContext)));
  });
}

/** undefined: the client does not want to know. */
function progressTo(extra: Extra): DirectCall["tell"] {
  const progressToken = extra._meta?.progressToken;
  if (progressToken === undefined) return undefined;
  return async ({ progress, total, message }) => {
    const amount = { progress, ...(total !== undefined && { total }) };
    const params = { progressToken, ...amount, ...(message !== undefined && { message }) };
    await extra.sendNotification({ method: "notifications/progress", params });
  };
}

async function problemOf({ name, inputSchema }: TaskTool, args: JsonObject): Promise<string | undefined> {
  if (inputSchema === undefined) return undefined;
  const validated = await validateBy(inputSchema, args);
  if ("value" in validated) return undefined;
  return `Input validation error: Invalid arguments for tool ${name}: ${validated.problem}`;
}

/** A tool's answer as the SDK knows it. @throws Error which the model gets to see */
function toCallToolResult(result: ToolResult): CallToolResult {
  const parsed = CallToolResultSchema.safeParse(result);
  if (parsed.success) return parsed.data;
  throw new Error(`The tool returned no valid result: ${parsed.error.issues.map(({ message }) => message).join(", ")}`);
}

function textOf(result: Result): string {
  const content: unknown = result["content"];
  const first: unknown = Array.isArray(content) ? content[0] : undefined;
  return isJsonObject(first) && typeof first["text"] === "string" ? first["text"] : "The tool cannot be called";
}
