import type { TaskStoreOptions } from "@mcp-task-store/core";
import { checkExactlyOne, invalidOption as invalid } from "@mcp-task-store/core/adapter";
import { isUrl } from "./redis-url.ts";

/** The settings of a client that the store looks at, or changes in a copy of it. Names and meanings are ioredis's. */
export interface RedisClientSettings {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly autoResendUnfulfilledCommands?: boolean | undefined;
  readonly keyPrefix?: string | undefined;
  readonly readOnly?: boolean | undefined;
  readonly stringNumbers?: boolean | undefined;
  readonly replyMapping?: string | undefined;
  readonly monitor?: boolean | undefined;
}

/** A command as a client takes it. */
export interface RedisCommandLike {
  readonly name: string;
  readonly promise: Promise<unknown>;
}

interface ClientLike {
  readonly status: string;
  connect(): Promise<unknown>;
  disconnect(): void;
  sendCommand(command: RedisCommandLike): unknown;
  on(event: "ready" | "close" | "end", listener: () => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "message", listener: (channel: string, message: string) => void): unknown;
  off(event: "ready" | "close" | "end", listener: () => void): unknown;
  off(event: "error", listener: (error: Error) => void): unknown;
}

/** What the store uses of a client for one server or for sentinels: that of `ioredis`, whatever its copy. */
export interface RedisClientLike extends ClientLike {
  readonly options: RedisClientSettings;
  duplicate(override?: object): RedisClientLike;
}

/** What the store uses of a client for a Redis Cluster: that of `ioredis`, whatever its copy. */
export interface RedisClusterLike extends ClientLike {
  readonly options: {
    readonly keyPrefix?: string | undefined;
    readonly retryDelayOnFailover?: number | undefined;
    readonly scaleReads?: unknown;
    readonly redisOptions?: RedisClientSettings | undefined;
  };
  nodes(role?: "all" | "master" | "slave"): RedisClientLike[];
  on: ClientLike["on"] & ((event: "+node", listener: (node: object) => void) => unknown);
  off: ClientLike["off"] & ((event: "+node", listener: (node: object) => void) => unknown);
  duplicate(startupNodes?: never[], override?: object): RedisClusterLike;
}

/** The usual part of `tls.ConnectionOptions`. */
export interface RedisTlsOptions {
  readonly ca?: string | Buffer | (string | Buffer)[] | undefined;
  readonly cert?: string | Buffer | undefined;
  readonly key?: string | Buffer | undefined;
  readonly rejectUnauthorized?: boolean | undefined;
  readonly servername?: string | undefined;
}

/** An address of a server. */
export interface RedisNodeAddress {
  readonly host: string;
  readonly port: number;
}

/** The part of ioredis's own configuration that every server of a group takes. Names and units are ioredis's. */
export interface RedisServerConfig {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly tls?: RedisTlsOptions | undefined;
  readonly family?: number | undefined;
  readonly connectionName?: string | undefined;
  /** ms @default 5_000 */
  readonly connectTimeout?: number | undefined;
  /** How long a server may be silent while it owes an answer, before its connection is given up. ms @default 10_000 */
  readonly socketTimeout?: number | undefined;
  readonly keepAlive?: number | undefined;
}

/** How to connect to one server, or to the primary that sentinels name. */
export interface RedisConfigLike extends RedisServerConfig {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  /** A Unix socket. */
  readonly path?: string | undefined;
  readonly db?: number | undefined;
  readonly sentinels?: readonly RedisNodeAddress[] | undefined;
  /** What the sentinels call the primary. */
  readonly name?: string | undefined;
  readonly sentinelUsername?: string | undefined;
  readonly sentinelPassword?: string | undefined;
  readonly sentinelTLS?: RedisTlsOptions | undefined;
  readonly enableTLSForSentinelMode?: boolean | undefined;
  /**
   * Learns of a failover from the sentinels, over a connection to each. Without it what was the primary may be used for
   * ten seconds more, and what it acknowledges then is lost. @default true
   */
  readonly failoverDetector?: boolean | undefined;
  readonly natMap?: Readonly<Record<string, RedisNodeAddress>> | undefined;
}

