/** Clients of ioredis with the settings that the store relies on. They connect when they are first used. */
import { Cluster, Redis } from "ioredis";
import type { ClusterOptions, RedisOptions } from "ioredis";
import { REDIS_DEFAULTS } from "./options.ts";
import type {
  RedisClientLike,
  RedisClusterConfigLike,
  RedisClusterLike,
  RedisConfigLike,
  RedisServerConfig,
} from "./options.ts";

/** ioredis takes no `undefined` for the mapping. */
type Settings = Omit<RedisOptions, "replyMapping"> & { readonly replyMapping?: "legacy" };

const RECONNECT_MS = { first: 50, most: 1_000 } as const;

/** The wait doubles, and is jittered: not all processes at once. */
function reconnectAfterMs(attempt: number): number {
  const wait = Math.min(RECONNECT_MS.first * 2 ** Math.min(attempt - 1, 10), RECONNECT_MS.most);
  return wait * (0.5 + Math.random() / 2);
}

/**
 * What makes a command go out once at most, and an answer come as the store reads it. A connection to what has become a
 * replica is given up, so that the next one finds the new primary.
 */
const SERVER_SETTINGS = {
  lazyConnect: true,
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false,
  maxRetriesPerRequest: null,
  maxLoadingRetryTime: 500,
  readOnly: false,
  monitor: false,
  stringNumbers: false,
  replyMapping: "legacy",
  keyPrefix: "",
  reconnectOnError: (error) => error.message.includes("READONLY") && 1,
} satisfies Settings;

const SINGLE_SETTINGS = {
  ...SERVER_SETTINGS,
  role: "master",
  enableOfflineQueue: false,
  retryStrategy: reconnectAfterMs,
} satisfies Settings;

/** A node that is lost is connected anew only where the cluster says so; hence no `retryStrategy`. */
const CLUSTER_SETTINGS = {
  lazyConnect: true,
  enableOfflineQueue: true,
  scaleReads: "master",
  keyPrefix: "",
  // Not sent again after a connection was lost: the server may have carried it out.
  retryDelayOnFailover: 0,
  clusterNodeRetryStrategy: null,
  clusterRetryStrategy: reconnectAfterMs,
  slotsRefreshInterval: 5_000,
  // Sixteen times; a slot is moved for longer than that, and the call has better things to try. ms
  retryDelayOnTryAgain: 10,
} satisfies ClusterOptions;

/**
 * After a failover that the sentinels began themselves, what was the primary takes writes for ten seconds more, and
 * loses them all: only the sentinels know. Without sentinels it means nothing.
 */
const HEARS_OF_FAILOVERS = { failoverDetector: true } satisfies Settings;

/** A sentinel that takes connections and answers nothing is left for the next one after so long. ms */
const SENTINEL_ANSWERS_WITHIN_MS = 2_000;

/** For a connection of its own that is not opened again when it is lost. */
const ONCE = { retryStrategy: null, enableOfflineQueue: true, clusterNodeRetryStrategy: null } as const;

export function singleClient(config: RedisConfigLike): RedisClientLike {
  const { host, port, path, db, sentinels, name, sentinelUsername, sentinelPassword, sentinelTLS } = config;
  const { enableTLSForSentinelMode, failoverDetector, natMap } = config;
  const settings: Settings = {
    ...HEARS_OF_FAILOVERS,
    sentinelCommandTimeout: SENTINEL_ANSWERS_WITHIN_MS,
    ...serverConfig(config),
    ...given({ host, port, path, db, name, sentinelUsername, sentinelPassword, sentinelTLS }),
    ...given({ enableTLSForSentinelMode, failoverDetector }),
    ...(sentinels === undefined ? {} : { sentinels: [...sentinels] }),
    ...(natMap === undefined ? {} : { natMap: { ...natMap } }),
    ...SINGLE_SETTINGS,
  };
  return new Redis(settings);
}

export function clusterClient(config: RedisClusterConfigLike): RedisClusterLike {
  const { nodes, natMap, dnsLookup } = config;
  return new Cluster([...nodes], {
    ...given({ dnsLookup }),
    ...(natMap === undefined ? {} : { natMap: { ...natMap } }),
    ...CLUSTER_SETTINGS,
    redisOptions: { ...serverConfig(config), ...SERVER_SETTINGS },
  });
}

/** Whether somebody's client sends no command twice and none to a replica, and hands on answers as the store reads them. */
export function fits({ options }: RedisClientLike): boolean {
  return (
    options.autoResendUnfulfilledCommands === false &&
    !("role" in options && options.role === "slave") &&
    options.readOnly !== true &&
    options.stringNumbers !== true &&
    options.replyMapping !== "resp3" &&
    options.monitor !== true
  );
}

export function clusterFits({ options }: RedisClusterLike): boolean {
  const node = options.redisOptions;
  const reconnects = "clusterNodeRetryStrategy" in options && options.clusterNodeRetryStrategy !== null;
  return (
    options.retryDelayOnFailover === 0 &&
    options.scaleReads === "master" &&
    !reconnects &&
    node?.stringNumbers !== true &&
    node?.replyMapping !== "resp3"
  );
}

/** A copy with our settings. */
export function singleCopy(client: RedisClientLike): RedisClientLike {
  return client.duplicate({ ...boundedSettings(client.options), ...HEARS_OF_FAILOVERS, ...SINGLE_SETTINGS });
}

export function clusterCopy(client: RedisClusterLike): RedisClusterLike {
  const { redisOptions } = client.options;
  return client.duplicate([], {
    ...CLUSTER_SETTINGS,
    redisOptions: { ...redisOptions, ...boundedSettings(redisOptions ?? {}), ...SERVER_SETTINGS },
  });
}

/** Another connection to the same server, which ends when it is lost. */
export function connectionLike(client: RedisClientLike): RedisClientLike {
  return client.duplicate({ ...boundedSettings(client.options), ...SINGLE_SETTINGS, ...ONCE });
}

function serverConfig(config: RedisServerConfig): Settings {
  const { username, password, tls, family, connectionName, keepAlive } = config;
  return {
    ...given({ username, password, tls, family, connectionName, keepAlive }),
    connectTimeout: config.connectTimeout ?? REDIS_DEFAULTS.connectTimeout,
    socketTimeout: config.socketTimeout ?? REDIS_DEFAULTS.socketTimeout,
  };
}

/** A server or sentinel that falls silent must be noticed, whatever the client that is copied does about it. */
function boundedSettings(options: object): Settings {
  const { socketTimeout, sentinelCommandTimeout }: Pick<Settings, "socketTimeout" | "sentinelCommandTimeout"> = options;
  return {
    socketTimeout: socketTimeout ?? REDIS_DEFAULTS.socketTimeout,
    sentinelCommandTimeout: sentinelCommandTimeout ?? SENTINEL_ANSWERS_WITHIN_MS,
  };
}

/** Without the keys that are undefined: to ioredis they would be settings. */
function given<T extends object>(settings: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const kept: { [K in keyof T]?: Exclude<T[K], undefined> } = {};
  for (const key in settings) {
    const value = settings[key];
    if (value !== undefined) kept[key] = value as Exclude<T[typeof key], undefined>;
  }
  return kept;
}
