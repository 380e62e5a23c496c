/** Starts a Redis Cluster on loopback: primaries with replicas, formed without redis-cli. */
import type { Redis } from "ioredis";
import { infoFields, type RedisAddress, redisVersion, untilRedis, withRedis } from "./redis-client.ts";
import { dataSettings, type RedisHost, type RedisNode } from "./redis-host.ts";
import { startedRedisHost, type StartedRedisOrigin } from "./start-redis.ts";

const SLOTS = 16_384;

export interface RedisClusterOptions {
  /** Half of them primaries, each with a replica; even, and six at least: two of three primaries must outvote a dead one. @default 6 */
  readonly nodes?: number | undefined;
  readonly origin?: StartedRedisOrigin | undefined;
  /** See RedisOptions. @default false */
  readonly fast?: boolean | undefined;
  /**
   * After so many ms of silence a primary counts as gone and its replica takes over.
   * @default 60_000: no busy machine looks like a lost primary
   */
  readonly nodeTimeoutMs?: number | undefined;
  /** Further settings of every node; they win. */
  readonly settings?: Readonly<Record<string, string>> | undefined;
  /** Takes a line that says what is used, and others when something is installed first. @default nothing is said */
  readonly log?: ((line: string) => void) | undefined;
}

export interface RedisCluster extends AsyncDisposable {
  /** First the primaries (as formed), then as many replicas. Each stays at its address. */
  readonly nodes: readonly RedisAddress[];
  /** Of every node. */
  readonly password: string;
  readonly origin: StartedRedisOrigin;
  readonly kind: "redis" | "valkey";
  readonly version: string;
  /** The number of the node that now serves the slot of this key. */
  primaryOf(key: string): Promise<number>;
  /** Ends a node at once, as a power cut does. */
  killNode(index: number): Promise<void>;
  /** Starts it again with its data; it joins as a replica when another one took over. */
  restartNode(index: number): Promise<void>;
  /** The node answers nobody and closes nothing, until `resumeNode`. */
  pauseNode(index: number): Promise<void>;
  resumeNode(index: number): Promise<void>;
  /**
   * The same as the option, from now on, for every node that runs and is not paused: until a test wants a failover, none
   * must come.
   * @param nodeTimeoutMs left out: as it started
   */
  setNodeTimeout(nodeTimeoutMs?: number): Promise<void>;
  /** Resolves when every running node says that all slots are served. None may be paused. */
  untilOk(): Promise<void>;
  /** Ends it for good and removes its data. Calling it twice is harmless. */
  stop(): Promise<void>;
}

/**
 * @throws Error that says what to install when there is no Redis here
 * @throws RangeError for another number of nodes
 */
export async function startRedisCluster(options: RedisClusterOptions = {}): Promise<RedisCluster> {
  const { nodes: count = 6, fast = false, nodeTimeoutMs = 60_000, settings = {} } = options;
  if (count < 6 || count % 2 !== 0) throw new RangeError(`a cluster of ${count} nodes; give an even number from 6 on`);
  const { origin, host } = await startedRedisHost({ origin: options.origin, servers: count, log: options.log });
  try {
    const nodes = await Promise.all(
      Array.from({ length: count }, (_, index) =>
        host.start({
          name: `node-${index}`,
          settings: () => [
            ...dataSettings(host.password, fast),
            ["cluster-enabled", "yes"],
            ["cluster-announce-ip", "127.0.0.1"],
            ["cluster-config-file", "nodes.conf"],
            ["cluster-node-timeout", String(nodeTimeoutMs)],
            // A replica takes over however long it was cut off: tests kill and restart as they like.
            ["cluster-replica-validity-factor", "0"],
            ["repl-diskless-sync-delay", "0"],
            ...Object.entries(settings),
          ],
        }),
      ),
    );
    const cluster = new FormedCluster(host, nodes);
    await cluster.form(count / 2);
    const first = { ...addressOf(nodes[0]), password: host.password };
    const { kind, version } = await redisVersion(first);
    const ports = nodes.map(({ port }) => port).join(", ");
    options.log?.(`${kind} cluster ${version} of ${count} nodes (${host.description}) on 127.0.0.1:${ports}`);
    return {
      nodes: nodes.map(addressOf),
      password: host.password,
      origin,
      kind,
      version,
      primaryOf: (key) => cluster.primaryOf(key),
      killNode: (index) => cluster.node(index).kill(),
      restartNode: (index) => cluster.restart(index),
      pauseNode: (index) => cluster.pause(index),
      resumeNode: (index) => cluster.resume(index),
      setNodeTimeout: (ms = nodeTimeoutMs) => cluster.setNodeTimeout(ms),
      untilOk: () => cluster.untilOk(),
      stop: () => host.stop(),
      [Symbol.asyncDispose]: () => host.stop(),
    };
  } catch (error) {
    await host.stop();
    throw error;
  }
}

function addressOf(node: RedisNode | undefined): RedisAddress {
  if (node === undefined) throw new Error("there is no such node");
  return { host: node.host, port: node.port };
}

