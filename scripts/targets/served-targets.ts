/** The stores that need a server, as targets of the conformance kit. */
import { storeTarget, type StoreTargetOptions, type Target } from "../../conformance/src/targets.ts";
import { createPostgresTaskStore } from "../../packages/postgres/src/index.ts";
import { createRedisTaskStore, type RedisTaskStoreOptions } from "../../packages/redis/src/index.ts";

/** Where the server of a store is; goes to other processes as JSON. */
export type Source =
  | { readonly store: "postgres"; readonly connectionString: string }
  | ({ readonly store: "redis"; readonly durable: boolean } & Pick<
      RedisTaskStoreOptions,
      "connectionString" | "cluster"
    >);

/** Tells a process of its own, which runs served.ts, its {@link Source}. */
export const SOURCE_VARIABLE = "MCP_TASK_STORE_TARGET";

/** Connections for each handle: rules side by side must not use up the server's. */
const POOL_SIZE = 4;

/** A place for each namespace: a schema, or a prefix of keys, which goes with the server, or expires. */
function opening(source: Source): StoreTargetOptions["open"] {
  if (source.store === "postgres") {
    const { connectionString } = source;
    return (schema, settings) =>
      createPostgresTaskStore({ ...settings, connectionString, schema, poolSize: POOL_SIZE });
  }
  const { store: _, ...options } = source;
  return (namespaceId, settings) => createRedisTaskStore({ ...settings, ...options, keyPrefix: `${namespaceId}:` });
}

export function servedTarget(
  source: Source,
  more: Partial<Pick<StoreTargetOptions, "name" | "version" | "restart">> = {},
): Target {
  return storeTarget({
    name: source.store,
    concurrency: 8,
    clock: true,
    file: `${import.meta.dirname}/served.ts`,
    fileEnv: { [SOURCE_VARIABLE]: JSON.stringify(source) },
    open: opening(source),
    ...more,
  });
}
