import { Cluster } from "ioredis";
import { freshTestRedisCluster } from "@mcp-task-store/services";
import { type ScratchRedis, scratchOn } from "./scratch-redis.ts";

/** The same as scratchRedis, on the run's cluster. @param given another cluster */
export async function scratchRedisCluster(given?: {
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  readonly password: string;
  readonly keyPrefix: string;
}): Promise<ScratchRedis> {
  const fresh = given === undefined ? await freshTestRedisCluster() : undefined;
  const { nodes, password, keyPrefix } = given ?? fresh ?? { nodes: [], password: "", keyPrefix: "" };
  const client = new Cluster([...nodes], { redisOptions: { password }, lazyConnect: true });
  client.on("error", () => {});
  return scratchOn({ cluster: { nodes, password } }, keyPrefix, client, fresh);
}
