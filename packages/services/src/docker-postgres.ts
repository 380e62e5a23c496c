/** A Postgres server in a container. */
import { randomBytes } from "node:crypto";
import { Client } from "pg";
import { startContainer } from "./docker-container.ts";
import { freePort } from "./free-port.ts";
import { pollUntil } from "./poll-until.ts";
import type { ServerSettings } from "./postgres-process.ts";
import type { ServerControl } from "./server-control.ts";

export const POSTGRES_IMAGE = "postgres:18-alpine";

export async function startDockerPostgres({ fast, settings }: ServerSettings): Promise<ServerControl> {
  const password = randomBytes(18).toString("base64url");
  const port = await freePort();
  const serverSettings = {
    max_connections: "200",
    ...(fast ? { fsync: "off", full_page_writes: "off" } : {}),
    ...settings,
  };
  const url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
  const container = await startContainer({
    kind: "postgres",
    image: POSTGRES_IMAGE,
    ports: new Map([[port, 5432]]),
    environment: { POSTGRES_PASSWORD: password },
    command: Object.entries(serverSettings).flatMap(([key, value]) => ["-c", `${key}=${value}`]),
    untilReady: () => untilReady(url),
  });
  return { ...container, url, description: `docker, ${POSTGRES_IMAGE}` };
}

/** The image starts a first server without network to prepare the data, so only a connection from outside counts. */
async function untilReady(url: string): Promise<void> {
  await pollUntil(
    async () => {
      const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
      client.on("error", () => {});
      try {
        await client.connect();
        return true;
      } catch {
        return false;
      } finally {
        await client.end().catch(() => {});
      }
    },
    { what: "the container to take connections", deadlineMs: 60_000, everyMs: 100 },
  );
}
