/** What a test file asks for when it needs Redis. */
import { randomBytes } from "node:crypto";
import { type RedisAddress, removeKeys } from "./redis-client.ts";
import { redisIsLeftOut } from "./start-redis.ts";
import { sharedServer } from "./shared-server.ts";

export const TEST_REDIS_VARIABLE = "MCP_TASK_STORE_TEST_REDIS";
export const TEST_REDIS_CLUSTER_VARIABLE = "MCP_TASK_STORE_TEST_REDIS_CLUSTER";

export interface FreshRedis extends AsyncDisposable {
  /** Of the run's server, with its password. */
  readonly url: string;
  /** Of this file alone; what begins with it goes when this is disposed. Ends with a colon, holds no braces. */
  readonly keyPrefix: string;
}

export interface SharedRedisCluster {
  readonly nodes: readonly RedisAddress[];
  /** Of every node. */
  readonly password: string;
}

export interface FreshRedisCluster extends SharedRedisCluster, AsyncDisposable {
  readonly keyPrefix: string;
}

/**
 * A prefix for keys on the run's server. A file that calls this is skipped with `describe.skipIf(redisIsLeftOut())`
 * when the run leaves Redis out.
 */
export async function freshTestRedis(): Promise<FreshRedis> {
  const { url } = sharedServer<{ url: string }>(TEST_REDIS_VARIABLE, redisIsLeftOut());
  const keyPrefix = newPrefix();
  return { url, keyPrefix, [Symbol.asyncDispose]: () => removeKeys(url, keyPrefix) };
}

/** The same on the run's cluster. Its nodes are shared: a test that kills one starts a cluster of its own. */
export async function freshTestRedisCluster(): Promise<FreshRedisCluster> {
  const cluster = sharedServer<SharedRedisCluster>(TEST_REDIS_CLUSTER_VARIABLE, redisIsLeftOut());
  const keyPrefix = newPrefix();
  const dispose = async (): Promise<void> => {
    const { nodes, password } = cluster;
    await Promise.all(nodes.map((node) => removeKeys({ ...node, password }, keyPrefix)));
  };
  return { ...cluster, keyPrefix, [Symbol.asyncDispose]: dispose };
}

function newPrefix(): string {
  return `mts_${randomBytes(8).toString("hex")}:`;
}
