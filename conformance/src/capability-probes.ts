import { randomUUID } from "node:crypto";
import { isTaskStoreError, type TaskStore } from "@mcp-task-store/core";

/** Capabilities that a call shows: it works exactly where the capability is there. */
export type ProbedCapability = "messages" | "listing";

/** An id of the kit's own, where the store takes such: what ids it makes is another rule's business. */
async function taskOf(store: TaskStore): Promise<string> {
  const taskId = randomUUID();
  try {
    await store.createTask({ taskId });
    return taskId;
  } catch (error) {
    if (!isTaskStoreError(error, "NOT_SUPPORTED")) throw error;
    return (await store.createTask()).taskId;
  }
}

/** One call of each. */
export const CAPABILITY_PROBES: Readonly<
  Record<ProbedCapability, (store: TaskStore, principal: string) => Promise<unknown>>
> = {
  async messages(store) {
    const taskId = await taskOf(store);
    const message = { type: "notification", message: { method: "x" }, timestamp: 0 } as const;
    return store.messages.push(taskId, message, { messageId: "m1" });
  },
  listing: (store, principal) => store.scoped(principal).listTasks(),
};
