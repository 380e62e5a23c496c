import type { Target } from "@mcp-task-store/conformance";
import { storeTarget } from "@mcp-task-store/conformance/targets";
import { createMemoryBackend, createMemoryTaskStore, type MemoryBackend } from "@mcp-task-store/memory";
import { quietStoreOptions } from "../store-options.ts";
import { startServerInProcess } from "../server/server-in-process.ts";
import { startWorkerHandle } from "../workers/worker-handle.ts";
import type { Backend } from "./backend.ts";

/** Everything in this process: workers are handles on one set of tasks. */
export function memoryBackend(): Backend {
  const backend = createMemoryBackend();
  return {
    description: "this process's memory",
    peer: "handle",
    canLoseServer: false,
    lossBy: "handle closed:",
    lost: "cut-off",
    limits: [
      "a second process: server and workers are in this one; a lost worker is one whose handle was closed",
      "a race of processes: the calls of one process take turns, and the first one wins",
      "a restart of the server: the tasks end with this process (--backend postgres shows all three)",
    ],
    target: conformanceTarget(),
    openStore: (options) => createMemoryTaskStore({ backend, ...options }),
    startServer: (options) =>
      startServerInProcess((storeOptions) => createMemoryTaskStore({ backend, ...storeOptions }), options),
    startWorker: (name, onTrouble) => {
      const store = createMemoryTaskStore({ backend, ...quietStoreOptions });
      return startWorkerHandle({ name, store, onTrouble });
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
    leftovers: () => Promise.resolve([]),
  };
}

function conformanceTarget(): Target {
  const backends = new Map<string, MemoryBackend>();
  return storeTarget({
    name: "memory",
    setup: async (namespaceId) => void backends.set(namespaceId, createMemoryBackend()),
    open: (namespaceId, settings) => createMemoryTaskStore({ backend: backends.get(namespaceId), ...settings }),
    dispose: async (namespaceId) => void backends.delete(namespaceId),
  });
}
