import { createTaskStore, type TaskStore, type TaskStoreOptions } from "@mcp-task-store/core";
import { createLmdbDriver } from "./lmdb-driver.ts";

export interface LmdbTaskStoreOptions extends TaskStoreOptions {
  /** A directory of the store's own on a local disk. Any number of processes of one machine may share it. */
  readonly path: string;
}

/** A durable store for the processes of one machine. */
export function createLmdbTaskStore({ path, ...options }: LmdbTaskStoreOptions): TaskStore {
  return createTaskStore(createLmdbDriver(path), options);
}
