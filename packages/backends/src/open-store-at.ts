import type { TaskStore, TaskStoreOptions } from "@mcp-task-store/core";
import { createMongoTaskStore } from "@mcp-task-store/mongodb";
import { createPostgresTaskStore } from "@mcp-task-store/postgres";
import { createRedisTaskStore } from "@mcp-task-store/redis";

/** Handles on namespaces come in great numbers. */
const NAMESPACE_POOL_SIZE = 4;

/**
 * A store at an address, also in a process that only knows the address: its scheme names the adapter. A Redis server has
 * no databases by name: there the fragment is a prefix of keys.
 * @param namespaceId a place of its own at that address; lower-case letters, digits and underscores
 * @throws Error no store is for such an address
 */
export function openStoreAt(url: string | undefined, options: TaskStoreOptions, namespaceId?: string): TaskStore {
  if (url === undefined) throw new Error("there is no address of a store");
  const { protocol, hash } = new URL(url);
  switch (protocol) {
    case "postgres:":
    case "postgresql:": {
      const place = namespaceId === undefined ? {} : { schema: namespaceId, poolSize: NAMESPACE_POOL_SIZE };
      return createPostgresTaskStore({ ...options, ...place, connectionString: url });
    }
    case "redis:":
    case "rediss:": {
      const prefix = hash.slice(1) || undefined;
      const keyPrefix = namespaceId === undefined ? prefix : `${prefix ?? ""}${namespaceId}:`;
      return createRedisTaskStore({ ...options, keyPrefix, connectionString: url.slice(0, url.length - hash.length) });
    }
    case "mongodb:":
    case "mongodb+srv:": {
      const place = namespaceId === undefined ? {} : { collection: namespaceId };
      return createMongoTaskStore({ ...options, ...place, connectionString: url });
    }
    default:
      throw new Error(`no store is for ${protocol} addresses`);
  }
}
