/** The stores of this repository as targets of the conformance kit: for `pnpm conformance`, not for users. */
import { storeTarget, type Target } from "../conformance/src/targets.ts";
import { createMemoryBackend, createMemoryTaskStore, type MemoryBackend } from "../packages/memory/src/index.ts";
import { createPostgresTaskStore } from "../packages/postgres/src/index.ts";
import { createRedisTaskStore, type RedisTaskStoreOptions } from "../packages/redis/src/index.ts";
import { startPostgres, startRedis, startRedisCluster } from "../packages/services/src/index.ts";

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

/** A prefix of keys for each namespace. What is left of it goes with the server, or expires. */
function redisTarget(
  name: string,
  version: string,
  source: Pick<RedisTaskStoreOptions, "connectionString" | "cluster">,
  restart?: () => Promise<void>,
): Target {
  return storeTarget({
    name,
    version,
    concurrency: 8,
    open: (namespaceId, settings) =>
      createRedisTaskStore({ ...settings, ...source, keyPrefix: `${namespaceId}:`, durable: restart !== undefined }),
    ...(restart === undefined ? {} : { restart }),
  });
}

/** With appendfsync always, since the kit stops it hard. */
async function redis(log: (line: string) => void): Promise<OpenBackend> {
  const service = await startRedis({ log });
  const restart = async (): Promise<void> => {
    await service.kill("SIGKILL");
    await service.restart();
  };
  // A server that was there already is not ours to kill.
  const target = redisTarget(
    "redis",
    service.version,
    { connectionString: service.url },
    service.origin === "env" ? undefined : restart,
  );
  return { target, [Symbol.asyncDispose]: () => service.stop() };
}

/** All nodes are stopped and started together: no replica takes over, which might lack what was acknowledged last. */
async function redisCluster(log: (line: string) => void): Promise<OpenBackend> {
  const cluster = await startRedisCluster({ nodeTimeoutMs: 60_000, log });
  const { nodes, password } = cluster;
  const restart = async (): Promise<void> => {
    await Promise.all(nodes.map((_, index) => cluster.killNode(index)));
    await Promise.all(nodes.map((_, index) => cluster.restartNode(index)));
    await cluster.untilOk();
  };
  const target = redisTarget("redis-cluster", cluster.version, { cluster: { nodes, password } }, restart);
  return { target, [Symbol.asyncDispose]: () => cluster.stop() };
}

/** How to open each backend; the order is the table's. `log` takes a line that says what is used. */
export const BACKENDS: Readonly<Record<string, (log: (line: string) => void) => OpenBackend | Promise<OpenBackend>>> = {
  memory,
  postgres,
  redis,
  "redis-cluster": redisCluster,
};
