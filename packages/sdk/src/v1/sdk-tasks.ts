import type { ScopedTaskStore, Task, TaskStore } from "@mcp-task-store/core";
import type { RequestTaskStore } from "@modelcontextprotocol/sdk/shared/protocol.js";
import type { JSONRPCMessage, RequestId } from "@modelcontextprotocol/sdk/types.js";
import { isJsonObject } from "../stored-call.ts";
import type { Extra } from "./intercept-handlers.ts";
import { taskNotFound } from "./mcp-errors.ts";
import { inputArrived } from "./sdk-input.ts";
import { createSdkTaskMessageQueue } from "./sdk-message-queue.ts";
import type { SdkSessions } from "./sdk-sessions.ts";
import { createSdkTaskStore } from "./sdk-task-store.ts";

/** The tasks of one server's tools that are registered with the SDK's own `registerToolTask`. */
export class SdkTasks {
  readonly #store: TaskStore;
  readonly #sessions: SdkSessions | undefined;
  /** Requests that the SDK queued for its tasks and that were sent, by their ids. */
  readonly #asked = new Map<RequestId, string>();

  /** @param sessions undefined: the server was made without `serverOptions`, and has no such tools */
  constructor(store: TaskStore, sessions: SdkSessions | undefined) {
    this.#store = store;
    this.#sessions = sessions;
  }

  /** Remembers whose session it is: the SDK asks by the session. */
  note(sessionId: string | undefined, { principal }: ScopedTaskStore, closed: AbortSignal): void {
    this.#sessions?.note(sessionId, principal, closed);
  }

  /**
   * A call's `extra` with a store that is its caller's.
   * @param created hears of the tasks that are made by it
   */
  bind(extra: Extra, request: unknown, view: ScopedTaskStore, created: (task: Task) => void): Extra {
    const sdk = createSdkTaskStore(this.#store, { principal: view.principal });
    const { method, params } = isJsonObject(request) ? request : {};
    const stored = { method: String(method), ...(isJsonObject(params) && { params }) };
    // Status notifications are the follower's: the SDK's own store fails where nobody hears them, though all is stored.
    const taskStore: RequestTaskStore = {
      createTask: async (options) => {
        const made = await sdk.createTask(options, extra.requestId, stored);
        const task = await view.getTask(made.taskId);
        if (task !== undefined) created(task);
        return made;
      },
      getTask: async (taskId) => {
        const task = await sdk.getTask(taskId);
        if (task === null) throw taskNotFound();
        return task;
      },
      storeTaskResult: async (taskId, status, result) => await sdk.storeTaskResult(taskId, status, result),
      getTaskResult: async (taskId) => await sdk.getTaskResult(taskId),
      updateTaskStatus: async (taskId, status, message) => await sdk.updateTaskStatus(taskId, status, message),
      listTasks: async (cursor) => await sdk.listTasks(cursor),
    };
    return { ...extra, taskStore };
  }

  /** Sends what was queued for the client, in its order. */
  async deliver(
    taskId: string,
    view: ScopedTaskStore,
    send: (message: JSONRPCMessage) => Promise<void>,
  ): Promise<void> {
    if (this.#sessions?.taskMessageQueue === undefined) return;
    const queue = createSdkTaskMessageQueue(this.#store, { principal: view.principal });
    for (;;) {
      const queued = await queue.dequeue(taskId);
      if (queued === undefined) return;
      if (queued.type === "request") this.#asked.set(queued.message.id, taskId);
      await send(queued.message);
    }
  }

  /** Has a task work again whose question was answered; the SDK leaves it waiting (S-28). */
  async answered(requestId: RequestId, viewOf: () => Promise<ScopedTaskStore>): Promise<void> {
    const taskId = this.#asked.get(requestId);
    if (taskId === undefined) return;
    this.#asked.delete(requestId);
    const view = await viewOf();
    const task = await view.getTask(taskId);
    if (task !== undefined) await inputArrived(view, task);
  }
}