/** How to connect to a Redis Cluster. */
export interface RedisClusterConfigLike extends RedisServerConfig {
  /** Some of its nodes; the others are found. */
  readonly nodes: readonly RedisNodeAddress[];
  readonly natMap?: Readonly<Record<string, RedisNodeAddress>> | undefined;
  /** As ioredis: `(address, callback) => callback(null, address)` where certificates name hosts. */
  readonly dnsLookup?:
    | ((
        hostname: string,
        callback: (error: Error | null | undefined, address: string, family?: number) => void,
      ) => void)
    | undefined;
}

/** Where the tasks are, and how to get there. */
export interface RedisDriverOptions {
  /** Exactly one of `connectionString`, `config`, `cluster` and `client`. `redis://…` or `rediss://…` */
  readonly connectionString?: string | undefined;
  readonly config?: RedisConfigLike | undefined;
  readonly cluster?: RedisClusterConfigLike | undefined;
  /**
   * Your own `Redis` or `Cluster` of ioredis, never closed. Used as it is if its settings never send a command twice and
   * it talks to primaries: `autoResendUnfulfilledCommands: false`; a `Cluster`: `retryDelayOnFailover: 0`. Else the store
   * connects a copy with these settings. A `keyPrefix` of its own stands before ours.
   */
  readonly client?: RedisClientLike | RedisClusterLike | undefined;
  /** Before all keys. @default "mcp-task-store:"; 1 to 64 letters, digits and any of _ - . : / */
  readonly keyPrefix?: string | undefined;
  /**
   * "pubsub": wake-ups between processes by PUBLISH, over one more connection of this process. "poll": none; waiters look
   * for themselves. @default "pubsub"
   */
  readonly hints?: "pubsub" | "poll" | undefined;
  /**
   * Says that the server keeps what it acknowledged (AOF with `appendfsync always`), as `capabilities.durable` then does;
   * `setup()` refuses a server that says otherwise. @default false, which is the truth of a server as it comes
   */
  readonly durable?: boolean | undefined;
  /** Told by `setup()` of settings of the server that may lose tasks. @default `process.emitWarning` */
  readonly onWarning?: ((warning: RedisWarning) => void) | undefined;
}

/** A setting of the server that may lose tasks. */
export interface RedisWarning {
  /**
   * EVICTION: `maxmemory-policy` lets the server delete tasks when its memory is full. NO_PERSISTENCE: neither an
   * append-only file nor snapshots: a restart loses everything. NOT_CHECKED: this user may not look.
   */
  readonly code: "EVICTION" | "NO_PERSISTENCE" | "NOT_CHECKED";
  readonly message: string;
}

export interface RedisTaskStoreOptions extends TaskStoreOptions, RedisDriverOptions {}

export interface RedisDefaults {
  readonly keyPrefix: string;
  readonly hints: "pubsub" | "poll";
  readonly durable: boolean;
  readonly connectTimeout: number;
  readonly socketTimeout: number;
}

export const REDIS_DEFAULTS: RedisDefaults = {
  keyPrefix: "mcp-task-store:",
  hints: "pubsub",
  durable: false,
  connectTimeout: 5_000,
  socketTimeout: 10_000,
};

const SERVER_KEYS = {
  username: true,
  password: true,
  tls: true,
  family: true,
  connectionName: true,
  connectTimeout: true,
  socketTimeout: true,
  keepAlive: true,
} satisfies Record<keyof RedisServerConfig, true>;

const CONFIG_KEYS = {
  ...SERVER_KEYS,
  host: true,
  port: true,
  path: true,
  db: true,
  sentinels: true,
  name: true,
  sentinelUsername: true,
  sentinelPassword: true,
  sentinelTLS: true,
  enableTLSForSentinelMode: true,
  failoverDetector: true,
  natMap: true,
} satisfies Record<keyof RedisConfigLike, true>;

const CLUSTER_KEYS = { ...SERVER_KEYS, nodes: true, natMap: true, dnsLookup: true } satisfies Record<
  keyof RedisClusterConfigLike,
  true
>;

