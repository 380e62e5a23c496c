import type { TaskStore, TaskStoreOptions } from "@mcp-task-store/core";
import { createMemoryBackend, createMemoryTaskStore } from "@mcp-task-store/memory";
import { createPostgresTaskStore } from "@mcp-task-store/postgres";
import { freshTestDatabase } from "@mcp-task-store/services";

/** Stores on one backend, each as a process of its own would have it. All end with this. */
export interface SharedBackend extends AsyncDisposable {
  /** What another process connects to; empty for memory. */
  readonly url: string;
  open(options?: TaskStoreOptions): TaskStore;
}

export async function sharedBackend(kind: "memory" | "postgres"): Promise<SharedBackend> {
  const opened: TaskStore[] = [];
  const closeAll = async (): Promise<void> => {
    await Promise.all(opened.map(async (store) => await store.close({ graceMs: 100 })));
  };
  const kept = (store: TaskStore): TaskStore => {
    opened.push(store);
    return store;
  };
  if (kind === "memory") {
    const backend = createMemoryBackend();
    return {
      url: "",
      open: (options) => kept(createMemoryTaskStore({ backend, ...options })),
      [Symbol.asyncDispose]: closeAll,
    };
  }
  const database = await freshTestDatabase();
  const setUp = createPostgresTaskStore({ connectionString: database.url });
  await setUp.setup();
  await setUp.close();
  return {
    url: database.url,
    open: (options) => kept(createPostgresTaskStore({ connectionString: database.url, ...options })),
    async [Symbol.asyncDispose]() {
      await closeAll();
      await database.drop();
    },
  };
}
