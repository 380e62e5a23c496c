import { Pool } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pollUntil, postgresIsLeftOut } from "@mcp-task-store/services";
import type { TaskDriver } from "@mcp-task-store/core";
import { createPostgresTaskStore, type PgClientLike, type PgPoolLike } from "../src/index.ts";
import {
  NEVER,
  newId,
  newTask,
  pushTo,
  takeFrom,
  writeTo,
} from "../../../conformance/src/driver-model/sample-tasks.ts";
import { configOf, SCHEMA, type ScratchDatabase, scratchDatabase } from "./scratch-database.ts";

describe.skipIf(postgresIsLeftOut())("how much a call costs", () => {
  let database: ScratchDatabase;
  let pool: Pool;
  const sent: string[] = [];
  beforeAll(async () => {
    database = await scratchDatabase();
    pool = new Pool({ connectionString: database.url });
    // The database may be dropped before the last connection has closed.
    pool.on("error", () => {});
  });
  afterAll(async () => {
    await pool.end();
    await database[Symbol.asyncDispose]();
  });

  /** The test's own pool, written down. */
  function countingPool(): PgPoolLike {
    return {
      async connect() {
        const client = await pool.connect();
        const counted: PgClientLike = {
          query: (query) => {
            sent.push(query.text);
            return client.query({ ...query, values: [...(query.values ?? [])] });
          },
          release: (destroy) => client.release(destroy),
          on: client.on.bind(client),
          removeListener: client.removeListener.bind(client),
        };
        return counted;
      },
    };
  }

  const existing = newId("task");
  it.each<readonly [string, (driver: TaskDriver) => Promise<unknown>]>([
    ["setup, once it was done", (driver) => driver.setup()],
    ["insert", (driver) => driver.insert(newTask({ taskId: existing }))],
    ["insert of an id that is taken", (driver) => driver.insert(newTask({ taskId: existing }))],
    ["read", (driver) => driver.read([existing, newId("task")], { outcome: true })],
    ["read of the clock", (driver) => driver.read([])],
    ["write", (driver) => driver.write(writeTo(existing, { alternatives: [{ when: {}, then: { attempts: 1 } }] }))],
    [
      "refused write",
      (driver) => driver.write(writeTo(existing, { alternatives: [{ when: { claimOver: true }, then: {} }] })),
    ],
    ["write to a task that is gone", (driver) => driver.write(writeTo(newId("task"), {}))],
    ["page", (driver) => driver.page({ limit: 10, scope: "alice" })],
    ["due", (driver) => driver.due(10, 1_000)],
    [
      "publish of 1,000 ids",
      (driver) =>
        driver.hints?.publish(Array.from({ length: 1_000 }, () => newId("task"))) ??
        Promise.reject(new Error("no hints")),
    ],
    ["push", async (driver) => driver.messages?.push(pushTo(existing))],
    ["take", async (driver) => driver.messages?.take(takeFrom(existing, { limit: null }))],
    ["remove", (driver) => driver.remove({ taskId: existing, notAfterUs: NEVER })],
    ["remove of what is gone", (driver) => driver.remove({ taskId: existing, notAfterUs: NEVER })],
  ])("%s: one statement", async (_, call) => {
    const driver = database.another({ pool: countingPool() });
    sent.length = 0;
    await call(driver);
    expect(sent).toHaveLength(1);
  });

  it("takes no connection for a waiter", async () => {
    const config = { ...configOf(database.url), application_name: "waiters", idleTimeoutMillis: 600_000 };
    const store = createPostgresTaskStore({ config, schema: SCHEMA, poolSize: 3 });
    const own = (count: number): Promise<true> =>
      pollUntil(async () => (await connections(config.application_name)) === count, { what: `${count} connections` });
    try {
      const tasks = await Promise.all(Array.from({ length: 60 }, () => store.createTask()));
      await own(3);
      const waits = tasks.map(({ taskId, revision }) => store.waitForUpdate(taskId, { since: revision }));
      await store.getTask(tasks[0]?.taskId ?? "");
      // One more, for LISTEN.
      await own(4);
      await Promise.all(tasks.map(({ taskId }) => store.finishTask(taskId, { status: "completed", result: {} })));
      expect((await Promise.all(waits)).map((task) => task?.status)).toEqual(tasks.map(() => "completed"));
      expect(await connections(config.application_name)).toBe(4);
    } finally {
      await store.close();
    }
  });

  async function connections(application: string): Promise<number> {
    const [row] = await database.sql<{ count: number }>(
      "select count(*) as count from pg_stat_activity where application_name = $1",
      [application],
    );
    return row?.count ?? 0;
  }
});
