import { randomUUID } from "node:crypto";
import type { TaskStore } from "@mcp-task-store/core";

/** Capabilities that a call shows: it works exactly where the capability is there. */
export type ProbedCapability = "messages" | "listing";

/** One call of each. */
export const CAPABILITY_PROBES: Readonly<
  Record<ProbedCapability, (store: TaskStore, principal: string) => Promise<unknown>>
> = {
  async messages(store) {
    // An id of the kit's own: what ids a store makes is another rule's business.
    const taskId = randomUUID();
    await store.createTask({ taskId });
    const message = { type: "notification", message: { method: "x" }, timestamp: 0 } as const;
    return store.messages.push(taskId, message, { messageId: "m1" });
  },
  listing: (store, principal) => store.scoped(principal).listTasks(),
};
