import { createTaskStore } from "@mcp-task-store/core";
import type { TaskStore } from "@mcp-task-store/core";
import { createMongoDriver } from "./mongodb-driver.ts";
import type { MongoTaskStoreOptions } from "./options.ts";

/**
 * A task store in a MongoDB database. Synchronous: it connects when it is first used, and `setup()` makes its collection.
 * @throws TaskStoreError INVALID_ARGUMENT naming the option that is out of range
 */
export function createMongoTaskStore(options: MongoTaskStoreOptions): TaskStore {
  const { connectionString, clientOptions, client, database, collection, hints, poolSize, ...storeOptions } = options;
  const driver = createMongoDriver({ connectionString, clientOptions, client, database, collection, hints, poolSize });
  return createTaskStore(driver, storeOptions);
}
