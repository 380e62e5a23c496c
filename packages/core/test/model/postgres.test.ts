import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freshTestDatabase, postgresIsLeftOut } from "@mcp-task-store/services";
import { createPostgresDriver } from "../../../postgres/src/index.ts";
import type { TaskDriver } from "../../src/index.ts";
import { callSequences } from "./calls.ts";
import { ModelPlay } from "./model-play.ts";

/** `MODEL_SEED=7 vitest run model/postgres` repeats a run, as far as real time lets it. */
const seed = Number(process.env.MODEL_SEED ?? Math.floor(Math.random() * 2 ** 31));

describe.skipIf(postgresIsLeftOut())("on Postgres", () => {
  let database: Awaited<ReturnType<typeof freshTestDatabase>>;
  let clock: TaskDriver;
  const leftovers = new Set<string>();
  beforeAll(async () => {
    database = await freshTestDatabase();
    clock = open();
    await clock.setup();
  });
  afterAll(async () => {
    await clock.close();
    await database.drop();
  });

  function open(): TaskDriver {
    return createPostgresDriver({ connectionString: database.url, schema: "model", poolSize: 2 });
  }

  /** Real time: the server's clock is read until it has moved. */
  async function pass(ms: number): Promise<void> {
    const untilUs = (await clock.read([])).nowUs + ms * 1000;
    while ((await clock.read([])).nowUs < untilUs);
  }

  it(`two processes and two principals do what the model says (MODEL_SEED=${seed})`, { timeout: 240_000 }, async () => {
    const property = fc.asyncProperty(
      callSequences,
      async (calls) => await ModelPlay.play({ leftovers, open, pass }, calls),
    );
    // Shrinking is left to memory: in real time a shorter sequence need not fail for the same reason.
    await expect(fc.assert(property, { seed, numRuns: 60, endOnFailure: true })).resolves.toBeUndefined();
  });
});
