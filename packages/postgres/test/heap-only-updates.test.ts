import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pollUntil, type PostgresService, postgresIsLeftOut, startPostgres } from "@mcp-task-store/services";
import type { Change, TaskRecord } from "@mcp-task-store/core";
import { plain, pushTo, writeTo } from "../../../conformance/src/driver-model/sample-tasks.ts";
import { SCHEMA, type ScratchDatabase, scratchDatabase } from "./scratch-database.ts";

const WRITES = 300;

/**
 * On a server that nobody else uses. A page that is full is pruned of versions that nobody can see any more; an open
 * transaction that has written something, in whichever database of the server, holds that back, and so does a snapshot
 * in this one, autovacuum's too. Then some updates find no room and move to another page: of 300 heartbeats 8 did, of
 * 300 reports 21. Without HOT all would.
 */
describe.skipIf(postgresIsLeftOut())("updates that touch no index", () => {
  let service: PostgresService;
  let database: ScratchDatabase;
  beforeAll(async () => {
    const given = (process.env["POSTGRES_URL"] ?? "") !== "";
    const settings = { autovacuum: "off" };
    service = await startPostgres({ fast: true, settings, ...(given ? { origin: "embedded" } : {}) });
    database = await scratchDatabase(await service.freshDatabase());
  });
  afterAll(async () => {
    await database[Symbol.asyncDispose]();
    await service.stop();
  });

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

  it("pushes are heap-only updates of their task", async () => {
    const { taskId } = plain();
    await database.plant({ taskId, dueAt: 8_000_000_000_000 });
    const before = await updates();
    const driver = database.another({ poolSize: 1, hints: "poll" });
    for (let round = 0; round < WRITES; round += 1) {
      expect(await driver.messages?.push(pushTo(taskId))).toMatchObject({ kind: "pushed" });
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
