import type { TaskStore } from "@mcp-task-store/core";
import type { TaskMessageQueue, TaskStore as SdkTaskStore } from "@modelcontextprotocol/sdk/experimental/tasks";
import { taskNotFound } from "./mcp-errors.ts";
import { createSdkTaskMessageQueue } from "./sdk-message-queue.ts";
import { SdkQuestions } from "./sdk-questions.ts";
import { createSdkTaskStore } from "./sdk-task-store.ts";

/**
 * The store and the queue of servers whose tools are registered with the SDK's own `registerToolTask`. The SDK tells
 * both no more than the session; whose session it is, the requests over it say.
 */
export class SdkSessions {
  readonly taskStore: SdkTaskStore;
  /** Where the store keeps no messages there is none. */
  readonly taskMessageQueue: TaskMessageQueue | undefined;
  readonly questions: SdkQuestions;
  readonly #principals = new Map<string, string | null>();

  /** @param principalOfNobody whose tasks are reached without a session: there is no token at hand */
  constructor(store: TaskStore, principalOfNobody: () => Promise<string | null>) {
    this.questions = new SdkQuestions(store);
    const principal = async (sessionId: string | undefined): Promise<string | null> => {
      if (sessionId === undefined) return await principalOfNobody();
      const known = this.#principals.get(sessionId);
      if (known === undefined) throw taskNotFound();
      return known;
    };
    this.taskStore = createSdkTaskStore(store, { principal });
    if (!store.capabilities.messages) return;
    const queue = createSdkTaskMessageQueue(store, { principal });
    this.taskMessageQueue = {
      enqueue: async (taskId, queued, sessionId, maxSize) => {
        const isQuestion = queued.type === "request";
        const stored = isQuestion ? { ...queued, message: this.questions.queued(queued.message) } : queued;
        await queue.enqueue(taskId, stored, sessionId, maxSize);
      },
      dequeue: async (taskId, sessionId) => await queue.dequeue(taskId, sessionId),
      dequeueAll: async (taskId, sessionId) => await queue.dequeueAll(taskId, sessionId),
    };
  }

  /** Whose session it is, until its connection closes. */
  note(sessionId: string | undefined, principal: string | null, closed: AbortSignal): void {
    if (sessionId === undefined || closed.aborted) return;
    if (!this.#principals.has(sessionId)) {
      closed.addEventListener("abort", () => void this.#principals.delete(sessionId));
    }
    this.#principals.set(sessionId, principal);
  }
}
