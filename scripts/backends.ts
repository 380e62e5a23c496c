/** The stores of this repository as targets of the conformance kit: for `pnpm conformance`, not for users. */
import { randomBytes } from "node:crypto";
import type { Target } from "../conformance/src/targets.ts";
import {
  mongoIsLeftOut,
  postgresIsLeftOut,
  redisIsLeftOut,
  startMongo,
  startPostgres,
  startRedis,
  startRedisCluster,
} from "../packages/services/src/index.ts";
import { target as memoryTarget } from "./targets/memory.ts";
import { servedTarget } from "./targets/served-targets.ts";

/** Names one of {@link BACKENDS} to the process that is to open it. */
export const BACKEND_VARIABLE = "MCP_TASK_STORE_BACKEND";

/** A target, and the server behind it. */
export interface OpenBackend extends AsyncDisposable {
  readonly target: Target;
}

async function postgres(log: (line: string) => void): Promise<OpenBackend> {
  const service = await startPostgres({ fast: true, log });
  try {
    const database = await service.freshDatabase();
    const source = { store: "postgres", connectionString: database.url } as const;
    const target = servedTarget(source, {
      version: service.version,
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

/** With appendfsync always, since the kit stops it hard. */
async function redis(log: (line: string) => void): Promise<OpenBackend> {
  const service = await startRedis({ log });
  const restart = async (): Promise<void> => {
    await service.kill("SIGKILL");
    await service.restart();
  };
  // A server that was there already is not ours to kill.
  const durable = service.origin !== "env";
  const source = { store: "redis", connectionString: service.url, durable } as const;
  const target = servedTarget(source, { version: service.version, ...(durable ? { restart } : {}) });
  return { target, [Symbol.asyncDispose]: () => service.stop() };
}

/** All nodes are stopped and started together: no replica takes over, which might lack what was acknowledged last. */
async function redisCluster(log: (line: string) => void): Promise<OpenBackend> {
  const cluster = await startRedisCluster({ log });
  const { nodes, password } = cluster;
  const restart = async (): Promise<void> => {
    await Promise.all(nodes.map((_, index) => cluster.killNode(index)));
    await Promise.all(nodes.map((_, index) => cluster.restartNode(index)));
    await cluster.untilOk();
  };
  const source = { store: "redis", cluster: { nodes, password }, durable: true } as const;
  const target = servedTarget(source, { name: "redis-cluster", version: cluster.version, restart });
  return { target, [Symbol.asyncDispose]: () => cluster.stop() };
}

async function mongodb(log: (line: string) => void): Promise<OpenBackend> {
  const service = await startMongo({ log });
  const { url: connectionString, isStandIn, version } = service;
  const database = `conformance_${randomBytes(6).toString("hex")}`;
  const restart = async (): Promise<void> => {
    await service.kill("SIGKILL");
    await service.restart();
  };
  // A server that was there already is not ours to kill.
  const ours = service.origin !== "env";
  const source = { store: "mongodb", connectionString, database, isStandIn } as const;
  const target = servedTarget(source, { version, ...(ours ? { restart } : {}) });
  return { target, [Symbol.asyncDispose]: () => service.stop() };
}

/** How to open each backend; the order is the table's. `log` takes a line that says what is used. */
export const BACKENDS: Readonly<Record<string, (log: (line: string) => void) => OpenBackend | Promise<OpenBackend>>> = {
  memory: () => ({ target: memoryTarget, [Symbol.asyncDispose]: async () => undefined }),
  postgres,
  redis,
  "redis-cluster": redisCluster,
  mongodb,
};

const LEFT_OUT: Readonly<Record<string, () => boolean>> = {
  postgres: postgresIsLeftOut,
  redis: redisIsLeftOut,
  "redis-cluster": redisIsLeftOut,
  mongodb: mongoIsLeftOut,
};

/** Whether this run does without it: MCP_TASK_STORE_POSTGRES=off and its like. */
export function isLeftOut(name: string): boolean {
  return LEFT_OUT[name]?.() ?? false;
}
