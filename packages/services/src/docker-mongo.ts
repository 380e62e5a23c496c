/** A MongoDB server in a container, as a replica set of one node. */
import { startContainer } from "./docker-container.ts";
import { freePort } from "./free-port.ts";
import { mongodArguments, mongodIsReady, mongoUrl } from "./mongo-process.ts";
import { pollUntil } from "./poll-until.ts";
import type { PausableControl } from "./server-control.ts";

export const MONGO_IMAGE = "mongo:8.0";

export async function startDockerMongo(): Promise<PausableControl> {
  // The same inside: the replica set names its member by the address that this machine uses.
  const port = await freePort();
  const container = await startContainer({
    kind: "mongodb",
    image: MONGO_IMAGE,
    ports: new Map([[port, port]]),
    command: [...mongodArguments(port), "--bind_ip_all"],
    untilReady: async () => {
      await pollUntil(() => mongodIsReady(port), {
        what: "the container to take connections",
        deadlineMs: 60_000,
        everyMs: 100,
      });
    },
  });
  return { ...container, url: mongoUrl(port), description: `docker, ${MONGO_IMAGE}` };
}
