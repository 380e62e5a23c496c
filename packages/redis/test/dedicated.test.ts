/** The connection for hints in a cluster: whether its node still counts. */
import { Redis } from "ioredis";
import { expect, it, onTestFinished } from "vitest";
import { redisIsLeftOut } from "@mcp-task-store/services";
import { Connection } from "../src/connection.ts";
import { scratchRedisCluster } from "./scratch-cluster.ts";

it.skipIf(redisIsLeftOut())("leads to a primary of the cluster, or is known not to", async () => {
  await using redis = await scratchRedisCluster();
  const { cluster: config } = redis.source;
  if (config === undefined) throw new Error("a cluster has nodes");
  const connection = new Connection({ kind: "cluster", config });
  onTestFinished(() => connection.close());
  const { client, close } = await connection.dedicate(AbortSignal.timeout(60_000));
  onTestFinished(close);
  expect(connection.leadsToPrimary(client)).toBe(true);

  await redis.client.ping();
  const [primary] = redis.client instanceof Redis ? [] : redis.client.nodes("master");
  const nodes = String(await primary?.cluster("NODES"));
  const [, replica = ""] = /127\.0\.0\.1:(\d+)@\S+ \S*slave/.exec(nodes) ?? [];
  const elsewhere = new Redis({ host: "127.0.0.1", port: Number(replica), lazyConnect: true });
  expect(connection.leadsToPrimary(elsewhere)).toBe(false);
});
