/** Finds or starts a MongoDB server, or a stand-in for it, for tests, demo and bench. */
import { mongoVersion } from "./mongo-client.ts";
import { startMongoProcess } from "./mongo-process.ts";
import type { ServerControl } from "./server-control.ts";
import {
  firstServer,
  givenBy,
  isLeftOut,
  originFromEnvironment,
  type OriginVariable,
  refuseToEnd,
} from "./server-origins.ts";
import { standInInstallation } from "./stand-in-installation.ts";

export type MongoOrigin = "env" | "path" | "docker" | "download" | "stand-in";

export interface MongoOptions {
  /** Only this one. @default the variable MCP_TASK_STORE_MONGODB, else the first that there is, in the order of the type */
  readonly origin?: MongoOrigin | undefined;
  /** Takes lines that say what is used, and what is installed meanwhile. @default nothing is said */
  readonly log?: ((line: string) => void) | undefined;
}

export interface MongoService extends AsyncDisposable {
  /** Of a replica set of one node, addressed directly, without a database. */
  readonly url: string;
  readonly origin: MongoOrigin;
  /** What the server says it is: "8.0.4". */
  readonly version: string;
  /**
   * True: not MongoDB but SecantusDB. It cannot show elections, lag between nodes, write-concern time-outs, sharding,
   * retryable writes that are known after a restart, or speed.
   */
  readonly isStandIn: boolean;
  /** Ends the server in good order and starts it again at the same address with the same data. Also after kill. */
  restart(): Promise<void>;
  /** Ends every process of the server at once, as a power cut does. */
  kill(signal: "SIGKILL"): Promise<void>;
  /** Ends it for good and removes its data; a server that was there already is left alone. Calling it twice is harmless. */
  stop(): Promise<void>;
}

export const MONGO_ORIGIN: OriginVariable<MongoOrigin> = {
  name: "MCP_TASK_STORE_MONGODB",
  origins: ["env", "path", "docker", "download", "stand-in"],
};

const INSTALL_HINT =
  "found no MongoDB server. Do one of these: set MONGODB_URL to a replica set that may be used; install mongod, " +
  "version 6 or later; start Docker; or install Python 3.10 or later with venv (Debian: apt install python3-venv), " +
  "for a stand-in. MCP_TASK_STORE_MONGODB=off leaves out what needs MongoDB.";

/**
 * Uses MONGODB_URL, else starts a server on loopback: this machine's mongod, one in Docker, one that is downloaded, or
 * the stand-in. What it started ends and leaves no file when `stop` is called or this process ends, also when it is killed.
 * @throws Error that says what to install when there is none
 */
export async function startMongo(options: MongoOptions = {}): Promise<MongoService> {
  const log = options.log ?? (() => {});
  const { origin, server } = await firstServer({
    what: "MongoDB",
    origins: MONGO_ORIGIN.origins,
    wanted: options.origin ?? originFromEnvironment(MONGO_ORIGIN),
    hint: INSTALL_HINT,
    start: (each) => serverFrom(each, log),
  });
  const version = await mongoVersion(server.url).catch(async (error: unknown) => {
    await server.stop();
    throw error;
  });
  const isStandIn = origin === "stand-in";
  log(`mongodb ${version} (${server.description}) on ${new URL(server.url).host}`);
  if (isStandIn) log(STAND_IN_NOTE);
  return {
    url: server.url,
    origin,
    version,
    isStandIn,
    restart: () => server.restart(),
    kill: () => server.kill(),
    stop: () => server.stop(),
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

const STAND_IN_NOTE =
  "mongodb: a STAND-IN, not MongoDB: it cannot show elections, lag, write-concern time-outs, sharding, retryable writes " +
  "across a restart, or speed";

/** True when the variable MCP_TASK_STORE_MONGODB leaves out what needs MongoDB. */
export function mongoIsLeftOut(): boolean {
  return isLeftOut(MONGO_ORIGIN);
}

/** Undefined: this machine has none of that origin. */
async function serverFrom(origin: MongoOrigin, log: (line: string) => void): Promise<ServerControl | undefined> {
  switch (origin) {
    case "env":
      return givenServer();
    case "stand-in": {
      const { command, args, description } = await standInInstallation(log);
      return startMongoProcess({
        command,
        // Without --sync-on-commit it loses acknowledged writes when it is killed.
        args: (port, data) =>
          args.concat("--host", "127.0.0.1", "--port", String(port), "--storage-path", data, "--sync-on-commit"),
        description: `stand-in, ${description}`,
      });
    }
    case "path":
    case "docker":
    case "download":
      return undefined;
  }
}

/** Somebody else's server: used, never stopped. */
function givenServer(): ServerControl | undefined {
  const url = givenBy("MONGODB_URL");
  if (url === undefined) return undefined;
  const notOurs = refuseToEnd("MONGODB_URL");
  return {
    url,
    description: "env, MONGODB_URL",
    isRunning: () => true,
    restart: notOurs,
    kill: notOurs,
    stop: () => Promise.resolve(),
  };
}
