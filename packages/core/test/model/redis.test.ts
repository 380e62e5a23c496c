import { freshTestRedis, freshTestRedisCluster, redisIsLeftOut } from "@mcp-task-store/services";
import { createRedisDriver } from "../../../redis/src/index.ts";
import { describeModelOn } from "./on-a-server.ts";

const onWarning = (): void => undefined;

describeModelOn({
  name: "Redis",
  isLeftOut: redisIsLeftOut(),
  place: async () => {
    const redis = await freshTestRedis();
    return {
      open: () => createRedisDriver({ connectionString: redis.url, keyPrefix: redis.keyPrefix, onWarning }),
      [Symbol.asyncDispose]: async () => await redis[Symbol.asyncDispose](),
    };
  },
});

describeModelOn({
  name: "a Redis Cluster",
  isLeftOut: redisIsLeftOut(),
  place: async () => {
    const { nodes, password, keyPrefix, ...cluster } = await freshTestRedisCluster();
    return {
      open: () => createRedisDriver({ cluster: { nodes, password }, keyPrefix, onWarning }),
      [Symbol.asyncDispose]: async () => await cluster[Symbol.asyncDispose](),
    };
  },
});
