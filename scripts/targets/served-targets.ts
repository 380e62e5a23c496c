/** The stores that need a server, as targets of the conformance kit. */
import { storeTarget, type StoreTargetOptions, type Target } from "../../conformance/src/targets.ts";
import { createMongoTaskStore } from "../../packages/mongodb/src/index.ts";
import { createPostgresTaskStore } from "../../packages/postgres/src/index.ts";
import { createRedisTaskStore, type RedisTaskStoreOptions } from "../../packages/redis/src/index.ts";

/** Where the server of a store is; goes to other processes as JSON. */
export type Source =
  | { readonly store: "postgres"; readonly connectionString: string }
  | ({ readonly store: "redis"; readonly durable: boolean } & Pick<
      RedisTaskStoreOptions,
      "connectionString" | "cluster"
    >)
  | {
      readonly store: "mongodb";
      readonly connectionString: string;
      readonly database: string;
      /** It does one thing at a time, and walks over all rows of a collection at each write. */
      readonly isStandIn: boolean;
    };

/** Tells a process of its own, which runs served.ts, its {@link Source}. */
export const SOURCE_VARIABLE = "MCP_TASK_STORE_TARGET";

/** Connections for each handle: rules side by side must not use up the server's. */
const POOL_SIZE = 4;

/** Rules that send a hundred calls at once need it there. */
const STAND_IN_CALL_TIMEOUT_MS = 60_000;

/** A place for each namespace: a schema, a prefix of keys, or a collection, which goes with the server, or expires. */
function opening(source: Source): StoreTargetOptions["open"] {
  if (source.store === "postgres") {
    const { connectionString } = source;
    return (schema, settings) =>
      createPostgresTaskStore({ ...settings, connectionString, schema, poolSize: POOL_SIZE });
  }
  if (source.store === "mongodb") {
    const { connectionString, database, isStandIn } = source;
    const patience = isStandIn ? { callTimeoutMs: STAND_IN_CALL_TIMEOUT_MS } : {};
    return (collection, settings) =>
      createMongoTaskStore({
        ...patience,
        ...settings,
        connectionString,
        database,
        collection,
        poolSize: POOL_SIZE,
      });
  }
  const { store: _, ...options } = source;
  return (namespaceId, settings) => createRedisTaskStore({ ...settings, ...options, keyPrefix: `${namespaceId}:` });
}

export function servedTarget(
  source: Source,
  more: Partial<Pick<StoreTargetOptions, "name" | "version" | "restart">> = {},
): Target {
  const isSlow = source.store === "mongodb" && source.isStandIn;
  return storeTarget({
    name: source.store,
    // Where calls wait for each other, rules side by side would only wait longer.
    concurrency: isSlow ? 4 : 8,
    isolated: isSlow,
    clock: true,
    file: `${import.meta.dirname}/served.ts`,
    fileEnv: { [SOURCE_VARIABLE]: JSON.stringify(source) },
    open: opening(source),
    ...more,
  });
}
