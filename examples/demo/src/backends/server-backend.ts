import { once } from "node:events";
import { connect } from "node:net";
import { openStoreAt, type ServerBackendName, startBackend } from "@mcp-task-store/backends";
import { storeTarget } from "@mcp-task-store/conformance/targets";
import { startServerProcess } from "../server/server-process.ts";
import { startWorkerProcess } from "../workers/worker-process.ts";
import type { Backend } from "./backend.ts";

/** A real server, found or started, and a place of its own on it; workers are processes. */
export async function serverBackend(name: ServerBackendName, log: (line: string) => void): Promise<Backend> {
  const lines: string[] = [];
  const server = await startBackend(name, {
    log: (line) => {
      lines.push(line);
      log(line);
    },
  });
  const { storeUrl } = server;
  // Rules that send a hundred calls at once need it there.
  const patience = server.isSlow ? { callTimeoutMs: 60_000 } : {};
  const environment = { STORE_URL: storeUrl };
  return {
    description: lines.at(-1) ?? name,
    peer: "process",
    canLoseServer: true,
    lossBy: "SIGKILL:",
    lost: "killed",
    limits: [],
    target: storeTarget({
      name,
      version: server.version,
      // The namespaces go with the place.
      open: (namespaceId, settings) => openStoreAt(storeUrl, { ...patience, ...settings }, namespaceId),
      // Where calls wait for each other, rules side by side would only wait longer.
      concurrency: server.isSlow ? 4 : 8,
      isolated: server.isSlow,
    }),
    openStore: (options) => openStoreAt(storeUrl, options),
    startServer: (options) => startServerProcess(environment, options),
    startWorker: (worker, onTrouble) => startWorkerProcess({ name: worker, onTrouble, environment }),
    [Symbol.asyncDispose]: async () => await server[Symbol.asyncDispose](),
    leftovers: async () => {
      const { host, hostname, port } = new URL(storeUrl);
      // A server that was there before stays.
      return server.isOurs && (await answers(hostname, Number(port))) ? [`a server on ${host}`] : [];
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
