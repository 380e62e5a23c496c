/** The store of each of these processes: whichever server STORE_URL names. */
import type { TaskStore, TaskStoreOptions } from "@mcp-task-store/core";
import { createMongoTaskStore } from "@mcp-task-store/mongodb";
import { createPostgresTaskStore } from "@mcp-task-store/postgres";
import { createRedisTaskStore } from "@mcp-task-store/redis";

/** Short, so that one sees something happen soon. Most programs are best off with the defaults. */
const TIMES: TaskStoreOptions = { leaseMs: 5_000, claimWithinMs: 5_000, maintenance: { everyMs: 250 } };

export async function openStore(options: TaskStoreOptions = {}): Promise<TaskStore> {
  const store = storeOn(process.env["STORE_URL"], { ...TIMES, onError: console.error, ...options });
  await store.setup();
  return store;
}

function storeOn(url: string | undefined, options: TaskStoreOptions): TaskStore {
  if (url === undefined) throw new Error("STORE_URL is not set; give postgres://…, redis://… or mongodb://…");
  const { protocol, hash } = new URL(url);
  switch (protocol) {
    case "postgres:":
    case "postgresql:":
      return createPostgresTaskStore({ ...options, connectionString: url });
    case "redis:":
    case "rediss:":
      // The prefix of the keys, where several programs share a server.
      return createRedisTaskStore({
        ...options,
        connectionString: url.slice(0, -hash.length || undefined),
        keyPrefix: hash.slice(1) || undefined,
      });
    case "mongodb:":
    case "mongodb+srv:":
      return createMongoTaskStore({ ...options, connectionString: url });
    default:
      throw new Error(`STORE_URL starts with ${protocol}; there is no store for that`);
  }
}
