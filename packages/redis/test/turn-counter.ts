/** Proxies before the nodes of a cluster that count round trips: each time a node is spoken to after it had answered. */
import { once } from "node:events";
import { connect, createServer, type Server } from "node:net";

interface Address {
  readonly host: string;
  readonly port: number;
}

export interface TurnCounter extends AsyncDisposable {
  /** Where each node is found: for ioredis's natMap, and to begin with. */
  readonly natMap: Readonly<Record<string, Address>>;
  readonly nodes: readonly Address[];
  /** Round trips to each node while `calls` ran, as far as there were any; in the order of the first. */
  during(calls: () => Promise<unknown>): Promise<readonly number[]>;
}

/** In the name of the connections by which ioredis asks for the cluster's slots every few seconds: no call's cost. */
const REFRESHER = "refresher";

export async function turnCounter(nodes: readonly Address[]): Promise<TurnCounter> {
  let turns: { readonly node: string; readonly connection: { isRefresher: boolean } }[] = [];
  const servers: Server[] = [];
  const natMap: Record<string, Address> = {};
  for (const node of nodes) {
    const name = `${node.host}:${node.port}`;
    const server = createServer((client) => {
      const upstream = connect(node);
      const connection = { isRefresher: false };
      let hasAnswered = true;
      client.on("data", (chunk) => {
        // Whatever is written in one go arrives before this process reads an answer.
        if (hasAnswered) turns.push({ node: name, connection });
        hasAnswered = false;
        connection.isRefresher ||= chunk.includes(REFRESHER);
        upstream.write(chunk);
      });
      upstream.on("data", (chunk) => {
        hasAnswered = true;
        client.write(chunk);
      });
      for (const [from, to] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        from.on("error", () => {});
        from.on("close", () => to.destroy());
      }
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    servers.push(server);
    const address = server.address();
    if (typeof address !== "object" || address === null) throw new Error("it listens on TCP");
    natMap[name] = { host: "127.0.0.1", port: address.port };
  }
  return {
    natMap,
    nodes: Object.values(natMap),
    async during(calls) {
      turns = [];
      await calls();
      const counts = new Map<string, number>();
      for (const { node, connection } of turns) {
        if (!connection.isRefresher) counts.set(node, (counts.get(node) ?? 0) + 1);
      }
      return [...counts.values()];
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    },
  };
}
