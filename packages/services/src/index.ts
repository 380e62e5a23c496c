export { freePort } from "./free-port.ts";
export { type FreshDatabase } from "./fresh-database.ts";
export { pollUntil, type PollOptions } from "./poll-until.ts";
export { dropMongoDatabase } from "./mongo-client.ts";
export { type RedisAddress, removeKeys } from "./redis-client.ts";
export { mongoIsLeftOut, type MongoOptions, type MongoOrigin, type MongoService, startMongo } from "./start-mongo.ts";
export {
  postgresIsLeftOut,
  type PostgresOptions,
  type PostgresOrigin,
  type PostgresService,
  startPostgres,
} from "./start-postgres.ts";
export { type RedisCluster, type RedisClusterOptions, startRedisCluster } from "./start-redis-cluster.ts";
export { type RedisSentinel, type RedisSentinelOptions, startRedisSentinel } from "./start-redis-sentinel.ts";
export {
  redisIsLeftOut,
  type RedisOptions,
  type RedisOrigin,
  type RedisService,
  type StartedRedisOrigin,
  startRedis,
} from "./start-redis.ts";
export { freshTestDatabase } from "./test-database.ts";
export { type FreshMongo, freshTestMongo } from "./test-mongo.ts";
export { type FreshRedis, type FreshRedisCluster, freshTestRedis, freshTestRedisCluster } from "./test-redis.ts";