/** Where connections come from. */
export type ConnectionSource =
  | { readonly kind: "server"; readonly url?: string; readonly config: RedisConfigLike }
  | { readonly kind: "cluster"; readonly config: RedisClusterConfigLike }
  | { readonly kind: "client"; readonly client: RedisClientLike }
  | { readonly kind: "cluster client"; readonly client: RedisClusterLike };

export interface CheckedOptions {
  readonly source: ConnectionSource;
  readonly keyPrefix: string;
  readonly hints: "pubsub" | "poll";
  readonly durable: boolean;
  readonly onWarning: (warning: RedisWarning) => void;
}

/**
 * Checks the options and fills in the defaults. Messages never show a connection string.
 * @throws TaskStoreError INVALID_ARGUMENT naming the option and its limit
 */
export function checkOptions(options: RedisDriverOptions): CheckedOptions {
  const { hints = REDIS_DEFAULTS.hints, durable = REDIS_DEFAULTS.durable, onWarning = emitWarning } = options;
  if (hints !== "pubsub" && hints !== "poll") throw invalid("hints", 'must be "pubsub" or "poll"');
  if (typeof durable !== "boolean") throw invalid("durable", "must be true or false");
  if (typeof onWarning !== "function") throw invalid("onWarning", "must be a function");
  const source = checkSource(options);
  return { source, keyPrefix: checkKeyPrefix(options.keyPrefix, source), hints, durable, onWarning };
}

/** Braces would decide over the slots of all keys, and everything else might mean something to a pattern of an ACL. */
function checkKeyPrefix(own: string = REDIS_DEFAULTS.keyPrefix, source: ConnectionSource): string {
  const client = "client" in source ? (source.client.options.keyPrefix ?? "") : "";
  const prefix = typeof client === "string" ? client + own : "";
  if (typeof own === "string" && own !== "" && /^[\w\-.:/]{1,64}$/.test(prefix)) return prefix;
  const together = client === "" ? "" : ", together with the client's own keyPrefix";
  throw invalid("keyPrefix", `must be 1 to 64 letters, digits and any of _ - . : /${together}`);
}

function checkSource(options: RedisDriverOptions): ConnectionSource {
  const { connectionString, config, cluster, client } = options;
  checkExactlyOne({ connectionString, config, cluster, client });
  if (connectionString !== undefined) {
    if (!isUrl(connectionString)) throw invalid("connectionString", "must be a redis:// or rediss:// URL");
    return { kind: "server", url: connectionString, config: {} };
  }
  if (config !== undefined) {
    if (typeof config !== "object" || config === null) throw invalid("config", "must be an object");
    checkKeys("config", config, CONFIG_KEYS);
    return { kind: "server", config };
  }
  if (cluster !== undefined) {
    if (
      typeof cluster !== "object" ||
      cluster === null ||
      !Array.isArray(cluster.nodes) ||
      cluster.nodes.length === 0
    ) {
      throw invalid("cluster", "must be an object with at least one node in nodes");
    }
    checkKeys("cluster", cluster, CLUSTER_KEYS);
    return { kind: "cluster", config: cluster };
  }
  if (typeof client !== "object" || client === null || typeof client.sendCommand !== "function") {
    throw invalid("client", "must be a Redis or a Cluster of ioredis");
  }
  return "nodes" in client ? { kind: "cluster client", client } : { kind: "client", client };
}

/** What is dropped without a word would be believed to hold. */
function checkKeys(option: "config" | "cluster", given: object, known: Readonly<Record<string, true>>): void {
  for (const [key, value] of Object.entries(given)) {
    if (value === undefined || Object.hasOwn(known, key)) continue;
    if (key === "keyPrefix") throw invalid(`${option}.keyPrefix`, "belongs beside it: give options.keyPrefix");
    const others = "a client of your own takes all settings of ioredis: give it as options.client";
    throw invalid(`${option}.${key}`, `is not known; known are ${Object.keys(known).join(", ")}; ${others}`);
  }
}

function emitWarning({ code, message }: RedisWarning): void {
  process.emitWarning(message, { type: "McpTaskStoreWarning", code: `MCP_TASK_STORE_REDIS_${code}` });
}
