/** Finds or starts a Redis or Valkey server, for tests, demo and bench. */
import { dockerHas } from "./docker-container.ts";
import { dockerRedis, REDIS_IMAGE } from "./docker-redis.ts";
import { redisVersion } from "./redis-client.ts";
import { dataSettings, type RedisHost } from "./redis-host.ts";
import { installedRedis, redisFromApt } from "./redis-installation.ts";
import { redisProcesses } from "./redis-process.ts";
import {
  firstServer,
  givenBy,
  isLeftOut,
  originFromEnvironment,
  type OriginVariable,
  refuseToEnd,
} from "./server-origins.ts";

export type RedisOrigin = "env" | "path" | "docker" | "apt";

/** Of a server that was started here. */
export type StartedRedisOrigin = Exclude<RedisOrigin, "env">;

export interface RedisOptions {
  /** Only this one. @default the variable MCP_TASK_STORE_REDIS, else the first that there is, in the order of the type */
  readonly origin?: RedisOrigin | undefined;
  /**
   * Origins that do not do, also when the variable wants one: "env" for a server that is to be ended, "docker" for one
   * that is to read this machine's files. @default none
   */
  readonly notFrom?: readonly RedisOrigin[] | undefined;
  /**
   * Writes its log to the disk once a second (appendfsync everysec), and so may lose what it acknowledged when it is
   * killed. @default false: appendfsync always, nothing acknowledged is lost
   */
  readonly fast?: boolean | undefined;
  /** Further settings, as in redis.conf; they win. Not for a server that is there already. */
  readonly settings?: Readonly<Record<string, string>> | undefined;
  /** Takes a line that says what is used, and others when something is installed first. @default nothing is said */
  readonly log?: ((line: string) => void) | undefined;
}

export interface RedisService extends AsyncDisposable {
  /** With the password. */
  readonly url: string;
  readonly origin: RedisOrigin;
  readonly kind: "redis" | "valkey";
  /** The server's own: "7.0.15". */
  readonly version: string;
  /** Ends the server in good order and starts it again at the same address with the same data. Also after kill. */
  restart(): Promise<void>;
  /** Ends the server at once, as a power cut does. */
  kill(signal: "SIGKILL"): Promise<void>;
  /** The server answers nobody and closes nothing, until `resume`. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Ends it for good and removes its data; a server that was there already is left alone. Calling it twice is harmless. */
  stop(): Promise<void>;
}

export const REDIS_ORIGIN: OriginVariable<RedisOrigin> = {
  name: "MCP_TASK_STORE_REDIS",
  origins: ["env", "path", "docker", "apt"],
};

const INSTALL_HINT =
  "found no Redis server. Do one of these: set REDIS_URL to a server that may be used; install Redis or Valkey " +
  "(Debian: apt install redis-server; macOS: brew install redis); or start Docker. " +
  "MCP_TASK_STORE_REDIS=off leaves out what needs Redis.";

/**
 * Uses REDIS_URL, else starts a server on loopback from this machine's programs, in Docker, or from a Debian package.
 * What it started ends and leaves no file when `stop` is called or this process ends, also when it is killed.
 * @throws Error that says what to install when there is none
 */
export async function startRedis(options: RedisOptions = {}): Promise<RedisService> {
  const { fast = false, settings = {}, notFrom = [], log } = options;
  const origins = REDIS_ORIGIN.origins.filter((each) => !notFrom.includes(each));
  const { origin, server } = await firstServer({
    what: "Redis",
    origins,
    wanted: options.origin ?? originFromEnvironment(REDIS_ORIGIN, origins),
    hint: INSTALL_HINT,
    start: async (each) => {
      if (each === "env") return givenServer();
      const host = await redisHost(each, { servers: 1, log });
      return host === undefined ? undefined : startedServer(host, fast, settings);
    },
  });
  const { kind, version } = await redisVersion(server.url).catch(async (error: unknown) => {
    await server.stop();
    throw error;
  });
  log?.(`${kind} ${version} (${server.description}) on ${new URL(server.url).host}`);
  return {
    url: server.url,
    origin,
    kind,
    version,
    restart: () => server.restart(),
    kill: () => server.kill(),
    pause: () => server.pause(),
    resume: () => server.resume(),
    stop: () => server.stop(),
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

/** True when the variable MCP_TASK_STORE_REDIS leaves out what needs Redis. */
export function redisIsLeftOut(): boolean {
  return isLeftOut(REDIS_ORIGIN);
}

type Server = Pick<RedisService, "url" | "restart" | "pause" | "resume" | "stop"> & {
  readonly description: string;
  kill(): Promise<void>;
};

async function startedServer(
  host: RedisHost,
  fast: boolean,
  settings: Readonly<Record<string, string>>,
): Promise<Server> {
  try {
    const node = await host.start({
      name: "server",
      settings: () => [...dataSettings(host.password, fast), ...Object.entries(settings)],
    });
    const url = `redis://:${host.password}@${node.host}:${node.port}`;
    return {
      url,
      description: host.description,
      restart: () => node.restart(),
      kill: () => node.kill(),
      pause: () => node.pause(),
      resume: () => node.resume(),
      stop: () => host.stop(),
    };
  } catch (error) {
    await host.stop();
    throw error;
  }
}

/** Somebody else's server: used, never stopped. */
function givenServer(): Server | undefined {
  const url = givenBy("REDIS_URL");
  if (url === undefined) return undefined;
  const notOurs = refuseToEnd("REDIS_URL");
  return {
    url,
    description: "env, REDIS_URL",
    restart: notOurs,
    kill: notOurs,
    pause: notOurs,
    resume: notOurs,
    stop: () => Promise.resolve(),
  };
}

interface HostOptions {
  /** How many servers will be started in it. */
  readonly servers: number;
  readonly log: ((line: string) => void) | undefined;
}

/** Undefined: this machine has none of that origin. */
async function redisHost(
  origin: StartedRedisOrigin,
  { servers, log = () => {} }: HostOptions,
): Promise<RedisHost | undefined> {
  switch (origin) {
    case "docker":
      return (await dockerHas(REDIS_IMAGE, log)) ? dockerRedis(servers) : undefined;
    case "path":
    case "apt": {
      const installation = origin === "path" ? installedRedis() : await redisFromApt(log);
      return installation === undefined ? undefined : redisProcesses(origin, installation);
    }
  }
}

/**
 * For servers of several processes, which no URL names: always started here, also when REDIS_URL gives the single one.
 * @throws Error that says what to install
 */
export async function startedRedisHost(
  options: HostOptions & { readonly origin: StartedRedisOrigin | undefined },
): Promise<{ origin: StartedRedisOrigin; host: RedisHost }> {
  const origins = REDIS_ORIGIN.origins.filter((each) => each !== "env");
  const { origin, server } = await firstServer({
    what: "Redis",
    origins,
    wanted: options.origin ?? originFromEnvironment(REDIS_ORIGIN, origins),
    hint: INSTALL_HINT,
    start: (each) => redisHost(each, options),
  });
  return { origin, host: server };
}
