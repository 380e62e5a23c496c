import type { ScopedTaskStore, TaskStore } from "@mcp-task-store/core";

/** A store, and how many waits are open on it. */
export interface CountedStore {
  readonly store: TaskStore;
  readonly waits: () => number;
}

/** Counts the waits of requests: what servers do through scoped views. */
export function counted(store: TaskStore): CountedStore {
  let waits = 0;
  const scoped = (principal: string | null): ScopedTaskStore => {
    const view = store.scoped(principal);
    return {
      ...view,
      principal: view.principal,
      waitForUpdate: async (taskId, options) => {
        waits += 1;
        try {
          return await view.waitForUpdate(taskId, options);
        } finally {
          waits -= 1;
        }
      },
    };
  };
  return { store: { ...store, scoped }, waits: () => waits };
}
