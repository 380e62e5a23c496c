/** The stores of this repository as targets of the conformance kit: for `pnpm conformance`, not for users. */
import { storeTarget, type Target } from "../conformance/src/targets.ts";
import { createMemoryBackend, createMemoryTaskStore, type MemoryBackend } from "../packages/memory/src/index.ts";
import { createPostgresTaskStore } from "../packages/postgres/src/index.ts";
import { startPostgres } from "../packages/services/src/index.ts";

/** A target, and the server behind it. */
export interface OpenBackend extends AsyncDisposable {
  readonly target: Target;
}

/** Connections for each handle: rules side by side must not use up the server's. */
const POOL_SIZE = 4;

function memory(): OpenBackend {
  const backends = new Map<string, MemoryBackend>();
  const target = storeTarget({
    name: "memory",
    opensTwice: true,
    concurrency: 16,
    open(namespaceId, settings) {
      const backend = backends.get(namespaceId) ?? createMemoryBackend();
      backends.set(namespaceId, backend);
      return createMemoryTaskStore({ ...settings, backend });
    },
    async dispose(namespaceId) {
      backends.delete(namespaceId);
    },
  });
  return { target, [Symbol.asyncDispose]: async () => undefined };
}

async function postgres(log: (line: string) => void): Promise<OpenBackend> {
  const service = await startPostgres({ fast: true, log });
  try {
    const database = await service.freshDatabase();
    const target = storeTarget({
      name: "postgres",
      version: service.version,
      concurrency: 8,
      open: (schema, settings) =>
        createPostgresTaskStore({ ...settings, connectionString: database.url, schema, poolSize: POOL_SIZE }),
      // A server that was there already is not ours to kill.
      ...(service.origin === "env"
        ? {}
        : {
            async restart() {
              await service.kill("SIGKILL");
              await service.restart();
            },
          }),
    });
    return {
      target,
      async [Symbol.asyncDispose]() {
        await database.drop();
        await service.stop();
      },
    };
  } catch (error) {
    await service.stop();
    throw error;
  }
}

/** How to open each backend; the order is the table's. `log` takes a line that says what is used. */
export const BACKENDS: Readonly<Record<string, (log: (line: string) => void) => OpenBackend | Promise<OpenBackend>>> = {
  memory,
  postgres,
};
