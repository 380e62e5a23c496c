/** Where the tasks of these servers live. */
import type { TaskStore, TaskStoreOptions } from "@mcp-task-store/core";
import { createMemoryTaskStore } from "@mcp-task-store/memory";
import { createPostgresTaskStore, type PostgresTaskStoreOptions } from "@mcp-task-store/postgres";

/** Short, so that one sees something happen soon. Most servers are best off with the defaults. */
const TIMES: TaskStoreOptions = { leaseMs: 5_000, claimWithinMs: 2_000, maintenance: { everyMs: 250 } };

/** Postgres if DATABASE_URL names one; else this process's memory, which is gone with it. */
export function openStore(options: TaskStoreOptions): TaskStore {
  const connectionString = process.env["DATABASE_URL"];
  if (connectionString === undefined) return createMemoryTaskStore({ ...TIMES, ...options });
  return openPostgresStore(connectionString, options);
}

export function openPostgresStore(
  connectionString: string | undefined,
  options: Omit<PostgresTaskStoreOptions, "connectionString" | "config" | "pool">,
): TaskStore {
  if (connectionString === undefined) throw new Error("DATABASE_URL is not set; give postgres://…");
  return createPostgresTaskStore({ connectionString, ...TIMES, ...options });
}
