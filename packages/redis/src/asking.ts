import type { RedisClusterLike } from "./options.ts";

/** Nodes that are heard already: more than one store may use a cluster. */
const heard = new WeakSet<object>();

/**
 * Before a command that was redirected ioredis sends ASKING, and listens to no answer of it: where that connection is
 * lost, an unhandled rejection would end the process.
 * @returns ends it for nodes that are still to come
 */
export function hearAnswersOfAsking(cluster: RedisClusterLike): () => void {
  for (const node of cluster.nodes("all")) hear(node);
  cluster.on("+node", hear);
  return () => void cluster.off("+node", hear);
}

function hear(node: object): void {
  if (heard.has(node) || !("asking" in node)) return;
  const { asking } = node;
  if (typeof asking !== "function") return;
  heard.add(node);
  Object.assign(node, {
    asking: (...values: readonly unknown[]): unknown => {
      const answer: unknown = Reflect.apply(asking, node, values);
      Promise.resolve(answer).catch(() => {});
      return answer;
    },
  });
}
