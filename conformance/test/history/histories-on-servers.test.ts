import { setImmediate } from "node:timers/promises";
import type { TaskStore } from "@mcp-task-store/core";
import {
  freshTestDatabase,
  freshTestMongo,
  freshTestRedis,
  mongoIsLeftOut,
  postgresIsLeftOut,
  redisIsLeftOut,
} from "@mcp-task-store/services";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createMongoTaskStore } from "../../../packages/mongodb/src/index.ts";
import { createPostgresTaskStore } from "../../../packages/postgres/src/index.ts";
import { createRedisTaskStore } from "../../../packages/redis/src/index.ts";
import { checkHistory, describeWitness } from "../../src/history.ts";
import { historyOnStores, LASTING, scripts } from "./random-history.ts";

/** `HISTORY_SEED=7 vitest run histories-on-servers` makes the same calls again; when the server serves them is its business. */
const seed = Number(process.env.HISTORY_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** A place on a server that nobody else uses. */
interface Place extends AsyncDisposable {
  /** A store of another process. */
  open(): TaskStore;
}

const SERVERS: readonly (readonly [string, boolean, number, () => Promise<Place>])[] = [
  [
    "Postgres",
    postgresIsLeftOut(),
    60,
    async () => {
      const database = await freshTestDatabase();
      return {
        open: () => createPostgresTaskStore({ ...LASTING, connectionString: database.url, poolSize: 2 }),
        [Symbol.asyncDispose]: () => database.drop(),
      };
    },
  ],
  [
    "Redis",
    redisIsLeftOut(),
    60,
    async () => {
      const { url, keyPrefix, ...redis } = await freshTestRedis();
      const onWarning = (): void => undefined;
      return {
        open: () => createRedisTaskStore({ ...LASTING, connectionString: url, keyPrefix, onWarning }),
        [Symbol.asyncDispose]: async () => await redis[Symbol.asyncDispose](),
      };
    },
  ],
  [
    "MongoDB",
    mongoIsLeftOut(),
    // The stand-in takes some ten milliseconds for a call.
    15,
    async () => {
      const { url, database, ...mongo } = await freshTestMongo();
      return {
        open: () => createMongoTaskStore({ ...LASTING, connectionString: url, database, poolSize: 2 }),
        [Symbol.asyncDispose]: async () => await mongo[Symbol.asyncDispose](),
      };
    },
  ],
];

describe.each(SERVERS)("on %s", (_name, isLeftOut, rounds, place) => {
  it.skipIf(isLeftOut)(
    `an order explains what three processes are told (HISTORY_SEED=${seed})`,
    { timeout: 240_000 },
    async () => {
      await using here = await place();
      const stores = [here.open(), here.open(), here.open()];
      try {
        await stores[0]?.setup();
        for (const [round, script] of fc.sample(scripts({ clients: 3 }), { seed, numRuns: rounds }).entries()) {
          const history = await historyOnStores(stores, script, seed + round, async (turns) => {
            for (let turn = 0; turn < turns; turn += 1) await setImmediate();
          });
          const verdict = checkHistory(history);
          if (verdict.linearizable === false) throw new Error(describeWitness(history, verdict.witness));
          expect(verdict.linearizable).toBe(true);
        }
      } finally {
        for (const store of stores) await store.close();
      }
    },
  );
});
