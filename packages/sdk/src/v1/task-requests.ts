import {
  isTaskStoreError,
  isTerminal,
  RELATED_TASK_METADATA_KEY,
  type ScopedTaskStore,
  type Task,
} from "@mcp-task-store/core";
import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import type { RequestId, Result } from "@modelcontextprotocol/sdk/types.js";
import { z } from "zod";
import { isJsonObject, objectAt } from "../stored-call.ts";
import { INVALID_PARAMS, METHOD_NOT_FOUND } from "../tool-error.ts";
import type { ClientConnection } from "./client-connection.ts";
import type { Extra } from "./intercept-handlers.ts";
import { mcpError, taskNotFound, toMcpError } from "./mcp-errors.ts";
import { resultOf } from "./stored-result.ts";
import { wireTask } from "./wire-task.ts";

/** What requests about tasks need of the server. */
export interface TaskRequestHost {
  /** The store as the caller of this request sees it. */
  viewFor(extra: Extra): Promise<ScopedTaskStore>;
  /** The connection that requests come over. */
  connection(): ClientConnection;
  /** Sends what the SDK's own tools queued for the client of a task, until the signal fires. */
  deliver(taskId: string, view: ScopedTaskStore, stream: RequestId, signal: AbortSignal): Promise<void>;
  /** Counts a wait, as long as it takes. @throws McpError -32603 if there are too many */
  whileWaiting<T>(view: ScopedTaskStore, wait: () => Promise<T>): Promise<T>;
}

/** A request about tasks, on its way to be answered. */
interface TaskCall {
  readonly params: Readonly<Record<string, unknown>>;
  readonly view: ScopedTaskStore;
  readonly extra: Extra;
}

type Handle = (call: TaskCall) => Promise<Result>;

/** Serves tasks/get, tasks/result, tasks/list and tasks/cancel, in place of the SDK's own handlers. */
export function serveTaskRequests({ server }: McpServer, host: TaskRequestHost): void {
  const serve = (method: string, handle: Handle): void => {
    // Parameters are read below: what the SDK's schemas refuse it answers with an internal error.
    const schema = z.object({ method: z.literal(method), params: z.unknown().optional() });
    server.setRequestHandler(schema, async ({ params }, extra) => {
      try {
        const view = await host.viewFor(extra);
        return await handle({ params: isJsonObject(params) ? params : {}, view, extra });
      } catch (error) {
        throw toMcpError(error);
      }
    });
  };
  serve("tasks/get", async (call) => await getTask(call, host));
  serve("tasks/result", async (call) => await taskResult(call, host));
  serve("tasks/cancel", async (call) => await cancelTask(call, host));
  serve("tasks/list", async (call) => await listTasks(call, host));
}

async function getTask({ params, view }: TaskCall, host: TaskRequestHost): Promise<Result> {
  const task = await known(view, taskIdOf(params));
  if (isTerminal(task.status)) await host.connection().ended(task);
  return { ...wireTask(task) };
}

/**
 * Blocks until the task ended, wherever it is worked on, and asks the client meanwhile what its tool asks (S-39). The
 * wait costs no poll: the store wakes it.
 */
async function taskResult({ params, view, extra }: TaskCall, host: TaskRequestHost): Promise<Result> {
  const taskId = taskIdOf(params);
  const task = await known(view, taskId);
  const ended = isTerminal(task.status)
    ? task
    : await host.whileWaiting(view, async () => await untilEnded(task, view, extra, host));
  await host.deliver(taskId, view, extra.requestId, extra.signal);
  await host.connection().ended(ended);
  const outcome = await view.getOutcome(taskId);
  if (outcome === undefined) throw taskNotFound();
  const result = resultOf(outcome);
  // As in the answer of a call: content is always there, also where a tool gave none.
  return {
    content: [],
    ...result,
    _meta: { ...objectAt(result, "_meta"), [RELATED_TASK_METADATA_KEY]: { taskId } },
  };
}

async function untilEnded(found: Task, view: ScopedTaskStore, extra: Extra, host: TaskRequestHost): Promise<Task> {
  const { taskId } = found;
  const { requestId } = extra;
  const connection = host.connection();
  const wait = connection.waiting(taskId, requestId, async (questions, waited) => {
    const signal = AbortSignal.any([extra.signal, waited]);
    const deliver = async (): Promise<void> => await host.deliver(taskId, view, requestId, signal);
    questions.alsoTell(deliver);
    let task = found;
    while (!isTerminal(task.status)) {
      await questions.show(task);
      await deliver();
      // What is queued for the client meanwhile ends the wait too.
      task = (await view.waitForUpdate(taskId, { since: task.revision, signal })) ?? task;
    }
    return task;
  });
  try {
    return await wait;
  } finally {
    // After all that was said on it: what was asked was taken back.
    if (extra.signal.aborted) connection.link.drop(requestId);
  }
}

/** The move comes before the answer (S-57); of one that ended before, the client is told so (S-55). */
async function cancelTask({ params, view }: TaskCall, host: TaskRequestHost): Promise<Result> {
  try {
    const task = await view.cancelTask(taskIdOf(params), { statusMessage: "Cancelled by the client" });
    await host.connection().ended(task);
    return { ...wireTask(task) };
  } catch (error) {
    if (isTaskStoreError(error, "TASK_TERMINAL")) await host.connection().ended(error.task);
    throw error;
  }
}

/** Only for callers that are somebody: others cannot be told apart (S-72, S-74). */
async function listTasks({ params, view }: TaskCall, host: TaskRequestHost): Promise<Result> {
  if (view.principal === null) throw mcpError({ code: METHOD_NOT_FOUND, message: "Method not found" });
  const { cursor } = params;
  if (cursor !== undefined && typeof cursor !== "string") {
    throw mcpError({ code: INVALID_PARAMS, message: "Invalid params for tasks/list: cursor must be a string" });
  }
  const { tasks, nextCursor } = await view.listTasks({ cursor });
  for (const task of tasks) if (isTerminal(task.status)) await host.connection().ended(task);
  return { tasks: tasks.map(wireTask), ...(nextCursor !== undefined && { nextCursor }) };
}

/** The parameter counts, whatever `_meta` says (S-43). */
function taskIdOf({ taskId }: TaskCall["params"]): string {
  if (typeof taskId === "string") return taskId;
  throw mcpError({ code: INVALID_PARAMS, message: "Invalid params: taskId must be a string" });
}

async function known(view: ScopedTaskStore, taskId: string): Promise<Task> {
  const task = await view.getTask(taskId);
  if (task === undefined) throw taskNotFound();
  return task;
}
