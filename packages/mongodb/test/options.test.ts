import { describe, expect, expectTypeOf, it } from "vitest";
import type { MongoClient } from "mongodb";
import {
  createMongoDriver,
  createMongoTaskStore,
  type MongoClientLike,
  type MongoDriverOptions,
} from "../src/index.ts";
import { checkOptions } from "../src/options.ts";

const SECRET = "mongodb://user:hunter2@127.0.0.1:1/none";

describe("options", () => {
  it.each([
    ["neither of the two", {}, "connectionString"],
    ["both of the two", { connectionString: SECRET, client: { connect() {} } }, "connectionString"],
    ["an empty connection string", { connectionString: "" }, "connectionString"],
    ["a connection string of another kind", { connectionString: "postgres://user:hunter2@h/d" }, "connectionString"],
    ["an option that mongodb does not know", { connectionString: `${SECRET}?hunter2=1` }, "connectionString"],
    ["options of a client beside a client", { client: { connect() {} }, clientOptions: {} }, "clientOptions"],
    ["no options of a client", { connectionString: SECRET, clientOptions: "tls" }, "clientOptions"],
    ["no client", { client: {} }, "client"],
    ["a database with a dollar", { connectionString: SECRET, database: "$tasks" }, "database"],
    ["a database with a dot", { connectionString: SECRET, database: "a.b" }, "database"],
    ["a database of MongoDB's own", { connectionString: SECRET, database: "admin" }, "database"],
    ["an empty database", { connectionString: SECRET, database: "" }, "database"],
    ["a database of 64 characters", { connectionString: SECRET, database: "a".repeat(64) }, "database"],
    ["a database with an escape in the connection string", { connectionString: `${SECRET}%24` }, "database"],
    ["a collection with a dollar", { connectionString: SECRET, collection: "a$b" }, "collection"],
    ["a collection with a NUL", { connectionString: SECRET, collection: "a\u0000" }, "collection"],
    ["a collection of MongoDB's own", { connectionString: SECRET, collection: "system.users" }, "collection"],
    ["a collection of 121 characters", { connectionString: SECRET, collection: "a".repeat(121) }, "collection"],
    ["a collection that is an object", { connectionString: SECRET, collection: { $ne: "" } }, "collection"],
    ["a pool of no connection", { connectionString: SECRET, poolSize: 0 }, "poolSize"],
    ["half a connection", { connectionString: SECRET, poolSize: 1.5 }, "poolSize"],
    ["unknown hints", { connectionString: SECRET, hints: "push" }, "hints"],
  ])("refuses %s, names the option and shows no secret", (_, options, argument) => {
    // What JavaScript callers can pass, whatever the types say.
    const make = (): unknown => Reflect.apply(createMongoDriver, undefined, [options]);
    expect(make).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT", argument: `options.${argument}` }));
    expect(make).not.toThrow("hunter2");
  });

  it("hands the store's own options to the store", () => {
    const make = (): unknown => createMongoTaskStore({ connectionString: SECRET, leaseMs: 1 });
    expect(make).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT", argument: "options.leaseMs" }));
  });

  it("takes a client of mongodb as it is", () => {
    expectTypeOf<MongoClient>().toExtend<MongoClientLike>();
  });

  it.each<readonly [string, Partial<MongoDriverOptions>, number]>([
    ["", {}, 11],
    ["", { hints: "poll" }, 10],
    ["", { poolSize: 3 }, 4],
    ["?maxPoolSize=50", {}, 51],
    ["?appName=a&MAXPOOLSIZE=50&maxIdleTimeMS=1", { hints: "poll" }, 50],
    ["?maxPoolSize=50", { poolSize: 3 }, 4],
    ["?maxPoolSize=0", {}, 0],
  ])("opens as many connections as %j and %o say", async (query, options, expected) => {
    const { source } = checkOptions({ connectionString: `${SECRET}${query}`, ...options });
    expect(source.client).toMatchObject({ options: { maxPoolSize: expected } });
    await source.close();
  });

  it("connects to nothing before it is used", async () => {
    const driver = createMongoDriver({ connectionString: SECRET });
    expect(driver).toMatchObject({
      name: "mongodb",
      capabilities: { durable: true, pushHints: true, messages: true },
    });
    await driver.close();
    await expect(driver.read([])).rejects.toMatchObject({ code: "CLOSED" });
  });

  it("says that nothing was written when nobody answers there", async () => {
    const driver = createMongoDriver({
      connectionString: SECRET,
      clientOptions: { serverSelectionTimeoutMS: 100, appName: undefined },
    });
    for (const attempt of [driver.read([]), driver.remove({ taskId: "a", notAfterUs: 0 })]) {
      await expect(attempt).rejects.toMatchObject({
        code: "STORE_UNAVAILABLE",
        retryable: true,
        message: expect.not.stringContaining("hunter2"),
      });
    }
    await driver.close();
  });
});
