import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { postgresIsLeftOut } from "@mcp-task-store/services";
import { describeMessages } from "../../../conformance/test/adapter-tests/messages.ts";
import { compareMessages } from "../../../conformance/src/driver-model/compare-messages.ts";
import { plain, pushTo, takeFrom } from "../../../conformance/src/driver-model/sample-tasks.ts";
import { SCHEMA, type ScratchDatabase, scratchDatabase } from "./scratch-database.ts";

/** `DRIVER_SEED=7 vitest run postgres/test/messages` repeats the comparison. */
const seed = Number(process.env["DRIVER_SEED"] ?? Math.floor(Math.random() * 2 ** 32));

describe.skipIf(postgresIsLeftOut())("messages on Postgres", () => {
  describeMessages(scratchDatabase);

  let database: ScratchDatabase;
  beforeAll(async () => {
    database = await scratchDatabase();
  });
  afterAll(() => database[Symbol.asyncDispose]());

  it(`equal message-queue.ts (DRIVER_SEED=${seed})`, { timeout: 120_000 }, async () => {
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
    const driver = database.another({ poolSize: 1, hints: "poll" });
    const own = driver.messages;
    if (own === undefined) throw new Error("no messages");
    const { taskId } = plain();
    await database.plant({ taskId });
    await database.sql(
      `insert into ${SCHEMA}.task_messages (task_id, create_id, message_id, place, receipt, handed_at, message)
       select 'other-' || n % 500, 'c', 'm' || n, n, case when n % 2 = 0 then 'r' || n end,
              case when n % 2 = 0 then n end, '{}'
         from generate_series(1, 20000) as n`,
    );
    const before = await sequentialScans();
    for (let round = 0; round < 20; round += 1) {
      await own.push(pushTo(taskId));
      await own.take(takeFrom(taskId));
    }
    // The server adds a connection's counts when it ends, at the latest.
    await driver.close();
    expect(await sequentialScans()).toBe(before);
  });

  async function sequentialScans(): Promise<number> {
    const [row] = await database.sql<{ scans: number }>(
      "select seq_scan as scans from pg_stat_user_tables where schemaname = $1 and relname = 'task_messages'",
      [SCHEMA],
    );
    return row?.scans ?? 0;
  }
});
