import type { ScopedTaskStore, Task } from "@mcp-task-store/core";
import {
  type CallToolRequest,
  type CallToolResult,
  type InputRequiredResult,
  inputRequired,
  type McpServer,
  ProtocolError,
  ProtocolErrorCode,
  type Result,
  type ServerContext,
} from "@modelcontextprotocol/server";
import { DirectContext } from "../direct-context.ts";
import { isAnswerOfTool } from "../error-result.ts";
import { InputRounds } from "../input-rounds.ts";
import { listedTool } from "../listed-tool.ts";
import { newTask } from "../new-task.ts";
import { askableClient, type StoredCall, UNKNOWN_CLIENT } from "../stored-call.ts";
import type { TaskTool } from "../task-tool.ts";
import { interceptToolCalls } from "./intercept-tool-calls.ts";
import { taskFields } from "./detailed-task.ts";
import { toProtocolError } from "./protocol-errors.ts";
import { toCallToolResult, toInputRequests } from "./spec-values.ts";
import { type RequestStateSeal, requestStateOf, toRequestState } from "./request-state.ts";
import { clientCapabilities, declaresTasks, missingTasksCapability } from "./tasks-capability.ts";

/** What calls of task tools need of the extension. */
export interface ToolCallHost {
  readonly tools: ReadonlyMap<string, TaskTool>;
  readonly requestState: RequestStateSeal | undefined;
  /** The store as the caller of this request sees it. */
  viewFor(context: ServerContext): Promise<ScopedTaskStore>;
  /** Hands a task that was just stored to whoever works on it. */
  created(task: Task): Promise<void>;
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

/** Handed to the SDK where the answer is not its business: it validates no output of an error. */
const HANDLED: CallToolResult = { content: [], isError: true };

/**
 * Registers task tools on a server. Calls go through the SDK's own handler, which validates arguments and knows what is
 * enabled; here is only what it cannot do: tasks, and errors that stay errors.
 */
export function serveToolCalls(mcp: McpServer, host: ToolCallHost): void {
  const calls = new WeakMap<ServerContext, CallInFlight>();

  const execute = async (tool: TaskTool, context: ServerContext): Promise<CallToolResult | InputRequiredResult> => {
    const call = calls.get(context);
    if (call === undefined) throw new Error(`Tool ${tool.name} was called past the tasks extension.`);
    try {
      const answer = await answerCall(mcp, tool, call.request, context, host);
      if (!("task" in answer)) return answer.result;
      call.answer = { resultType: "task", ...taskFields(answer.task) };
    } catch (error) {
      // What a tool throws, other than a JSON-RPC error, is the SDK's to show.
      if (isAnswerOfTool(error)) throw error;
      call.error = toProtocolError(error);
      host.failed(call.error);
    }
    return HANDLED;
  };

  interceptToolCalls(mcp, async (request, context, next) => {
    const tool = host.tools.get(request.params.name);
    if (tool === undefined) return await next();
    if (tool.taskSupport === "required") throwUnlessTask(mcp, tool, context);
    const call: CallInFlight = { request };
    calls.set(context, call);
    const result = await next();
    if (call.error !== undefined) throw call.error;
    return call.answer ?? result;
  });
  for (const tool of host.tools.values()) register(mcp, tool, execute);
}

function register(
  mcp: McpServer,
  tool: TaskTool,
  execute: (tool: TaskTool, context: ServerContext) => Promise<CallToolResult | InputRequiredResult>,
): void {
  const { name, inputSchema, outputSchema } = tool;
  const config = {
    ...listedTool(tool),
    ...(outputSchema !== undefined && { outputSchema }),
  };
  if (inputSchema === undefined) mcp.registerTool(name, config, async (context) => await execute(tool, context));
  else mcp.registerTool(name, { ...config, inputSchema }, async (_args, context) => await execute(tool, context));
}

/** @throws ProtocolError -32021 without the capability; -32601 where there is no such capability */
function throwUnlessTask(mcp: McpServer, tool: TaskTool, context: ServerContext): void {
  const capabilities = clientCapabilities(mcp, context);
  if (capabilities === undefined) {
    const text = `Tool ${tool.name} runs as a task only, which this protocol version does not offer here`;
    throw new ProtocolError(ProtocolErrorCode.MethodNotFound, text);
  }
  if (!declaresTasks(capabilities)) throw missingTasksCapability();
}

type Answer = { readonly task: Task } | { readonly result: CallToolResult | InputRequiredResult };

/** The client's questions first, then a task, or the result within the request. */
async function answerCall(
  mcp: McpServer,
  tool: TaskTool,
  request: CallToolRequest,
  context: ServerContext,
  host: ToolCallHost,
): Promise<Answer> {
  const { mcpReq } = context;
  const capabilities = clientCapabilities(mcp, context);
  const client = capabilities === undefined ? UNKNOWN_CLIENT : askableClient(capabilities);
  const args = request.params.arguments ?? {};
  const rounds = new InputRounds(client, requestStateOf(context), mcpReq.inputResponses ?? {});

  const asked = async (): Promise<Answer | undefined> => {
    if (rounds.next === undefined) return undefined;
    const { inputRequests, state } = rounds.next;
    const requestState = await toRequestState(state, context, host.requestState);
    return { result: inputRequired({ inputRequests: await toInputRequests(inputRequests), requestState }) };
  };
  const within = async <T>(work: () => Promise<T>): Promise<{ readonly value: T } | Answer> => {
    try {
      const value = await work();
      return (await asked()) ?? { value };
    } catch (error) {
      const next = await asked();
      if (next === undefined) throw error;
      return next;
    }
  };

  const prepared = await within(async () => await tool.prepare?.(args, { signal: mcpReq.signal, ...rounds.questions }));
  if (!("value" in prepared)) return prepared;
  if (capabilities !== undefined && declaresTasks(capabilities)) {
    const call = { tool: tool.name, arguments: args, prepared: prepared.value, ...client };
    return { task: await createTask(tool, call, context, host) };
  }
  const progressToken = mcpReq._meta?.progressToken;
  const direct = new DirectContext({
    signal: mcpReq.signal,
    questions: rounds.questions,
    prepared: prepared.value,
    tell:
      progressToken === undefined
        ? undefined
        : async (progress) =>
            await mcpReq.notify({ method: "notifications/progress", params: { ...progress, progressToken } }),
  });
  const ran = await within(async () => await direct.during((toolContext) => tool.run(args, toolContext)));
  return "value" in ran ? { result: await toCallToolResult(ran.value) } : ran;
}

/** @throws Error which is a JSON-RPC error: nothing that a store says is for the model */
async function createTask(tool: TaskTool, call: StoredCall, context: ServerContext, host: ToolCallHost): Promise<Task> {
  try {
    const view = await host.viewFor(context);
    const task = await view.createTask(newTask(tool, call, "2026-07-28"));
    await host.created(task);
    return task;
  } catch (error) {
    throw toProtocolError(error);
  }
}
