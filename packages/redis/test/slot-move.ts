/** Moves a slot from one node of a cluster to another one, step by step. */
import type { Cluster, Redis } from "ioredis";
import type { RedisCluster } from "@mcp-task-store/services";

/** A slot on its way from one node to another, both by their number. */
export interface Move {
  readonly from: number;
  readonly to: number;
  /** How often the node that it leaves has sent somebody on so far. */
  redirections(): Promise<number>;
  /** Moves these keys. */
  step(keys: readonly string[]): Promise<void>;
  /** Moves the others, and gives the slot to the other node. */
  end(): Promise<void>;
  /** The slot stays where it was; no key may have been moved. */
  abandon(): Promise<void>;
}

/**
 * @param freshClient one that knows the primaries as they are
 * @param key one of the slot
 */
export async function beginMove(
  cluster: RedisCluster,
  freshClient: () => Promise<Cluster>,
  { slot, key }: { readonly slot: number; readonly key: string },
): Promise<Move> {
  const fresh = await freshClient();
  const nodes = await Promise.all(
    fresh.nodes("master").map(async (node) => ({ node, id: await node.cluster("MYID") })),
  );
  const owner = cluster.nodes[await cluster.primaryOf(key)];
  const from = nodes.find(({ node }) => node.options.port === owner?.port);
  const to = nodes.find((each) => each !== from);
  if (from === undefined || to === undefined) throw new Error("a cluster has primaries");
  await to.node.cluster("SETSLOT", slot, "IMPORTING", from.id);
  await from.node.cluster("SETSLOT", slot, "MIGRATING", to.id);
  const { host = "", port = 0 } = to.node.options;
  const step = async (names: readonly string[]): Promise<void> => {
    for (const name of names) await from.node.call("MIGRATE", host, port, name, 0, 5_000, "AUTH", cluster.password);
  };
  const end = async (): Promise<void> => {
    for (;;) {
      const names = await from.node.cluster("GETKEYSINSLOT", slot, 1);
      if (names.length === 0) break;
      await step(names.map(String));
    }
    for (const { node } of nodes) await node.cluster("SETSLOT", slot, "NODE", to.id);
  };
  const indexOf = (node: Redis): number => cluster.nodes.findIndex((each) => each.port === node.options.port);
  const redirections = async (): Promise<number> =>
    Number(/^errorstat_ASK:count=(\d+)/m.exec(await from.node.info("errorstats"))?.[1] ?? 0);
  const abandon = async (): Promise<void> => {
    const again = await freshClient();
    for (const node of again.nodes("master")) await node.cluster("SETSLOT", slot, "STABLE");
  };
  return { from: indexOf(from.node), to: indexOf(to.node), redirections, step, end, abandon };
}
