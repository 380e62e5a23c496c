import { createTaskStore } from "@mcp-task-store/core";
import type { TaskStore } from "@mcp-task-store/core";
import type { RedisTaskStoreOptions } from "./options.ts";
import { createRedisDriver } from "./redis-driver.ts";

/**
 * A task store in a Redis or Valkey server, or in a cluster of them. Synchronous: it connects when it is first used.
 * @throws TaskStoreError INVALID_ARGUMENT naming the option that is out of range
 */
export function createRedisTaskStore(options: RedisTaskStoreOptions): TaskStore {
  const { connectionString, config, cluster, client, keyPrefix, hints, durable, onWarning, ...storeOptions } = options;
  const own = { connectionString, config, cluster, client, keyPrefix, hints, durable, onWarning };
  return createTaskStore(createRedisDriver(own), storeOptions);
}
