import { once } from "node:events";
import { connect } from "node:net";
import { storeTarget } from "@mcp-task-store/conformance/targets";
import { createPostgresTaskStore } from "@mcp-task-store/postgres";
import { startPostgres } from "@mcp-task-store/services";
import { startServerProcess } from "../server/server-process.ts";
import { startWorkerProcess } from "../workers/worker-process.ts";
import type { Backend } from "./backend.ts";

/** A handle of the kit needs few connections, and there are many handles at a time. */
const KIT_POOL_SIZE = 3;

/** A real server, found or started, and a database of its own in it; workers are processes. */
export async function postgresBackend(): Promise<Backend> {
  let description = "";
  const server = await startPostgres({
    log: (line) => {
      description = line;
    },
  });
  const database = await server.freshDatabase().catch(async (error: unknown) => {
    await server.stop();
    throw error;
  });
  const connectionString = database.url;
  const environment = { POSTGRES_URL: connectionString };
  return {
    description: `${description}, database ${database.name}`,
    peer: "process",
    canLoseServer: true,
    lossBy: "SIGKILL:",
    lost: "killed",
    limits: [],
    target: storeTarget({
      name: "postgres",
      version: server.version,
      // The schemas go with the database.
      open: (namespaceId, settings) =>
        createPostgresTaskStore({ connectionString, schema: namespaceId, poolSize: KIT_POOL_SIZE, ...settings }),
    }),
    openStore: (options) => createPostgresTaskStore({ connectionString, ...options }),
    startServer: (options) => startServerProcess(environment, options),
    startWorker: (name, onTrouble) => startWorkerProcess({ name, onTrouble, environment }),
    [Symbol.asyncDispose]: async () => {
      await database.drop();
      await server.stop();
    },
    leftovers: async () => {
      const { host, hostname, port } = new URL(server.url);
      // A server that was there before stays.
      return server.origin !== "env" && (await answers(hostname, Number(port))) ? [`a server on ${host}`] : [];
    },
  };
}

async function answers(host: string, port: number): Promise<boolean> {
  const socket = connect({ host, port });
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
