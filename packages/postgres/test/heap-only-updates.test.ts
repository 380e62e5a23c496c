import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pollUntil, postgresIsLeftOut } from "@mcp-task-store/services";
import type { Change, TaskRecord } from "@mcp-task-store/core";
import { plain, writeTo } from "./sample-tasks.ts";
import { SCHEMA, type ScratchDatabase, scratchDatabase } from "./scratch-database.ts";

const WRITES = 300;

describe.skipIf(postgresIsLeftOut())("updates that touch no index", () => {
  let database: ScratchDatabase;
  beforeAll(async () => {
    database = await scratchDatabase();
  });
  afterAll(() => database[Symbol.asyncDispose]());

  it.each<readonly [string, boolean, Partial<TaskRecord>, (round: number) => Change]>([
    [
      "heartbeats",
      true,
      { lease: { token: 3, holder: "w", expiresAt: 9_000_000_000_000 }, dueAt: 8_000_000_000_000 },
      (round) => ({ lease: { extendMs: 8_000_000_000_000 + round, graceMs: 30_000 } }),
    ],
    ["reports", false, { dueAt: 8_000_000_000_000 }, (round) => ({ set: { statusMessage: `step ${round}` } })],
  ])("%s are heap-only updates", async (_, quiet, record, change) => {
    const row = { ...plain(), ...record, expiresAt: 9_500_000_000_000 };
    await database.plant(row);
    const before = await updates();
    // The server adds a connection's counts when it ends, at the latest.
    const driver = database.another({ poolSize: 1, hints: "poll" });
    for (let round = 0; round < WRITES; round += 1) {
      const write = writeTo(row.taskId, { quiet, alternatives: [{ when: {}, then: change(round) }] });
      expect(await driver.write(write)).toMatchObject({ kind: "written" });
    }
    await driver.close();
    const after = await pollUntil(
      async () => {
        const now = await updates();
        return now.all - before.all >= WRITES && now;
      },
      { what: "the server's counts" },
    );
    expect(after.heapOnly - before.heapOnly).toBe(WRITES);
  });

  async function updates(): Promise<{ all: number; heapOnly: number }> {
    const [counts] = await database.sql<{ all: number; heapOnly: number }>(
      `select n_tup_upd as all, n_tup_hot_upd as "heapOnly" from pg_stat_user_tables where schemaname = $1 and relname = 'tasks'`,
      [SCHEMA],
    );
    return counts ?? { all: 0, heapOnly: 0 };
  }
});
