/** What each call costs, counted by the client: a call is slow in proportion to its commands. */
import type { CommandStartedEvent, MongoClient } from "mongodb";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { isTaskStoreError, type TaskDriver, type TaskStore } from "@mcp-task-store/core";
import { mongoIsLeftOut } from "@mcp-task-store/services";
import { type Call, type Case, ONE, scene, TWO, UNKNOWN } from "../../../conformance/test/adapter-tests/call-costs.ts";
import { NEVER, newTask, pushTo, takeFrom, writeTo } from "../../../conformance/src/driver-model/sample-tasks.ts";
import { createMongoTaskStore } from "../src/index.ts";
import { COLLECTION, type ScratchMongo, scratchMongo } from "./scratch-mongo.ts";

/** What a client does on its own account. */
const NOT_OURS = new Set(["hello", "ping", "endSessions", "killCursors"]);

describe.skipIf(mongoIsLeftOut())("how many commands it takes", () => {
  let mongo: ScratchMongo;
  let client: MongoClient;
  let store: TaskStore;
  let driver: TaskDriver;
  const sent: CommandStartedEvent[] = [];

  beforeAll(async () => {
    mongo = await scratchMongo();
    client = mongo.client({ monitorCommands: true });
    client.on("commandStarted", (event) => {
      if (!NOT_OURS.has(event.commandName)) sent.push(event);
    });
    driver = mongo.another({ client });
    // What maintenance and the change stream send is no call's.
    store = createMongoTaskStore({
      client,
      database: mongo.database,
      collection: COLLECTION,
      hints: "poll",
      maintenance: false,
    });
    await store.getTask(UNKNOWN);
    await driver.read([]);
  });
  afterAll(async () => {
    await store.close();
    await mongo[Symbol.asyncDispose]();
  });
  beforeEach(() => mongo.clear());

  it.each(ONE)("one: %s", async (_, call, refusal) => {
    expect(await sentBy(call, refusal)).toHaveLength(1);
  });

  it.each(TWO)("two: %s", async (_, call, refusal) => {
    expect(await sentBy(call, refusal)).toHaveLength(2);
  });

  it.each<Case>([
    ["list an empty page", ({ store: own }) => own.scoped("nobody").listTasks()],
    ["list a page of 200", ({ store: own }) => own.listTasks({ limit: 200 })],
    ["delete a foreign one", ({ store: own, open }) => own.scoped("mallory").deleteTask(open.taskId)],
  ])("one: %s", async (_, call) => {
    expect(await sentBy(call)).toHaveLength(1);
  });

  it("none: what is wrong with the arguments is found out before", async () => {
    expect(await sentBy(({ open }) => store.updateTask(open.taskId, { ttlMs: -1 }), "INVALID_ARGUMENT")).toEqual([]);
  });

  it("three: the first call of a process looks at the clock, and whether all is set up", async () => {
    const fresh = mongo.another({ client });
    sent.length = 0;
    await fresh.insert(newTask());
    expect(sent.map(({ commandName }) => commandName)).toEqual(["aggregate", "findAndModify"]);
    await fresh.setup();
    expect(sent.map(({ commandName }) => commandName).slice(2)).toEqual(["aggregate", "listIndexes"]);
  });

  it("one to four: a look at what is due, by what there is", async () => {
    const now = (await driver.read([])).nowUs / 1_000;
    const due = { dueAt: now - 10 };
    const three = ["aggregate", "update", "aggregate"];
    const expected: readonly [object, readonly string[]][] = [
      [{ dueAt: now + 60_000 }, ["aggregate"]],
      [{ ...due, expiresAt: now + 60_000 }, three],
      [{ ...due, claimBy: now - 10 }, three],
      [{ ...due, expiresAt: now - 10 }, [...three, "delete"]],
    ];
    for (const [row, commands] of expected) {
      await mongo.plant(row);
      sent.length = 0;
      await driver.due(10, 1_000);
      expect(sent.map(({ commandName }) => commandName)).toEqual(commands);
      await mongo.clear();
    }
  });

  it("says on each what it is to be sure of, whatever the client says", async () => {
    const lax = mongo.client({
      monitorCommands: true,
      readPreference: "secondaryPreferred",
      readConcernLevel: "local",
      writeConcern: { w: 1, journal: false },
      useBigInt64: true,
    });
    lax.on("commandStarted", (event) => {
      if (!NOT_OURS.has(event.commandName)) sent.push(event);
    });
    const on = mongo.another({ client: lax });
    await on.setup();
    sent.length = 0;
    const now = (await driver.read([])).nowUs / 1_000;
    await mongo.plant({ dueAt: now - 10, claimBy: now - 10 }, { dueAt: now - 10, expiresAt: now - 10 });
    sent.length = 0;
    const { taskId } = newTask();
    expect(await on.insert(newTask({ taskId }))).toMatchObject({ kind: "inserted", nowUs: expect.any(Number) });
    await on.write(writeTo(taskId, { alternatives: [{ when: {}, then: { attempts: 1 } }] }));
    await on.messages?.push(pushTo(taskId));
    await on.messages?.take(takeFrom(taskId));
    expect((await on.read([taskId])).rows).toMatchObject([{ taskId, revision: expect.any(Number) }]);
    const page = sent.length;
    await on.page({ limit: 1 });
    await on.due(10, 1_000);
    await on.remove({ taskId, notAfterUs: NEVER });
    expect(sent.map(({ commandName }) => commandName)).toHaveLength(11);
    for (const [index, { commandName, command }] of sent.entries()) {
      expect(command["maxTimeMS"]).toBe(30_000);
      const parts = [command["updates"], command["deletes"]].find(Array.isArray) ?? [command];
      // A page says none: see `page`.
      const collation = index === page ? undefined : { locale: "simple" };
      for (const part of parts) expect(part["collation"]).toEqual(collation);
      if (commandName === "aggregate") expect(command["readConcern"]).toEqual({ level: "majority" });
      else expect(command["writeConcern"]).toMatchObject({ w: "majority", j: true });
      // To a server that was addressed directly the client says "primaryPreferred".
      expect(command["$readPreference"] ?? { mode: "primary" }).toEqual({ mode: expect.stringMatching(/^primary/) });
    }
  });

  it("lets no write wait in the server for long after its deadline", async () => {
    const { taskId } = newTask();
    const nowUs = async (): Promise<number> => (await driver.read([])).nowUs;
    const alternatives = [{ when: {}, then: { attempts: 1 } }] as const;
    const all = async (notAfterUs: number): Promise<void> => {
      await driver.insert(newTask({ taskId, notAfterUs }));
      await driver.write(writeTo(taskId, { notAfterUs, alternatives }));
      await driver.messages?.push(pushTo(taskId, { notAfterUs }));
      await driver.messages?.take(takeFrom(taskId, { notAfterUs }));
      await driver.remove({ taskId, notAfterUs });
    };
    const limits = (): readonly unknown[] =>
      sent.filter(({ commandName }) => commandName === "findAndModify").map(({ command }) => command["maxTimeMS"]);
    const inTenSeconds = (await nowUs()) + 10_000_000;
    sent.length = 0;
    await all(inTenSeconds);
    expect(limits()).toHaveLength(5);
    for (const limit of limits()) {
      expect(limit).toBeGreaterThanOrEqual(2_000);
      expect(limit).toBeLessThanOrEqual(12_000);
    }
    const past = (await nowUs()) - 1_000_000;
    sent.length = 0;
    await all(past);
    expect(limits()).toEqual([2_000, 2_000, 2_000, 2_000, 2_000]);
  });

  /** What one call sends. */
  async function sentBy(call: Call, refusal?: string): Promise<readonly string[]> {
    const stage = await scene(store);
    sent.length = 0;
    let code: string | undefined;
    try {
      await call(stage);
    } catch (error) {
      if (!isTaskStoreError(error)) throw error;
      code = error.code;
    }
    expect(code).toBe(refusal);
    return sent.map(({ commandName }) => commandName);
  }
});
