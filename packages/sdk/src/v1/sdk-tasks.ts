import type { ScopedTaskStore, Task, TaskStore } from "@mcp-task-store/core";
import type { RequestTaskStore } from "@modelcontextprotocol/sdk/shared/protocol.js";
import type { Server } from "@modelcontextprotocol/sdk/server/index.js";
import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import type { JSONRPCMessage, JSONRPCResponse } from "@modelcontextprotocol/sdk/types.js";
import { isJsonObject } from "../stored-call.ts";
import type { ClientLink } from "./client-link.ts";
import type { Extra } from "./intercept-handlers.ts";
import { taskNotFound } from "./mcp-errors.ts";
import { inputArrived } from "./sdk-input.ts";
import { isSdkQuestionId, withUniqueId } from "./sdk-questions.ts";
import { createSdkTaskMessageQueue } from "./sdk-message-queue.ts";
import type { SdkSessions } from "./sdk-sessions.ts";
import { createSdkTaskStore } from "./sdk-task-store.ts";

/** A client that waits for a task's result. */
export interface ListeningClient {
  /** Whether what is sent could reach it, as far as is known. */
  isThere(): boolean;
  send(message: JSONRPCMessage): Promise<void>;
}

/** The tasks of one server's tools that are registered with the SDK's own `registerToolTask`. */
export class SdkTasks {
  readonly #store: TaskStore;
  readonly #sessions: SdkSessions | undefined;
  readonly #server: Server;

  /** @param sessions undefined: the server was made without `serverOptions`, and has no such tools */
  constructor(store: TaskStore, { server }: McpServer, sessions: SdkSessions | undefined) {
    this.#store = store;
    this.#server = server;
    this.#sessions = sessions;
    sessions?.questions.watch(server);
  }

  /** A request comes over a connection: the SDK asks by the session whose tasks its handler reaches. */
  received(link: ClientLink, principal: () => Promise<string | null>): void {
    if (this.#sessions === undefined) return;
    this.#sessions.note(link);
    void link.callers.noteWhenTold(principal());
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

  /**
   * Sends what was queued for the client, in its order, while it listens. What was taken for one that just went away
   * goes back, behind what came meanwhile: whoever is next gets it.
   */
  async deliver(taskId: string, view: ScopedTaskStore, client: ListeningClient): Promise<void> {
    if (this.#sessions?.taskMessageQueue === undefined) return;
    const queue = createSdkTaskMessageQueue(this.#store, { principal: view.principal });
    while (client.isThere()) {
      const queued = await queue.dequeue(taskId);
      if (queued === undefined) return;
      if (!client.isThere()) return await queue.enqueue(taskId, queued);
      await client.send(queued.type === "request" ? withUniqueId(queued.message) : queued.message);
    }
  }

  /** What goes out in place of a message of the SDK's. */
  asSent(message: JSONRPCMessage): JSONRPCMessage {
    return this.#sessions?.questions.asSent(message, this.#server) ?? message;
  }

  /**
   * Passes on what a client answered to a question of {@link deliver}, and has its task work again; the SDK leaves it
   * waiting (S-28). What answers somebody else's task, or a question that nobody waits for here, is dropped.
   * @returns undefined for the answer to anything else
   */
  answered(response: JSONRPCMessage, viewOf: () => Promise<ScopedTaskStore>): Promise<void> | undefined {
    if ("method" in response || !isSdkQuestionId(response.id)) return undefined;
    return this.#passOn(response, response.id, viewOf);
  }

  async #passOn(response: JSONRPCResponse, id: string, viewOf: () => Promise<ScopedTaskStore>): Promise<void> {
    const questions = this.#sessions?.questions;
    const taskId = questions?.taskOf(id);
    if (questions === undefined || taskId === undefined) return;
    const view = await viewOf();
    const task = await view.getTask(taskId);
    if (task === undefined || questions.taskOf(id) === undefined) return;
    try {
      await inputArrived(view, task);
    } finally {
      questions.answer(response);
    }
  }
}
