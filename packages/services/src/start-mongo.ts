/** Finds or starts a MongoDB server, or a stand-in for it, for tests, demo and bench. */
import { dockerHas } from "./docker-container.ts";
import { MONGO_IMAGE, startDockerMongo } from "./docker-mongo.ts";
import { downloadedMongod } from "./downloaded-mongod.ts";
import { mongoVersion } from "./mongo-client.ts";
import { mongodProgram, standInProgram, startMongoProcess } from "./mongo-process.ts";
import { programOnPath } from "./program-on-path.ts";
import type { PausableControl } from "./server-control.ts";
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
  /** The server answers nobody and closes nothing, until `resume`; the stand-in's Rust build then resets its connections. */
  pause(): Promise<void>;
  resume(): Promise<void>;
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
  const wanted = options.origin ?? originFromEnvironment(MONGO_ORIGIN, MONGO_ORIGIN.origins);
  const { origin, server } = await firstServer({
    what: "MongoDB",
    origins: MONGO_ORIGIN.origins,
    wanted,
    hint: INSTALL_HINT,
    start: (each) => serverFrom(each, { insist: wanted !== undefined, log }),
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
    pause: () => server.pause(),
    resume: () => server.resume(),
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
async function serverFrom(origin: MongoOrigin, { insist, log }: FromOptions): Promise<PausableControl | undefined> {
  switch (origin) {
    case "env":
      return givenServer();
    case "docker":
      return (await dockerHas(MONGO_IMAGE, log)) ? startDockerMongo() : undefined;
    case "path":
    case "download": {
      const mongod = origin === "path" ? programOnPath("mongod") : await downloadedMongod({ insist, log });
      return mongod === undefined ? undefined : startMongoProcess(mongodProgram(mongod, `${origin}, ${mongod}`));
    }
    case "stand-in": {
      const installation = await standInInstallation(log);
      return installation === undefined ? undefined : startMongoProcess(standInProgram(installation));
    }
  }
}

interface FromOptions {
  /** True: this origin and no other. */
  readonly insist: boolean;
  readonly log: (line: string) => void;
}

/** Somebody else's server: used, never stopped. */
function givenServer(): PausableControl | undefined {
  const url = givenBy("MONGODB_URL");
  if (url === undefined) return undefined;
  const notOurs = refuseToEnd("MONGODB_URL");
  return {
    url,
    description: "env, MONGODB_URL",
    isRunning: () => true,
    restart: notOurs,
    kill: notOurs,
    pause: notOurs,
    resume: notOurs,
    stop: () => Promise.resolve(),
  };
}
