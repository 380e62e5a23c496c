import type { TaskStore } from "@mcp-task-store/core";
import type { TaskMessageQueue, TaskStore as SdkTaskStore } from "@modelcontextprotocol/sdk/experimental/tasks";
import { taskNotFound } from "./mcp-errors.ts";
import { createSdkTaskMessageQueue } from "./sdk-message-queue.ts";
import { SdkQuestions } from "./sdk-questions.ts";
import type { ClientLink } from "./client-link.ts";
import type { SessionCallers } from "./session-callers.ts";
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
  readonly #callers = new Map<string, SessionCallers>();

  /** @param principalOfNobody whose tasks are reached without a session: there is no token at hand */
  constructor(store: TaskStore, principalOfNobody: () => Promise<string | null>) {
    this.questions = new SdkQuestions(store);
    const principal = async (sessionId: string | undefined): Promise<string | null> => {
      if (sessionId === undefined) return await principalOfNobody();
      const caller = await this.#callers.get(sessionId)?.only();
      if (caller === undefined) throw taskNotFound();
      return caller;
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

  /** Who calls over a session, until its connection closes. */
  note({ sessionId, callers, closed }: ClientLink): void {
    if (sessionId === undefined || closed.aborted || this.#callers.get(sessionId) === callers) return;
    this.#callers.set(sessionId, callers);
    closed.addEventListener("abort", () => void this.#callers.delete(sessionId));
  }
}
