import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pollUntil, postgresIsLeftOut } from "@mcp-task-store/services";
import type { TaskDriver } from "@mcp-task-store/core";
import { postgresSchemaSql } from "../src/index.ts";
import { createMigrations, recordMigration } from "../src/sql/migrations.ts";
import { namesIn } from "../src/sql/names.ts";
import { tasksMigration } from "../src/migrations/0001-tasks.ts";
import {
  NEVER,
  newId,
  newTask,
  pushTo,
  takeFrom,
  writeTo,
} from "../../../conformance/src/driver-model/sample-tasks.ts";
import { configOf, SCHEMA, type ScratchDatabase, scratchDatabase } from "./scratch-database.ts";

describe.skipIf(postgresIsLeftOut())("setup", () => {
  let database: ScratchDatabase;
  beforeAll(async () => {
    database = await scratchDatabase();
  });
  afterAll(() => database[Symbol.asyncDispose]());

  it("may be repeated", async () => {
    await database.plant({ taskId: "kept" });
    await database.driver.setup();
    expect(await database.stored("kept")).toBeDefined();
  });

  it("may run in many processes at once", async () => {
    const schema = "many_at_once";
    await Promise.all(Array.from({ length: 8 }, () => database.another({ schema, poolSize: 1 }).setup()));
    expect(await database.sql(`select version, name from ${schema}.migrations`)).toEqual([
      { version: 1, name: "tasks" },
      { version: 2, name: "messages" },
    ]);
  });

  it("brings a schema of version 1 to this one, and keeps what is in it", async () => {
    const schema = "of_version_1";
    const session = await database.session();
    await session.query(`create schema ${schema}`);
    const names = namesIn(schema);
    await session.query(createMigrations(names) + tasksMigration(names));
    await session.query(recordMigration(names), [1, "tasks"]);
    const { taskId } = newTask();
    const drivers = Array.from({ length: 4 }, () => database.another({ schema, poolSize: 1 }));
    const [driver = database.driver] = drivers;
    await driver.insert(newTask({ taskId, ttlMs: null }));
    const push = pushTo(taskId);
    // Before: typed, and the other calls work as ever.
    await expect(driver.messages?.push(push)).rejects.toMatchObject({ code: "SCHEMA_NOT_READY" });
    expect((await driver.read([taskId])).rows).toHaveLength(1);

    await Promise.all(drivers.map((each) => each.setup()));
    expect(await database.sql(`select version from ${schema}.migrations order by 1`)).toEqual([
      { version: 1 },
      { version: 2 },
    ]);
    expect(await driver.messages?.push(push)).toMatchObject({ kind: "pushed" });
    expect(await driver.messages?.take(takeFrom(taskId))).toMatchObject({ messages: [push.message] });
  });

  it("makes the same as the printed SQL, which may be run twice", async () => {
    const sql = postgresSchemaSql({ schema: "printed" });
    const session = await database.session();
    await session.query(sql);
    await session.query(sql);
    await database.another({ schema: "printed" }).setup();
    const shape = async (schema: string): Promise<unknown> => [
      await database.sql(
        `select table_name, column_name, data_type, is_nullable, collation_name, column_default
           from information_schema.columns where table_schema = $1 order by 1, 2`,
        [schema],
      ),
      await database.sql(
        "select indexname, replace(indexdef, $1, '') as def from pg_indexes where schemaname = $1 order by 1",
        [schema],
      ),
      await database.sql(
        `select routine_name, replace(routine_definition, $1, '') as body from information_schema.routines
          where routine_schema = $1 order by 1`,
        [schema],
      ),
      await database.sql(
        `select event_manipulation, replace(action_statement, $1, '') as action from information_schema.triggers
          where trigger_schema = $1 order by 1`,
        [schema],
      ),
      await database.sql(`select version, name from ${schema}.migrations order by 1`),
    ];
    expect(await shape("printed")).toEqual(await shape(SCHEMA));
  });

  it("needs no right to create where everything is there", async () => {
    const role = `reader_${newId("role").slice(-12)}`;
    await database.sql(`create role ${role} login password '${role}'`);
    try {
      await database.sql(`grant usage on schema ${SCHEMA} to ${role}`);
      await database.sql(`grant select, insert, update, delete on all tables in schema ${SCHEMA} to ${role}`);
      const config = { ...configOf(database.url), user: role, password: role };
      const driver = database.another({ config });
      await driver.setup();
      expect(await driver.read([])).toMatchObject({ rows: [] });
      await expect(database.another({ config, schema: "not_there" }).setup()).rejects.toMatchObject({
        code: "STORE_UNAVAILABLE",
      });
      await driver.close();
    } finally {
      await database.sql(`drop owned by ${role}`);
      await database.sql(`drop role ${role}`);
    }
  });

  it("refuses a schema that is newer than this package, and says so", async () => {
    const driver = database.another({ schema: "newer" });
    await driver.setup();
    await database.sql("insert into newer.migrations (version, name) values (99, 'from the future')");
    await expect(driver.setup()).rejects.toMatchObject({
      code: "SCHEMA_NOT_READY",
      message: expect.stringContaining("99"),
    });
  });

  it.each<readonly [string, (driver: TaskDriver) => Promise<unknown>]>([
    ["insert", (driver) => driver.insert(newTask())],
    ["read", (driver) => driver.read(["a"])],
    ["write", (driver) => driver.write(writeTo("a", {}))],
    ["remove", (driver) => driver.remove({ taskId: "a", notAfterUs: NEVER })],
    ["page", (driver) => driver.page({ limit: 1 })],
    ["due", (driver) => driver.due(1, 1)],
    ["push", async (driver) => driver.messages?.push(pushTo("a"))],
    ["take", async (driver) => driver.messages?.take(takeFrom("a"))],
  ])("is asked for when %s finds no tables", async (_, call) => {
    const driver = database.another({ schema: "nobody_made_this" });
    await expect(call(driver)).rejects.toMatchObject({
      code: "SCHEMA_NOT_READY",
      message: expect.stringContaining("setup()"),
    });
  });

  it("leaves nothing behind when it is given up", async () => {
    const driver = database.another({ schema: "given_up" });
    const holder = await database.session();
    await holder.query("select pg_advisory_lock(hashtextextended('mcp_task_store:migrate:\"given_up\"', 0))");
    const abort = new AbortController();
    const settled = driver.setup({ signal: abort.signal }).catch((error: unknown) => error);
    const waits = "select from pg_stat_activity where datname = current_database() and wait_event = 'advisory'";
    await pollUntil(async () => (await database.sql(waits)).length === 1, { what: "setup to wait for the lock" });
    abort.abort();
    expect(await settled).toMatchObject({ code: "STORE_UNAVAILABLE" });
    await holder.query("select pg_advisory_unlock_all()");
    await driver.setup();
    expect(await driver.read([])).toMatchObject({ rows: [] });
  });
});
