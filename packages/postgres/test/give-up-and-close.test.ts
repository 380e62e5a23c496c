import { getEventListeners } from "node:events";
import { Pool } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pollUntil, postgresIsLeftOut } from "@mcp-task-store/services";
import type { TaskDriver } from "@mcp-task-store/core";
import { NEVER, newTask, plain, writeTo } from "../../../conformance/src/driver-model/sample-tasks.ts";
import { configOf, SCHEMA, type ScratchDatabase, scratchDatabase } from "./scratch-database.ts";

const change = { when: { open: true }, then: { attempts: 1 } } as const;

describe.skipIf(postgresIsLeftOut())("giving up and closing", () => {
  let database: ScratchDatabase;
  beforeAll(async () => {
    database = await scratchDatabase();
  });
  afterAll(() => database[Symbol.asyncDispose]());

  /** A task whose row somebody holds. */
  async function heldTask(): Promise<{ taskId: string; release: () => Promise<unknown> }> {
    const { taskId } = plain();
    await database.plant({ taskId });
    const holder = await database.session();
    await holder.query("begin");
    await holder.query(`select from ${SCHEMA}.tasks where task_id = $1 for update`, [taskId]);
    return { taskId, release: () => holder.query("rollback") };
  }

  async function backends(condition: string): Promise<number> {
    const [row] = await database.sql<{ count: number }>(
      `select count(*)::int as count
         from pg_stat_activity
        where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()
          and ${condition}`,
    );
    return row?.count ?? Number.NaN;
  }

  /** Until a statement was seen to wait for what somebody holds. */
  const untilOneWaits = (): Promise<unknown> =>
    pollUntil(async () => (await backends("wait_event_type = 'Lock'")) === 1, { what: "a statement to wait" });

  /**
   * Until the server runs no statement but the one that asks. That none waits would not say so: one that waits does not
   * for the moment in which it looks whether its client is still there.
   */
  const untilNoneRuns = (): Promise<unknown> =>
    pollUntil(async () => (await backends("state = 'active'")) === 0, {
      what: "every statement to end",
    });

  /** A write, on a pool of one, that was given up while it waited for a held row. */
  async function writeGivenUp(): Promise<{ driver: TaskDriver; taskId: string; release: () => Promise<unknown> }> {
    const driver = database.another({ poolSize: 1 });
    const { taskId, release } = await heldTask();
    const abort = new AbortController();
    const write = driver.write(writeTo(taskId, { alternatives: [change] }), { signal: abort.signal });
    const settled = write.catch((error: unknown) => error);
    await untilOneWaits();
    abort.abort();
    expect(await settled).toMatchObject({ code: "WRITE_OUTCOME_UNKNOWN" });
    return { driver, taskId, release };
  }

  it("does not know about a write in flight, and hands its connection to nobody", async () => {
    const { driver, taskId, release } = await writeGivenUp();
    // Behind the write that was given up, on a pool of one: this answer is its own.
    expect(await driver.read([taskId])).toMatchObject({ rows: [{ taskId, attempts: 0 }] });
    await release();
    // What was given up must not be taken for the next test's statement.
    await untilNoneRuns();
  });

  it("leaves no connection of the server waiting", async () => {
    const { taskId, release } = await writeGivenUp();
    // The row is still held; only the check for a client that left ends the wait.
    await untilNoneRuns();
    await release();
    expect(await database.stored(taskId)).toMatchObject({ attempts: 0 });
  });

  it("has sent nothing while it waits for a connection", async () => {
    const driver = database.another({ poolSize: 1 });
    const { taskId, release } = await heldTask();
    const first = driver.write(writeTo(taskId, { alternatives: [change] }));
    await untilOneWaits();
    const second = driver.write(writeTo(taskId, { alternatives: [change] }), { signal: AbortSignal.timeout(20) });
    await expect(second).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    await release();
    expect(await first).toMatchObject({ kind: "written", row: { attempts: 1 } });
    expect(await driver.read([taskId])).toMatchObject({ rows: [{ attempts: 1 }] });
  });

  it("sends nothing when it is given up beforehand", async () => {
    const { taskId } = plain();
    await database.plant({ taskId });
    const write = database.driver.write(writeTo(taskId, { alternatives: [change] }), { signal: AbortSignal.abort() });
    await expect(write).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    expect(await database.stored(taskId)).toMatchObject({ attempts: 0 });
  });

  it("gives up a read", async () => {
    const holder = await database.session();
    await holder.query("begin");
    await holder.query(`lock table ${SCHEMA}.tasks in access exclusive mode`);
    const abort = new AbortController();
    const settled = database.driver.read(["a"], { signal: abort.signal }).catch((error: unknown) => error);
    await untilOneWaits();
    abort.abort();
    expect(await settled).toMatchObject({ code: "STORE_UNAVAILABLE" });
    await holder.query("rollback");
    await untilNoneRuns();
  });

  it("leaves no listener on a signal that lives on", async () => {
    const { signal } = new AbortController();
    await database.driver.read([], { signal });
    await new Promise((resolve) => setImmediate(resolve));
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });

  it("lets calls in flight settle when it closes, and refuses those that still wait", async () => {
    const driver = database.another({ poolSize: 1 });
    const { taskId, release } = await heldTask();
    const inFlight = driver.write(writeTo(taskId, { alternatives: [change] }));
    await untilOneWaits();
    const queued = driver.read([]).catch((error: unknown) => error);
    const closed = driver.close();
    expect(await queued).toMatchObject({ code: "CLOSED" });
    await release();
    expect(await inFlight).toMatchObject({ kind: "written" });
    await closed;
  });

  it.each<readonly [string, (driver: TaskDriver) => Promise<unknown>]>([
    ["setup", (driver) => driver.setup()],
    ["insert", (driver) => driver.insert(newTask())],
    ["read", (driver) => driver.read([])],
    ["write", (driver) => driver.write(writeTo("a", {}))],
    ["remove", (driver) => driver.remove({ taskId: "a", notAfterUs: NEVER })],
    ["page", (driver) => driver.page({ limit: 1 })],
    ["due", (driver) => driver.due(1, 1)],
    ["publish", async (driver) => driver.hints?.publish(["a"])],
    ["subscribe", async (driver) => driver.hints?.subscribe({ onHint: () => {}, onGap: () => {} })],
  ])("is CLOSED to %s afterwards", async (_, call) => {
    const driver = database.another();
    await driver.hints?.subscribe({ onHint: () => {}, onGap: () => {} });
    const closed = driver.close();
    await expect(call(driver)).rejects.toMatchObject({ code: "CLOSED" });
    await closed;
    await driver.close();
    await expect(call(driver)).rejects.toMatchObject({ code: "CLOSED" });
  });

  it("ends its own connections", async () => {
    const driver = database.another({
      config: { ...configOf(database.url), application_name: "closing-test" },
      poolSize: 3,
    });
    await driver.hints?.subscribe({ onHint: () => {}, onGap: () => {} });
    await Promise.all([driver.read([]), driver.read([])]);
    await driver.close();
    const left = async (): Promise<boolean> =>
      (await database.sql("select from pg_stat_activity where application_name = 'closing-test'")).length === 0;
    expect(await pollUntil(left, { what: "its connections to end" })).toBe(true);
  });

  it("never ends a pool that it was given", async () => {
    const pool = new Pool({ connectionString: database.url, max: 2 });
    pool.on("error", () => {});
    const driver = database.another({ pool });
    await driver.hints?.subscribe({ onHint: () => {}, onGap: () => {} });
    await driver.read([]);
    await driver.close();
    expect((await pool.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
    expect(pool.totalCount - pool.idleCount).toBe(0);
    await pool.end();
  });
});
