import { createTaskStore } from "@mcp-task-store/core";
import type { TaskStore } from "@mcp-task-store/core";
import type { PostgresTaskStoreOptions } from "./options.ts";
import { createPostgresDriver } from "./postgres-driver.ts";

/**
 * A task store in a Postgres database. Synchronous: it connects when it is first used, and `setup()` makes its tables.
 * @throws TaskStoreError INVALID_ARGUMENT naming the option that is out of range
 */
export function createPostgresTaskStore(options: PostgresTaskStoreOptions): TaskStore {
  const { connectionString, config, pool, schema, hints, prepare, poolSize, ...storeOptions } = options;
  const driver = createPostgresDriver({ connectionString, config, pool, schema, hints, prepare, poolSize });
  return createTaskStore(driver, storeOptions);
}
