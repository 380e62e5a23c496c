import { randomBytes } from "node:crypto";
import { dropMongoDatabase, removeKeys, startMongo, startPostgres, startRedis } from "@mcp-task-store/services";
import type { ServerBackendName } from "./server-backends.ts";

export interface StartBackendOptions {
  /** Does not wait for the disk where that can be had. @default false */
  readonly fast?: boolean | undefined;
  /** Takes lines that say what is used. @default nothing is said */
  readonly log?: ((line: string) => void) | undefined;
}

/** A server, found or started, and an empty place on it. Disposing of it removes the place, and ends what was started. */
export interface ServerBackend extends AsyncDisposable {
  readonly name: ServerBackendName;
  readonly version: string;
  /** Of the place: for `openStoreAt`, in any process. */
  readonly storeUrl: string;
  /** It does one thing at a time, and slows down with the rows of a collection: a stand-in for MongoDB. */
  readonly isSlow: boolean;
  /** Started here, so that it may be killed. */
  readonly isOurs: boolean;
  /** Ends the server at once, as a power cut does. Fails where it is not ours. */
  kill(): Promise<void>;
  /** Starts it again at the same address with the same data. Fails where it is not ours. */
  restart(): Promise<void>;
}

type Starts = (options: StartBackendOptions) => Promise<ServerBackend>;

const postgres: Starts = async (options) => {
  const service = await startPostgres(options);
  const database = await service.freshDatabase().catch(async (error: unknown) => {
    await service.stop();
    throw error;
  });
  return {
    name: "postgres",
    version: service.version,
    storeUrl: database.url,
    isSlow: false,
    isOurs: service.origin !== "env",
    kill: () => service.kill("SIGKILL"),
    restart: () => service.restart(),
    async [Symbol.asyncDispose]() {
      await database.drop();
      await service.stop();
    },
  };
};

const redis: Starts = async (options) => {
  const service = await startRedis(options);
  const keyPrefix = `mts_${randomBytes(8).toString("hex")}:`;
  return {
    name: "redis",
    version: service.version,
    storeUrl: `${service.url}#${keyPrefix}`,
    isSlow: false,
    isOurs: service.origin !== "env",
    kill: () => service.kill("SIGKILL"),
    restart: () => service.restart(),
    async [Symbol.asyncDispose]() {
      if (service.origin === "env") await removeKeys(service.url, keyPrefix);
      await service.stop();
    },
  };
};

const mongodb: Starts = async ({ log }) => {
  const service = await startMongo({ log });
  const database = `mts_${randomBytes(8).toString("hex")}`;
  const url = new URL(service.url);
  url.pathname = `/${database}`;
  return {
    name: "mongodb",
    version: service.version,
    storeUrl: url.href,
    isSlow: service.isStandIn,
    isOurs: service.origin !== "env",
    kill: () => service.kill("SIGKILL"),
    restart: () => service.restart(),
    async [Symbol.asyncDispose]() {
      if (service.origin === "env") await dropMongoDatabase(service.url, database);
      await service.stop();
    },
  };
};

const STARTS: Readonly<Record<ServerBackendName, Starts>> = { postgres, redis, mongodb };

/** @throws Error that says what to install when there is none */
export async function startBackend(name: ServerBackendName, options: StartBackendOptions = {}): Promise<ServerBackend> {
  return await STARTS[name](options);
}
