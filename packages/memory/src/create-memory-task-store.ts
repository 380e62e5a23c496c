import { createTaskStore } from "@mcp-task-store/core";
import type { TaskStore, TaskStoreOptions } from "@mcp-task-store/core";
import { createMemoryDriver } from "./memory-driver.ts";
import type { MemoryDriverOptions } from "./memory-driver.ts";

export interface MemoryTaskStoreOptions extends TaskStoreOptions, MemoryDriverOptions {}

/**
 * A task store in this process's memory: for tests, for development and for servers of one process that may forget
 * their tasks when they end. Synchronous; nothing to set up.
 * @throws TaskStoreError INVALID_ARGUMENT naming the option that is out of range
 */
export function createMemoryTaskStore(options: MemoryTaskStoreOptions = {}): TaskStore {
  const { backend, ...storeOptions } = options;
  return createTaskStore(createMemoryDriver({ backend }), storeOptions);
}