class FormedCluster {
  readonly #host: RedisHost;
  readonly #nodes: readonly RedisNode[];
  readonly #paused = new Set<RedisNode>();

  constructor(host: RedisHost, nodes: readonly RedisNode[]) {
    this.#host = host;
    this.#nodes = nodes;
  }

  node(index: number): RedisNode {
    const node = this.#nodes[index];
    if (node === undefined) throw new RangeError(`the cluster has no node ${index}`);
    return node;
  }

  async restart(index: number): Promise<void> {
    const node = this.node(index);
    await node.restart();
    this.#paused.delete(node);
  }

  async pause(index: number): Promise<void> {
    const node = this.node(index);
    this.#paused.add(node);
    await node.pause();
  }

  async resume(index: number): Promise<void> {
    const node = this.node(index);
    await node.resume();
    this.#paused.delete(node);
  }

  async setNodeTimeout(ms: number): Promise<void> {
    await Promise.all(
      this.#awake().map((node) =>
        this.#ask(node, async (redis) => await redis.config("SET", "cluster-node-timeout", ms)),
      ),
    );
  }

  #awake(): readonly RedisNode[] {
    return this.#nodes.filter((node) => node.isRunning() && !this.#paused.has(node));
  }

  async form(primaries: number): Promise<void> {
    // Different epochs from the start, or the nodes would have to settle who is first. All of them, before any node is
    // met by another one: then it refuses.
    await Promise.all(
      this.#nodes.map((node, index) =>
        this.#ask(node, async (redis) => await redis.cluster("SET-CONFIG-EPOCH", index + 1)),
      ),
    );
    const ids = await Promise.all(
      this.#nodes.map((node, index) =>
        this.#ask(node, async (redis) => {
          if (index < primaries) {
            const from = Math.ceil((index * SLOTS) / primaries);
            const to = Math.ceil(((index + 1) * SLOTS) / primaries);
            await redis.cluster("ADDSLOTS", ...Array.from({ length: to - from }, (_, slot) => from + slot));
          }
          // Each meets all: faster than to wait for the gossip.
          for (const { host, port } of this.#nodes.slice(0, index)) await redis.cluster("MEET", host, port);
          return redis.cluster("MYID");
        }),
      ),
    );
    await this.#all("to know each other", async (redis) => {
      const known = new Set(
        (await clusterNodes(redis)).filter(({ flags }) => !flags.includes("handshake")).map(({ id }) => id),
      );
      return ids.every((id) => known.has(id));
    });
    await Promise.all(
      this.#nodes.slice(primaries).map((node, index) => {
        return this.#ask(node, (redis) => redis.cluster("REPLICATE", ids[index % primaries] ?? ""));
      }),
    );
    await this.untilOk();
    await this.#all("to know every replica", async (redis) => {
      const replicas = (await clusterNodes(redis)).filter(({ flags }) => flags.includes("slave"));
      return replicas.length === this.#nodes.length - primaries;
    });
    await Promise.all(
      this.#nodes.slice(primaries).map((node) =>
        untilRedis(this.#target(node), "a replica to have its primary's data", async (redis) => {
          return infoFields(await redis.info("replication"))["master_link_status"] === "up";
        }),
      ),
    );
  }

  async untilOk(): Promise<void> {
    await this.#all("to serve all slots", async (redis) => {
      return infoFields(await redis.cluster("INFO"))["cluster_state"] === "ok";
    });
  }

  async primaryOf(key: string): Promise<number> {
    const [node] = this.#awake();
    if (node === undefined) throw new Error("no node of the cluster answers");
    return this.#ask(node, async (redis) => {
      const slot = await redis.cluster("KEYSLOT", key);
      for (const [from, to, primary] of await redis.cluster("SLOTS")) {
        if (slot >= from && slot <= to) return this.#nodes.findIndex(({ port }) => port === primary?.[1]);
      }
      throw new Error(`no node serves slot ${slot}`);
    });
  }

  async #all(what: string, holds: (redis: Redis) => Promise<boolean>): Promise<void> {
    const running = this.#nodes.filter((node) => node.isRunning());
    await Promise.all(running.map((node) => untilRedis(this.#target(node), `the cluster's nodes ${what}`, holds)));
  }

  #ask<T>(node: RedisNode, use: (redis: Redis) => Promise<T>): Promise<T> {
    return withRedis(this.#target(node), use);
  }

  #target(node: RedisNode): RedisAddress & { password: string } {
    return { ...addressOf(node), password: this.#host.password };
  }
}

/** @see https://redis.io/docs/latest/commands/cluster-nodes/ */
async function clusterNodes(redis: Redis): Promise<readonly { id: string; flags: readonly string[] }[]> {
  const text = String(await redis.cluster("NODES"));
  return text
    .trim()
    .split("\n")
    .map((line) => {
      const [id = "", , flags = ""] = line.split(" ");
      return { id, flags: flags.split(",") };
    });
}
