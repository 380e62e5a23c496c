/** A Postgres server in a container, where Docker works. */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { promisify } from "node:util";
import { Client } from "pg";
import { freePort } from "./free-port.ts";
import { pollUntil } from "./poll-until.ts";
import type { ServerSettings } from "./postgres-process.ts";
import type { ServerControl } from "./server-control.ts";
import { startWatchdog } from "./start-watchdog.ts";

const run = promisify(execFile);

const IMAGE = "postgres:18-alpine";

/** True when there is a Docker client and its daemon answers. */
export async function dockerWorks(): Promise<boolean> {
  try {
    await run("docker", ["info"], { timeout: 5_000 });
    return true;
  } catch {
    return false;
  }
}

export async function startDockerPostgres({ fast, settings }: ServerSettings): Promise<ServerControl> {
  const name = `mcp-task-store-postgres-${randomBytes(6).toString("hex")}`;
  const password = randomBytes(18).toString("base64url");
  const port = await freePort();
  const serverSettings = {
    max_connections: "200",
    ...(fast ? { fsync: "off", full_page_writes: "off" } : {}),
    ...settings,
  };
  const flags = Object.entries(serverSettings).flatMap(([key, value]) => ["-c", `${key}=${value}`]);
  const url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
  let running = true;
  let stopped: Promise<void> | undefined;
  const docker = (...args: string[]): Promise<unknown> => run("docker", args);
  const watchdog = startWatchdog();
  watchdog.watch("container", name);
  const remove = async (): Promise<void> => {
    await docker("rm", "--force", "--volumes", name);
    await watchdog.done();
  };

  try {
    const publish = `127.0.0.1:${port}:5432`;
    const environment = `POSTGRES_PASSWORD=${password}`;
    await docker("run", "--detach", "--name", name, "--publish", publish, "--env", environment, IMAGE, ...flags);
    await untilReady(url);
  } catch (error) {
    await remove().catch(() => {}); // the first failure says more
    throw error;
  }
  return {
    url,
    description: `docker, ${IMAGE}`,
    isRunning: () => running,
    restart: async () => {
      await docker("restart", name);
      await untilReady(url);
      running = true;
    },
    kill: async () => {
      running = false;
      await docker("kill", name);
    },
    stop: async () => {
      running = false;
      await (stopped ??= remove());
    },
  };
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
