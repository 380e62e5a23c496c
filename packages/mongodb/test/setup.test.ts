import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mongoIsLeftOut } from "@mcp-task-store/services";
import type { TaskDriver } from "@mcp-task-store/core";
import { NEVER, newTask, pushTo, takeFrom, writeTo } from "../../../conformance/src/driver-model/sample-tasks.ts";
import type { MongoDbLike } from "../src/index.ts";
import { COLLECTION, type ScratchMongo, scratchMongo } from "./scratch-mongo.ts";

const INDEXES = ["_id_", "mcp_tasks_by_age", "mcp_tasks_due", "mcp_tasks_of_scope"];

describe.skipIf(mongoIsLeftOut())("setup", () => {
  let mongo: ScratchMongo;
  beforeAll(async () => {
    mongo = await scratchMongo();
  });
  afterAll(() => mongo[Symbol.asyncDispose]());

  async function indexesOf(collection: string): Promise<readonly string[]> {
    const found = await mongo.client().db(mongo.database).collection(collection).indexes();
    return found.flatMap(({ name }) => name ?? []).toSorted();
  }

  it("makes the indexes, and may be repeated", async () => {
    await mongo.plant({ taskId: "kept" });
    await mongo.driver.setup();
    expect(await mongo.stored("kept")).toBeDefined();
    expect(await indexesOf(COLLECTION)).toEqual(INDEXES);
  });

  it("makes again what somebody dropped", async () => {
    await mongo.rows.dropIndex("mcp_tasks_due");
    await mongo.driver.setup();
    expect(await indexesOf(COLLECTION)).toEqual(INDEXES);
  });

  it("may run in many processes at once", async () => {
    const collection = "many_at_once";
    await Promise.all(Array.from({ length: 8 }, () => mongo.another({ collection, poolSize: 1 }).setup()));
    expect(await indexesOf(collection)).toEqual(INDEXES);
    const all = mongo.client().db(mongo.database).collection(collection);
    expect(await all.find().toArray()).toEqual([{ _id: 0, version: 1, expiresAt: null }]);
  });

  it("refuses a collection that is newer than this package, and says so", async () => {
    const driver = mongo.another({ collection: "newer" });
    await driver.setup();
    await mongo
      .client()
      .db(mongo.database)
      .collection<{ _id: number }>("newer")
      .updateOne({ _id: 0 }, { $set: { version: 99 } });
    const newer = { code: "SCHEMA_NOT_READY", message: expect.stringContaining("99") };
    await expect(driver.setup()).rejects.toMatchObject(newer);
    await expect(driver.read([])).rejects.toMatchObject(newer);
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
  ])("is asked for when %s finds no collection, and nothing is stored", async (_, call) => {
    const collection = "nobody_made_this";
    await expect(call(mongo.another({ collection }))).rejects.toMatchObject({
      code: "SCHEMA_NOT_READY",
      message: expect.stringContaining("setup()"),
    });
    expect(await mongo.client().db(mongo.database).listCollections({ name: collection }).toArray()).toEqual([]);
  });

  it("names the rights that it needs", async () => {
    const denied = Object.assign(new Error("not authorized"), { name: "MongoServerError", code: 13 });
    const real = mongo.client().db(mongo.database);
    // A server without users knows no rights: its answer to the commands that change something is put in their place.
    const db: MongoDbLike = {
      collection: (name) => real.collection(name),
      command: async () => {
        throw denied;
      },
    };
    const driver = mongo.another({
      client: { connect: () => mongo.client().connect(), db: () => db },
      collection: "not_allowed",
      hints: "poll",
    });
    await expect(driver.setup()).rejects.toMatchObject({
      code: "STORE_UNAVAILABLE",
      retryable: false,
      message: expect.stringContaining("readWrite"),
      cause: denied,
    });
  });

  it("leaves nothing half done when it is given up", async () => {
    const driver = mongo.another({ collection: "given_up" });
    await expect(driver.setup({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    await driver.setup();
    expect(await driver.read([])).toMatchObject({ rows: [] });
  });
});
