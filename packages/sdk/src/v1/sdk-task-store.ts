import { isTerminal, type ScopedTaskStore, type Task, type TaskRequest, type TaskStore } from "@mcp-task-store/core";
import type { CreateTaskOptions, TaskStore as SdkTaskStore } from "@modelcontextprotocol/sdk/experimental/tasks";
import type { Request, RequestId, Result, Task as SdkTask } from "@modelcontextprotocol/sdk/types.js";
import { wishedTtlMs } from "../longest-ttl.ts";
import { isJsonObject } from "../stored-call.ts";
import { INTERNAL_ERROR, INVALID_PARAMS } from "../tool-error.ts";
import { mcpError, taskNotFound, toMcpError } from "./mcp-errors.ts";
import { principalOf, type SdkStoreOptions } from "./sdk-principal.ts";
import { askForInput, inputArrived } from "./sdk-input.ts";
import { resultOf } from "./stored-result.ts";
import { wireTask } from "./wire-task.ts";

/**
 * Any store as the `taskStore` of a server of the official SDK 1.x, in place of its `InMemoryTaskStore`. Answers are
 * copies with the fields of the specification only; errors are `McpError`s: -32602 for what the client got wrong and
 * for a change that came too late, -32603 otherwise. Tasks are of generation 2025-11-25.
 * @see rules v1/*
 */
export function createSdkTaskStore(store: TaskStore, options: SdkStoreOptions = {}): SdkTaskStore {
  return new StoreForSdk(store, options);
}

class StoreForSdk implements SdkTaskStore {
  readonly #store: TaskStore;
  readonly #options: SdkStoreOptions;

  constructor(store: TaskStore, options: SdkStoreOptions) {
    this.#store = store;
    this.#options = options;
  }

  async createTask(params: CreateTaskOptions, _id: RequestId, request: Request, sessionId?: string): Promise<SdkTask> {
    return await this.#as(sessionId, async (view) => {
      const task = await view.createTask({
        generation: "2025-11-25",
        request: storedRequest(request),
        ...(params.ttl !== undefined && { ttlMs: params.ttl === null ? null : wishedTtlMs(params.ttl) }),
        ...(params.pollInterval !== undefined && { pollIntervalMs: params.pollInterval }),
      });
      return wireTask(task);
    });
  }

  async getTask(taskId: string, sessionId?: string): Promise<SdkTask | null> {
    return await this.#as(sessionId, async (view) => {
      const task = await view.getTask(taskId);
      return task === undefined ? null : wireTask(task);
    });
  }

  async storeTaskResult(
    taskId: string,
    status: "completed" | "failed",
    result: Result,
    sessionId?: string,
  ): Promise<void> {
    await this.#as(sessionId, async (view) => {
      await visible(view, taskId);
      const ended = { result: { ...result } };
      await this.#store.finishTask(taskId, status === "failed" ? { status, ...ended } : { status, ...ended });
    });
  }

  async getTaskResult(taskId: string, sessionId?: string): Promise<Result> {
    return await this.#as(sessionId, async (view) => {
      const outcome = await view.getOutcome(taskId);
      if (outcome !== undefined) return resultOf(outcome);
      throw mcpError({ code: INVALID_PARAMS, message: "The task has not ended yet and has no result" });
    });
  }

  async updateTaskStatus(
    taskId: string,
    status: SdkTask["status"],
    statusMessage?: string,
    sessionId?: string,
  ): Promise<void> {
    await this.#as(sessionId, async (view) => {
      const task = await visible(view, taskId);
      switch (status) {
        case "cancelled":
          await view.cancelTask(taskId, { statusMessage });
          return;
        case "failed": {
          const error = { code: INTERNAL_ERROR, message: statusMessage ?? "The task failed" };
          await this.#store.finishTask(taskId, { status, error });
          return;
        }
        case "completed":
          throw mcpError({
            code: INVALID_PARAMS,
            message: "A task is completed by its result: call storeTaskResult, which stores both at once",
          });
        case "input_required":
          if (task.status === "working") await askForInput(this.#store, task);
          break;
        case "working":
          if (task.status === "input_required") await inputArrived(view, task);
          break;
        default:
          throw mcpError({ code: INVALID_PARAMS, message: "No task has such a status" });
      }
      if (isTerminal(task.status)) {
        throw mcpError({ code: INVALID_PARAMS, message: `The task is already ${task.status}` });
      }
      if (statusMessage !== undefined) await this.#store.updateTask(taskId, { statusMessage });
    });
  }

  async listTasks(cursor?: string, sessionId?: string): Promise<{ tasks: SdkTask[]; nextCursor?: string }> {
    return await this.#as(sessionId, async (view) => {
      const { tasks, nextCursor } = await view.listTasks({ cursor });
      return { tasks: tasks.map(wireTask), ...(nextCursor !== undefined && { nextCursor }) };
    });
  }

  /** @throws McpError whatever goes wrong */
  async #as<T>(sessionId: string | undefined, work: (view: ScopedTaskStore) => Promise<T>): Promise<T> {
    try {
      return await work(this.#store.scoped(await principalOf(this.#options, sessionId)));
    } catch (error) {
      throw toMcpError(error);
    }
  }
}

async function visible(view: ScopedTaskStore, taskId: string): Promise<Task> {
  const task = await view.getTask(taskId);
  if (task === undefined) throw taskNotFound();
  return task;
}

function storedRequest({ method, params }: Request): TaskRequest {
  const { task: _task, _meta, ...rest } = params ?? {};
  const name = isJsonObject(params) && typeof params["name"] === "string" ? params["name"] : undefined;
  return { method, params: rest, ...(name !== undefined && { name }) };
}
