/** Starts a primary with a replica and three sentinels that watch them, on loopback. */
import type { Redis } from "ioredis";
import { infoFields, type RedisAddress, redisVersion, untilRedis, withRedis } from "./redis-client.ts";
import { dataSettings, type RedisHost, type RedisNode, type RedisSetting } from "./redis-host.ts";
import { startedRedisHost, type StartedRedisOrigin } from "./start-redis.ts";

const NAME = "mcp-task-store";
/** A primary and its replica. */
const DATA_SERVERS = 2;
const SENTINELS = 3;
const QUORUM = 2;
/** How long a failover may take. */
const FAILOVER_MS = 10_000;

export interface RedisSentinelOptions {
  readonly origin?: StartedRedisOrigin | undefined;
  /** See RedisOptions. @default false */
  readonly fast?: boolean | undefined;
  /** After so many ms of silence the primary counts as gone. @default 60_000: no busy machine looks like a lost one */
  readonly downAfterMs?: number | undefined;
  /** Further settings of the primary and the replica; they win. */
  readonly settings?: Readonly<Record<string, string>> | undefined;
  /** Takes a line that says what is used, and others when something is installed first. @default nothing is said */
  readonly log?: ((line: string) => void) | undefined;
}

export interface RedisSentinel extends AsyncDisposable {
  /** They have no password. */
  readonly sentinels: readonly RedisAddress[];
  /** What the sentinels call the primary. */
  readonly name: string;
  /** Of the primary and the replica. */
  readonly password: string;
  readonly origin: StartedRedisOrigin;
  readonly kind: "redis" | "valkey";
  readonly version: string;
  /** What the sentinels answer now. */
  primary(): Promise<RedisAddress>;
  /** Ends the current primary at once, as a power cut does; the sentinels make its replica the primary. @returns the one that is gone */
  killPrimary(): Promise<RedisAddress>;
  /** The primary answers nobody and closes nothing, until `reviveAll`. @returns it */
  pausePrimary(): Promise<RedisAddress>;
  /**
   * The same as the option, from now on: until a test wants a failover, none must come.
   * @param downAfterMs left out: as it started
   */
  setDownAfter(downAfterMs?: number): Promise<void>;
  /** Starts again what was killed, and lets go on what was paused. The sentinels make an old primary a replica, some ten seconds later. */
  reviveAll(): Promise<void>;
  /** Resolves when all sentinels name another primary than this one, and it takes writes. @returns the new one */
  untilFailedOver(from: RedisAddress): Promise<RedisAddress>;
  /** Ends everything for good and removes its data. Calling it twice is harmless. */
  stop(): Promise<void>;
}

/** @throws Error that says what to install when there is no Redis here */
export async function startRedisSentinel(options: RedisSentinelOptions = {}): Promise<RedisSentinel> {
  const { fast = false, downAfterMs = 60_000, settings = {} } = options;
  const { origin, host } = await startedRedisHost({
    origin: options.origin,
    servers: DATA_SERVERS + SENTINELS,
    log: options.log,
  });
  try {
    const data: readonly RedisSetting[] = [
      ...dataSettings(host.password, fast),
      ["repl-diskless-sync-delay", "0"],
      ...Object.entries(settings),
    ];
    const first = await host.start({ name: "server-0", settings: () => data });
    const second = await host.start({
      name: "server-1",
      settings: () => [...data, ["replicaof", first.host, String(first.port)]],
    });
    const sentinels = await Promise.all(
      Array.from({ length: SENTINELS }, (_, index) =>
        host.start({
          name: `sentinel-${index}`,
          sentinel: true,
          settings: () => [
            ["sentinel", "monitor", NAME, first.host, String(first.port), String(QUORUM)],
            ["sentinel", "auth-pass", NAME, host.password],
            ["sentinel", "down-after-milliseconds", NAME, String(downAfterMs)],
            // Twice that is between one failover and the next.
            ["sentinel", "failover-timeout", NAME, String(FAILOVER_MS)],
          ],
        }),
      ),
    );
    const group = new SentinelGroup(host, [first, second], sentinels);
    await group.untilComplete();
    const { kind, version } = await redisVersion({ ...first, password: host.password });
    const ports = sentinels.map(({ port }) => port).join(", ");
    options.log?.(`${kind} sentinel ${version} (${host.description}) on 127.0.0.1:${ports}`);
    return {
      sentinels: sentinels.map(addressOf),
      name: NAME,
      password: host.password,
      origin,
      kind,
      version,
      primary: () => group.primary(),
      killPrimary: async () => {
        const node = await group.primaryNode();
        await node.kill();
        return addressOf(node);
      },
      pausePrimary: async () => {
        const node = await group.primaryNode();
        await node.pause();
        return addressOf(node);
      },
      setDownAfter: (ms = downAfterMs) => group.setDownAfter(ms),
      reviveAll: () => group.reviveAll(),
      untilFailedOver: (from) => group.untilFailedOver(from),
      stop: () => host.stop(),
      [Symbol.asyncDispose]: () => host.stop(),
    };
  } catch (error) {
    await host.stop();
    throw error;
  }
}

