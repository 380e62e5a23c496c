import type { QueuedMessage, TaskMessageQueue, TaskStore } from "@mcp-task-store/core";

/** A store with messages, as the contract has them, in this process. `fault` stands before each call of it. */
export function withMessages(store: TaskStore, fault: (id: string) => void = () => undefined): TaskStore {
  const queues = new Map<string, QueuedMessage[]>();
  const messages: TaskMessageQueue = {
    push: async (taskId, message, { messageId }) => {
      fault(messageId);
      queues.set(taskId, [...(queues.get(taskId) ?? []), message]);
    },
    shift: async (taskId, { receipt }) => {
      fault(receipt);
      return queues.get(taskId)?.shift();
    },
    drain: async (taskId) => queues.get(taskId)?.splice(0) ?? [],
  };
  return { ...store, messages, capabilities: { ...store.capabilities, messages: true } };
}
