import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CreateIndexesOptions, IndexSpecification } from "mongodb";
import { mongoIsLeftOut, pollUntil } from "@mcp-task-store/services";
import type { TaskDriver } from "@mcp-task-store/core";
import { NEVER, newTask, pushTo, takeFrom, writeTo } from "../../../conformance/src/driver-model/sample-tasks.ts";
import type { MongoDbLike } from "../src/index.ts";
import { COLLECTION, type ScratchMongo, scratchMongo } from "./scratch-mongo.ts";

const INDEXES = ["_id_", "mcp_tasks_by_age", "mcp_tasks_due", "mcp_tasks_of_scope"];
const DUE = { dueAt: 1, _id: 1 } as const;

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

  it.each<readonly [string, string, IndexSpecification, CreateIndexesOptions, string]>([
    ["of other keys", "other_keys", { scope: 1 }, { name: "mcp_tasks_due" }, "mcp_tasks_due"],
    ["of some rows", "partial", DUE, { name: "mcp_tasks_due", partialFilterExpression: { dueAt: 1 } }, "mcp_tasks_due"],
    ["that is hidden", "hidden", DUE, { name: "mcp_tasks_due", hidden: true }, "mcp_tasks_due"],
    ["that is unique", "unique", DUE, { name: "mcp_tasks_due", unique: true }, "mcp_tasks_due"],
    ["with a collation", "collated", DUE, { name: "mcp_tasks_due", collation: { locale: "en" } }, "mcp_tasks_due"],
    ["of another name", "other_name", DUE, { name: "somebodys", collation: { locale: "simple" } }, "somebodys"],
  ])(
    "refuses an index %s in the place of its own, by name and for good",
    async (_, collection, keys, options, name) => {
      await mongo.client().db(mongo.database).collection(collection).createIndex(keys, options);
      const refusal = { code: "SCHEMA_NOT_READY", retryable: false, message: expect.stringContaining(name) };
      const driver = mongo.another({ collection });
      await expect(driver.setup()).rejects.toMatchObject(refusal);
      await expect(driver.read([])).rejects.toMatchObject({ code: "SCHEMA_NOT_READY" });
      await mongo.client().db(mongo.database).collection(collection).dropIndex(name);
      await driver.setup();
      expect(await indexesOf(collection)).toEqual(INDEXES);
    },
  );

  it("finds an index that was hidden afterwards", async () => {
    const collection = "hidden_afterwards";
    const driver = mongo.another({ collection });
    await driver.setup();
    const own = mongo.client().db(mongo.database).collection(collection);
    await own.dropIndex("mcp_tasks_due");
    await own.createIndex(DUE, { name: "mcp_tasks_due", hidden: true });
    await expect(driver.setup()).rejects.toMatchObject({
      code: "SCHEMA_NOT_READY",
      message: expect.stringContaining("mcp_tasks_due"),
    });
  });

  it("refuses a collection with a collation of its own", async () => {
    const client = mongo.client();
    const real = client.db(mongo.database);
    // The stand-in keeps a collection's collation, and does not say it of its index: what MongoDB lists is put in its place.
    const db: MongoDbLike = {
      collection: (name) => real.collection(name),
      async command(command, options) {
        const answer = await real.command(command, options);
        const [ofIds, ...others] = answer["cursor"]?.firstBatch ?? [];
        if (!("listIndexes" in command) || ofIds === undefined) return answer;
        const collation = { locale: "en", strength: 2, version: "57.1" };
        return { ...answer, cursor: { ...answer["cursor"], firstBatch: [{ ...ofIds, collation }, ...others] } };
      },
    };
    await real.createCollection("collated_itself", { collation: { locale: "en", strength: 2 } });
    const driver = mongo.another({
      client: { connect: () => client.connect(), db: () => db },
      collection: "collated_itself",
      hints: "poll",
    });
    await expect(driver.setup()).rejects.toMatchObject({
      code: "SCHEMA_NOT_READY",
      retryable: false,
      message: expect.stringContaining("collation"),
    });
    expect(await indexesOf("collated_itself")).toEqual(["_id_"]);
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

  it("is asked for again by whoever saw that the collection was dropped, and nothing is stored", async () => {
    const collection = "dropped_and_seen";
    const driver = mongo.another({ collection, hints: "poll" });
    await driver.setup();
    await driver.insert(newTask());
    await mongo.client().db(mongo.database).collection(collection).drop();
    const notReady = { code: "SCHEMA_NOT_READY" };
    await expect(driver.read([])).rejects.toMatchObject(notReady);
    await expect(driver.insert(newTask())).rejects.toMatchObject(notReady);
    expect(await mongo.client().db(mongo.database).listCollections({ name: collection }).toArray()).toEqual([]);
    await driver.setup();
    expect(await driver.insert(newTask())).toMatchObject({ kind: "inserted" });
  });

  it("is asked for again by whoever heard that the collection was dropped", async () => {
    const collection = "dropped_and_heard";
    const driver = mongo.another({ collection });
    await driver.setup();
    await driver.insert(newTask());
    let gaps = 0;
    await driver.hints?.subscribe({
      onHint: () => {},
      onGap: () => {
        gaps += 1;
      },
    });
    await mongo.client().db(mongo.database).collection(collection).drop();
    await pollUntil(() => gaps > 0, { what: "the drop" });
    await expect(driver.insert(newTask())).rejects.toMatchObject({ code: "SCHEMA_NOT_READY" });
    expect(await mongo.client().db(mongo.database).listCollections({ name: collection }).toArray()).toEqual([]);
    await driver.close();
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
