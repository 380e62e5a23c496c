/** The stores that need a server, as targets of the conformance kit. */
import {
  driverTarget,
  type DriverTargetOptions,
  type Target,
  urlVia,
  type Via,
} from "../../conformance/src/targets.ts";
import { createMongoDriver } from "../../packages/mongodb/src/index.ts";
import { createPostgresDriver } from "../../packages/postgres/src/index.ts";
import {
  createRedisDriver,
  type RedisClusterConfigLike,
  type RedisDriverOptions,
  type RedisNodeAddress,
} from "../../packages/redis/src/index.ts";

/** Where the server of a store is; goes to other processes as JSON. */
export type Source =
  | { readonly store: "postgres"; readonly connectionString: string }
  | ({ readonly store: "redis"; readonly durable: boolean } & Pick<RedisDriverOptions, "connectionString" | "cluster">)
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

/** Of a store: less than the kit waits for a call, and more than a busy machine takes. */
const CALL_TIMEOUT_MS = 25_000;

/** Where rules that send a hundred calls at once need it. */
const STAND_IN_CALL_TIMEOUT_MS = 60_000;

/** A place for each namespace: a schema, a prefix of keys, or a collection, which goes with the server, or expires. */
function opening(source: Source): DriverTargetOptions["open"] {
  if (source.store === "postgres") {
    return async (schema, { via }) =>
      createPostgresDriver({
        connectionString: await urlVia(source.connectionString, via),
        schema,
        poolSize: POOL_SIZE,
      });
  }
  if (source.store === "mongodb") {
    const { connectionString, database } = source;
    return async (collection, { via }) =>
      createMongoDriver({
        connectionString: await urlVia(connectionString, via),
        // Else the client goes where the server says that it is, past the kit's proxy.
        ...(via === undefined ? {} : { clientOptions: { directConnection: true } }),
        database,
        collection,
        poolSize: POOL_SIZE,
      });
  }
  const { store: _, connectionString, cluster, durable } = source;
  return async (namespaceId, { via }) => {
    const keyPrefix = `${namespaceId}:`;
    if (cluster !== undefined)
      return createRedisDriver({ cluster: await clusterVia(cluster, via), keyPrefix, durable });
    if (connectionString === undefined) throw new TypeError("a Redis needs an address");
    return createRedisDriver({ connectionString: await urlVia(connectionString, via), keyPrefix, durable });
  };
}

/** Its nodes, and what they say of each other, at the addresses that `via` gives. */
async function clusterVia(cluster: RedisClusterConfigLike, via: Via | undefined): Promise<RedisClusterConfigLike> {
  if (via === undefined) return cluster;
  const natMap: Record<string, RedisNodeAddress> = {};
  for (const { host, port } of cluster.nodes) natMap[`${host}:${port}`] = await via({ host, port });
  return { ...cluster, nodes: Object.values(natMap), natMap };
}

export function servedTarget(
  source: Source,
  more: Partial<Pick<DriverTargetOptions, "name" | "version" | "restart">> = {},
): Target {
  const isSlow = source.store === "mongodb" && source.isStandIn;
  return driverTarget({
    name: source.store,
    // Where calls wait for each other, rules side by side would only wait longer.
    concurrency: isSlow ? 4 : 8,
    isolated: isSlow,
    clock: true,
    via: true,
    file: `${import.meta.dirname}/served.ts`,
    fileEnv: { [SOURCE_VARIABLE]: JSON.stringify(source) },
    open: opening(source),
    defaults: { callTimeoutMs: isSlow ? STAND_IN_CALL_TIMEOUT_MS : CALL_TIMEOUT_MS },
    ...more,
  });
}
