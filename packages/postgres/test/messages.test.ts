import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pollUntil, postgresIsLeftOut } from "@mcp-task-store/services";
import type { TaskDriver } from "@mcp-task-store/core";
import { describeMessages } from "../../../conformance/test/adapter-tests/messages.ts";
import { compareMessages } from "../../../conformance/src/driver-model/compare-messages.ts";
import { newTask, pushTo, takeFrom } from "../../../conformance/src/driver-model/sample-tasks.ts";
import { configOf, type ScratchDatabase, scratchDatabase } from "./scratch-database.ts";

/** `DRIVER_SEED=7 vitest run postgres/test/messages` repeats the comparison. */
const seed = Number(process.env["DRIVER_SEED"] ?? Math.floor(Math.random() * 2 ** 32));

describe.skipIf(postgresIsLeftOut())("messages on Postgres", () => {
  describeMessages(scratchDatabase);

  let database: ScratchDatabase;
  beforeAll(async () => {
    database = await scratchDatabase();
  });
  afterAll(() => database[Symbol.asyncDispose]());

  it(`equal message-queue.ts (DRIVER_SEED=${seed})`, async () => {
    const driver = database.another({ schema: "compared" });
    await driver.setup();
    const { difference, counts } = await compareMessages(driver, { seed, writes: 3_000 });
    expect(difference).toBeUndefined();
    for (const what of [
      "push full",
      "push refused",
      "push repeated",
      "take repeated",
      "take something",
      "take spent",
    ]) {
      expect(counts[what], what).toBeGreaterThan(5);
    }
  });

  it("are found by indexes", async () => {
    const schema = "indexed";
    const config = { ...configOf(database.url), application_name: "counted" };
    const open = (): TaskDriver => database.another({ config, schema, poolSize: 1, hints: "poll" });
    /** A connection's counts are the server's when it has ended, at the latest; those of making the indexes, too. */
    const ended = async (driver: TaskDriver): Promise<void> => {
      await driver.close();
      const text = "select from pg_stat_activity where application_name = $1";
      const left = async (): Promise<number> => (await database.sql(text, [config.application_name])).length;
      await pollUntil(async () => (await left()) === 0, { what: "its connection to end" });
    };
    const maker = open();
    await maker.setup();
    const { taskId } = newTask();
    await maker.insert(newTask({ taskId, ttlMs: null }));
    await ended(maker);
    await database.sql(
      `insert into ${schema}.task_messages (task_id, create_id, message_id, place, receipt, handed_at, message)
       select 'other-' || n % 500, 'c', 'm' || n, n, case when n % 2 = 0 then 'r' || n end,
              case when n % 2 = 0 then n end, '{}'
         from generate_series(1, 20000) as n`,
    );
    const before = await sequentialScans(schema);
    const driver = open();
    for (let round = 0; round < 20; round += 1) {
      expect(await driver.messages?.push(pushTo(taskId))).toMatchObject({ kind: "pushed" });
      expect(await driver.messages?.take(takeFrom(taskId))).toMatchObject({ messages: [{}] });
    }
    await ended(driver);
    expect(await sequentialScans(schema)).toBe(before);
  });

  async function sequentialScans(schema: string): Promise<number> {
    const [row] = await database.sql<{ scans: number }>(
      "select seq_scan as scans from pg_stat_user_tables where schemaname = $1 and relname = 'task_messages'",
      [schema],
    );
    return row?.scans ?? 0;
  }
});
