export { createRedisTaskStore } from "./create-redis-task-store.ts";
export {
  REDIS_DEFAULTS,
  type RedisClientLike,
  type RedisClientSettings,
  type RedisClusterConfigLike,
  type RedisClusterLike,
  type RedisCommandLike,
  type RedisConfigLike,
  type RedisDefaults,
  type RedisDriverOptions,
  type RedisNodeAddress,
  type RedisServerConfig,
  type RedisTaskStoreOptions,
  type RedisTlsOptions,
  type RedisWarning,
} from "./options.ts";
export { createRedisDriver } from "./redis-driver.ts";
