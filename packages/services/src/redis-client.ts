/** Short-lived connections for starting servers and looking at them. The stores under test open their own. */
import { Redis, type RedisOptions } from "ioredis";
import { pollUntil } from "./poll-until.ts";

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
}

export interface RedisVersion {
  readonly kind: "redis" | "valkey";
  /** The server's own: "7.0.15". */
  readonly version: string;
}

/** A URL, or an address with its password. */
export type RedisTarget = string | (RedisAddress & { readonly password?: string | undefined });

/** One connection, no second attempt: whoever waits for a server polls. */
const OPTIONS = {
  lazyConnect: true,
  connectTimeout: 5_000,
  commandTimeout: 10_000,
  maxRetriesPerRequest: 0,
  enableReadyCheck: false,
  retryStrategy: () => null,
} satisfies RedisOptions;

export async function withRedis<T>(target: RedisTarget, use: (redis: Redis) => Promise<T>): Promise<T> {
  const redis =
    typeof target === "string"
      ? new Redis(target, OPTIONS)
      : new Redis({
          ...OPTIONS,
          host: target.host,
          port: target.port,
          ...(target.password === undefined ? {} : { password: target.password }),
        });
  redis.on("error", () => {}); // the command fails too
  try {
    await redis.connect();
    return await use(redis);
  } finally {
    redis.disconnect();
  }
}

/** True once it answers and has read its data. */
export async function redisIsReady(target: RedisTarget): Promise<boolean> {
  try {
    return await withRedis(target, async (redis) => {
      const { loading } = infoFields(await redis.info("persistence"));
      return loading !== "1";
    });
  } catch {
    return false;
  }
}

export async function redisVersion(target: RedisTarget): Promise<RedisVersion> {
  const info = await withRedis(target, async (redis) => infoFields(await redis.info("server")));
  const valkey = info["valkey_version"];
  return valkey === undefined
    ? { kind: "redis", version: info["redis_version"] ?? "unknown" }
    : { kind: "valkey", version: valkey };
}

/** The lines `name:value` of INFO and CLUSTER INFO. */
export function infoFields(text: string): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(
    text.split("\r\n").flatMap((line) => {
      const colon = line.indexOf(":");
      return colon > 0 && !line.startsWith("#") ? [[line.slice(0, colon), line.slice(colon + 1)]] : [];
    }),
  );
}

/** Removes the keys of a prefix, in steps, as a server that others use wants it. */
export async function removeKeys(target: RedisTarget, prefix: string): Promise<void> {
  await withRedis(target, async (redis) => {
    // A replica follows its primary.
    if (infoFields(await redis.info("replication"))["role"] !== "master") return;
    const pattern = `${prefix.replaceAll(/[*?[\]\\]/g, String.raw`\$&`)}*`;
    let cursor = "0";
    do {
      const [next, keys] = await redis.scan(cursor, "MATCH", pattern, "COUNT", 1_000);
      // One by one: in a cluster the keys of a command must share a slot.
      await Promise.all(keys.map((key) => redis.unlink(key)));
      cursor = next;
    } while (cursor !== "0");
  });
}

/** Waits until a server says what is wanted. A server that does not answer yet is asked again. */
export async function untilRedis(
  target: RedisTarget,
  what: string,
  holds: (redis: Redis) => Promise<boolean>,
): Promise<void> {
  await pollUntil(() => withRedis(target, holds).catch(() => false), { what, deadlineMs: 60_000, everyMs: 50 });
}