function addressOf({ host, port }: RedisAddress): RedisAddress {
  return { host, port };
}

class SentinelGroup {
  readonly #host: RedisHost;
  readonly #servers: readonly RedisNode[];
  readonly #sentinels: readonly RedisNode[];

  constructor(host: RedisHost, servers: readonly RedisNode[], sentinels: readonly RedisNode[]) {
    this.#host = host;
    this.#servers = servers;
    this.#sentinels = sentinels;
  }

  /** Each sentinel knows the replica and the other sentinels: from then on a failover can happen. */
  async untilComplete(): Promise<void> {
    await Promise.all(
      this.#sentinels.map((sentinel) =>
        untilRedis(addressOf(sentinel), "the sentinels to know each other and the replica", async (redis) => {
          const info = infoFields(await redis.info("sentinel"));
          const known = info["master0"] ?? "";
          return known.includes("status=ok,") && known.includes(`slaves=1,sentinels=${SENTINELS}`);
        }),
      ),
    );
    await Promise.all(
      this.#servers.slice(1).map((server) =>
        untilRedis(this.#target(server), "the replica to have its primary's data", async (redis) => {
          return infoFields(await redis.info("replication"))["master_link_status"] === "up";
        }),
      ),
    );
  }

  async primary(): Promise<RedisAddress> {
    const sentinel = this.#sentinels.find((each) => each.isRunning());
    if (sentinel === undefined) throw new Error("no sentinel runs");
    return withRedis(addressOf(sentinel), namedPrimary);
  }

  async primaryNode(): Promise<RedisNode> {
    const { port } = await this.primary();
    const node = this.#servers.find((each) => each.port === port);
    if (node === undefined) throw new Error(`the sentinels name a server on port ${port}, which is not theirs`);
    return node;
  }

  async setDownAfter(ms: number): Promise<void> {
    await Promise.all(
      this.#sentinels.map((sentinel) =>
        withRedis(addressOf(sentinel), (redis) => redis.call("SENTINEL", "SET", NAME, "down-after-milliseconds", ms)),
      ),
    );
  }

  async reviveAll(): Promise<void> {
    for (const server of this.#servers) {
      if (server.isRunning()) await server.resume();
      else await server.restart();
    }
  }

  async untilFailedOver(from: RedisAddress): Promise<RedisAddress> {
    await Promise.all(
      this.#sentinels.map((sentinel) =>
        untilRedis(addressOf(sentinel), "the sentinels to name another primary", async (redis) => {
          return (await namedPrimary(redis)).port !== from.port;
        }),
      ),
    );
    const node = await this.primaryNode();
    await untilRedis(this.#target(node), "the new primary to take writes", async (redis) => {
      return infoFields(await redis.info("replication"))["role"] === "master";
    });
    return addressOf(node);
  }

  #target(node: RedisNode): RedisAddress & { password: string } {
    return { ...addressOf(node), password: this.#host.password };
  }
}

/** @see https://redis.io/docs/latest/operate/oss_and_stack/management/sentinel/ SENTINEL GET-MASTER-ADDR-BY-NAME */
async function namedPrimary(redis: Redis): Promise<RedisAddress> {
  const answer = await redis.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME);
  if (!Array.isArray(answer)) throw new Error("the sentinel names no primary");
  const [host, port]: readonly unknown[] = answer;
  return { host: String(host), port: Number(port) };
}
