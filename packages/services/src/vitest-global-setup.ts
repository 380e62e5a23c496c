/** Vitest's global setup: one server of each kind for the whole run, as far as the chosen test files ask for it. */
import { isLeftOut, type OriginVariable } from "./server-origins.ts";
import { shareServer } from "./shared-server.ts";
import { MONGO_ORIGIN, startMongo } from "./start-mongo.ts";
import { POSTGRES_ORIGIN, startPostgres } from "./start-postgres.ts";
import { startRedisCluster } from "./start-redis-cluster.ts";
import { REDIS_ORIGIN, startRedis } from "./start-redis.ts";
import { freshTestDatabase, TEST_POSTGRES_VARIABLE } from "./test-database.ts";
import { wordsUsedBy } from "./test-file-needs.ts";
import { freshTestMongo, TEST_MONGO_VARIABLE } from "./test-mongo.ts";
import {
  freshTestRedis,
  freshTestRedisCluster,
  TEST_REDIS_CLUSTER_VARIABLE,
  TEST_REDIS_VARIABLE,
} from "./test-redis.ts";

type Log = (line: string) => void;

interface Shared {
  readonly stop: () => Promise<void>;
  /** What the helper needs to know. */
  readonly told: object;
}

interface SharedKind {
  readonly name: string;
  readonly origin: OriginVariable<string>;
  readonly variable: string;
  /** Whoever calls it needs the server. */
  readonly helper: { readonly name: string };
  readonly start: (log: Log) => Promise<Shared>;
}

const KINDS: readonly SharedKind[] = [
  {
    name: "postgres",
    origin: POSTGRES_ORIGIN,
    variable: TEST_POSTGRES_VARIABLE,
    helper: freshTestDatabase,
    start: async (log) => {
      const service = await startPostgres({ fast: true, log });
      return { stop: () => service.stop(), told: { url: service.url } };
    },
  },
  {
    name: "redis",
    origin: REDIS_ORIGIN,
    variable: TEST_REDIS_VARIABLE,
    helper: freshTestRedis,
    start: async (log) => {
      const service = await startRedis({ fast: true, log });
      return { stop: () => service.stop(), told: { url: service.url } };
    },
  },
  {
    name: "redis cluster",
    origin: REDIS_ORIGIN,
    variable: TEST_REDIS_CLUSTER_VARIABLE,
    helper: freshTestRedisCluster,
    start: async (log) => {
      const cluster = await startRedisCluster({ fast: true, log });
      return { stop: () => cluster.stop(), told: { nodes: cluster.nodes, password: cluster.password } };
    },
  },
  {
    name: "mongodb",
    origin: MONGO_ORIGIN,
    variable: TEST_MONGO_VARIABLE,
    helper: freshTestMongo,
    start: async (log) => {
      const service = await startMongo({ log });
      return { stop: () => service.stop(), told: { url: service.url, isStandIn: service.isStandIn } };
    },
  },
];

let started: readonly Shared[] = [];

/** As far as it is used here: vitest's project, which knows the chosen files. */
interface Project {
  readonly vitest: { readonly state: { getPaths(): readonly string[] } };
}

export async function setup({ vitest }: Project): Promise<void> {
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  const used = wordsUsedBy(
    vitest.state.getPaths(),
    KINDS.map(({ helper }) => helper.name),
  );
  const needed = KINDS.filter(({ helper }) => used.has(helper.name));
  for (const { name, origin } of needed.filter((each) => isLeftOut(each.origin))) {
    say(`${name}: LEFT OUT by ${origin.name}=off`);
  }
  const attempts = await Promise.allSettled(
    needed
      .filter(({ origin }) => !isLeftOut(origin))
      .map(async ({ variable, start }) => {
        const shared = await start(say);
        shareServer(variable, shared.told);
        return shared;
      }),
  );
  started = attempts.flatMap((attempt) => (attempt.status === "fulfilled" ? [attempt.value] : []));
  const failures = attempts.flatMap((attempt) => (attempt.status === "rejected" ? [attempt.reason as unknown] : []));
  if (failures.length === 0) return;
  await teardown();
  if (failures.length === 1) throw failures[0];
  throw new AggregateError(failures, `${failures.length} servers did not start`);
}

export async function teardown(): Promise<void> {
  const stopping = started;
  started = [];
  await Promise.all(stopping.map(({ stop }) => stop()));
}
