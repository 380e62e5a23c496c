import type { ScopedTaskStore } from "@mcp-task-store/core";
import { isTerminal } from "@mcp-task-store/core";
import {
  type McpServer,
  ProtocolError,
  ProtocolErrorCode,
  type Result,
  type ServerContext,
} from "@modelcontextprotocol/server";
import { z } from "zod";
import { isJsonObject } from "../stored-call.ts";
import type { TaskHost } from "../task-host.ts";
import { checkedAnswers } from "./answers.ts";
import { detailedTask } from "./detailed-task.ts";
import { taskNotFound, toProtocolError } from "./protocol-errors.ts";
import { clientCapabilities, declaresTasks, missingTasksCapability } from "./tasks-capability.ts";

/** What requests about tasks need of the extension. */
export interface TaskRequestHost {
  /** The store as the caller of this request sees it. */
  viewFor(context: ServerContext): Promise<ScopedTaskStore>;
  /** Stores answers to a task's questions, and has it worked on. */
  answer: TaskHost["answer"];
}

type Handle = (taskId: string, view: ScopedTaskStore, context: ServerContext) => Promise<Result>;

/**
 * Serves tasks/get, tasks/update and tasks/cancel. The order of checks is the specification's: the capability, then the
 * parameters, then the caller and the id.
 * @throws Error if the server handles one of them already
 */
export function serveTaskRequests(mcp: McpServer, host: TaskRequestHost): void {
  const { server } = mcp;
  const handlers: Readonly<Record<string, Handle>> = {
    "tasks/get": getTask,
    "tasks/update": async (taskId, view, context) => await updateTask(taskId, view, context, host),
    "tasks/cancel": cancelTask,
  };
  for (const method of Object.keys(handlers)) server.assertCanSetRequestHandler(method);
  for (const [method, handle] of Object.entries(handlers)) {
    // Parameters are read below, after the capability; the SDK would refuse them first.
    server.setRequestHandler(method, { params: z.unknown() }, async (params, context) => {
      const capabilities = clientCapabilities(mcp, context);
      if (capabilities === undefined) throw new ProtocolError(ProtocolErrorCode.MethodNotFound, "Method not found");
      if (!declaresTasks(capabilities)) throw missingTasksCapability();
      const taskId = isJsonObject(params) ? params["taskId"] : undefined;
      if (typeof taskId !== "string") {
        throw new ProtocolError(
          ProtocolErrorCode.InvalidParams,
          `Invalid params for ${method}: taskId must be a string`,
        );
      }
      try {
        return await handle(taskId, await host.viewFor(context), context);
      } catch (error) {
        throw toProtocolError(error);
      }
    });
  }
}

async function getTask(taskId: string, view: ScopedTaskStore): Promise<Result> {
  const task = await view.getTask(taskId, { outcome: true });
  if (task === undefined) throw taskNotFound();
  return { ...detailedTask(task) };
}

/** Answers for unknown, answered and superseded keys are ignored, as are all answers to a task that is over. */
async function updateTask(
  taskId: string,
  view: ScopedTaskStore,
  { mcpReq }: ServerContext,
  host: TaskRequestHost,
): Promise<Result> {
  const { inputResponses, droppedInputResponseKeys = [] } = mcpReq;
  if (inputResponses === undefined) {
    const text = "Invalid params for tasks/update: inputResponses must be an object";
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, text);
  }
  const task = await view.getTask(taskId);
  if (task === undefined) throw taskNotFound();
  // What the SDK took for no answer at all, it keeps to itself.
  const malformed = droppedInputResponseKeys.map((key) => [key, undefined] as const);
  const answers = await checkedAnswers(task, { ...Object.fromEntries(malformed), ...inputResponses });
  if (!isTerminal(task.status)) await host.answer(view, taskId, answers);
  return {};
}

/** Cooperative: the intent is stored, the worker decides. A task that is over is acknowledged all the same. */
async function cancelTask(taskId: string, view: ScopedTaskStore): Promise<Result> {
  await view.requestCancellation(taskId);
  return {};
}
