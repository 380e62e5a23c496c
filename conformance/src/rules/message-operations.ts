import type { QueuedMessage, TaskStore } from "@mcp-task-store/core";

/** A message that says which it is. */
export function note(text: string, timestamp = 0): QueuedMessage {
  return { type: "notification", message: { method: "notifications/message", params: { text } }, timestamp };
}

/** Which message it is; undefined: none of {@link note}. */
export function textOf(message: QueuedMessage | undefined): unknown {
  const params = message?.message["params"];
  return typeof params === "object" && params !== null && "text" in params ? params.text : undefined;
}

/** What can be done with the messages of a task. */
const OPERATIONS: Readonly<Record<string, (store: TaskStore, taskId: string) => Promise<unknown>>> = {
  "messages.push": (store, taskId) => store.messages.push(taskId, note("late"), { messageId: "late" }),
  "messages.shift": (store, taskId) => store.messages.shift(taskId, { receipt: "late" }),
  "messages.drain": (store, taskId) => store.messages.drain(taskId),
};

/** The same, where the store has messages at all. */
export function messageOperations(store: TaskStore): typeof OPERATIONS {
  return store.capabilities.messages ? OPERATIONS : {};
}

/** Shifts until nothing is left, each time with a receipt of its own; handles take turns. */
export async function shiftAll(
  handles: readonly TaskStore[],
  taskId: string,
  name: string,
): Promise<readonly QueuedMessage[]> {
  const messages: QueuedMessage[] = [];
  for (;;) {
    const handle = handles[messages.length % handles.length];
    const message = await handle?.messages.shift(taskId, { receipt: `${name} ${messages.length}` });
    if (message === undefined) return messages;
    messages.push(message);
  }
}
