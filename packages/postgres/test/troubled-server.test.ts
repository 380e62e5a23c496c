import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTaskStore, type TaskStore } from "@mcp-task-store/core";
import { postgresIsLeftOut } from "@mcp-task-store/services";
import { createPostgresTaskStore } from "../src/index.ts";
import { newId, plain } from "../../../conformance/src/driver-model/sample-tasks.ts";
import { configOf, SCHEMA, type ScratchDatabase, scratchDatabase } from "./scratch-database.ts";
import { tcpProxy } from "../../../conformance/src/wire/tcp-proxy.ts";

const HOUR_MS = 3_600_000;
const DONE = { status: "completed", result: { answer: 42 } } as const;

describe.skipIf(postgresIsLeftOut())("a server in trouble", () => {
  let database: ScratchDatabase;
  const stores: TaskStore[] = [];
  beforeAll(async () => {
    database = await scratchDatabase();
  });
  afterAll(async () => {
    await Promise.all(stores.map(async (store) => await store.close({ graceMs: 100 })));
    await database[Symbol.asyncDispose]();
  });

  it("whose clock was set back takes reports and workers all the same", async () => {
    const aheadUs = (Date.now() + HOUR_MS) * 1000;
    const ring = Array.from({ length: 8 }, (_, at) => ({ writeId: newId("write"), revision: aheadUs + at }));
    const { taskId } = { ...plain(), taskId: newId("task") };
    await database.plant({ taskId, ring, revision: aheadUs + 7, lastUpdatedAt: Date.now() + HOUR_MS });
    const store = createTaskStore(database.another(), { maintenance: false });
    stores.push(store);
    const reported = await store.updateTask(taskId, { statusMessage: "still here" });
    expect(reported.revision).toBeGreaterThan(aheadUs + 7);
    expect(Date.parse(reported.lastUpdatedAt)).toBeGreaterThanOrEqual(Date.now() + HOUR_MS - 60_000);
    expect(await store.acquireLease(taskId, { holder: "w" })).toMatchObject({ holder: "w" });
  });

  it("that refuses for good is not asked again until the time is over", async () => {
    const role = `reader_${newId("role").slice(-12)}`;
    await database.sql(`create role ${role} login password '${role}'`);
    try {
      await database.sql(`grant usage on schema ${SCHEMA} to ${role}`);
      await database.sql(`grant select on all tables in schema ${SCHEMA} to ${role}`);
      const config = { ...configOf(database.url), user: role, password: role };
      const reader = createPostgresTaskStore({ config, schema: SCHEMA, maintenance: false, callTimeoutMs: HOUR_MS });
      const stranger = createPostgresTaskStore({
        config: { ...config, password: "wrong" },
        schema: SCHEMA,
        maintenance: false,
        callTimeoutMs: HOUR_MS,
      });
      const refused = { code: "STORE_UNAVAILABLE", retryable: false };
      await expect(reader.createTask()).rejects.toMatchObject(refused);
      await expect(reader.cancelTask("any")).rejects.toMatchObject(refused);
      await expect(stranger.getTask("any")).rejects.toMatchObject(refused);
      await Promise.all([reader.close(), stranger.close()]);
    } finally {
      await database.sql(`drop owned by ${role}`);
      await database.sql(`drop role ${role}`);
    }
  });

  it("that goes away between a wake-up and its outcome delays the wait, and does not end it", async () => {
    const proxy = await tcpProxy({ target: database.url });
    const away = createPostgresTaskStore({
      connectionString: proxy.through(database.url),
      schema: SCHEMA,
      maintenance: false,
      callTimeoutMs: 30_000,
      safetyPollMs: 50,
    });
    const here = createTaskStore(database.another(), { maintenance: false });
    stores.push(here);
    try {
      const { taskId } = await here.createTask();
      const outcome = away.waitForOutcome(taskId);
      // The first look is over once another read came back.
      await away.getTask(taskId);
      const held = proxy.holdAnswers({ whenRequestIncludes: "task.outcome" });
      await here.finishTask(taskId, DONE);
      await held.arrived;
      proxy.cut();
      await expect(away.getTask(taskId, { timeoutMs: 500 })).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
      proxy.heal();
      expect(await outcome).toEqual(DONE);
    } finally {
      await away.close({ graceMs: 100 });
      await proxy[Symbol.asyncDispose]();
    }
  });

  it("that has the schema needs no right to create one", async () => {
    const role = `owner_${newId("role").slice(-12)}`;
    await database.sql(`create role ${role} login password '${role}'`);
    try {
      await database.sql(`create schema ${role} authorization ${role}`);
      const config = { ...configOf(database.url), user: role, password: role };
      await database.another({ config, schema: role }).setup();
      expect(await database.sql(`select version from ${role}.migrations`)).toEqual([{ version: 1 }, { version: 2 }]);
    } finally {
      await database.sql(`drop owned by ${role} cascade`);
      await database.sql(`drop role ${role}`);
    }
  });
});
