import { describe, expect, it } from "vitest";
import { createPostgresDriver, createPostgresTaskStore, POSTGRES_DEFAULTS, postgresSchemaSql } from "../src/index.ts";

const SECRET = "postgres://user:hunter2@127.0.0.1:1/none";

describe("options", () => {
  it.each([
    ["none of the three", {}, "connectionString"],
    ["two of the three", { connectionString: SECRET, config: {} }, "connectionString"],
    ["an empty connection string", { connectionString: "" }, "connectionString"],
    ["a schema with a quote", { connectionString: SECRET, schema: 'a"b' }, "schema"],
    ["a schema in capitals", { connectionString: SECRET, schema: "Tasks" }, "schema"],
    ["a schema of 49 characters", { connectionString: SECRET, schema: "a".repeat(49) }, "schema"],
    ["an empty schema", { connectionString: SECRET, schema: "" }, "schema"],
    ["no pool to connect", { pool: {} }, "pool"],
    ["a pool of no connection", { connectionString: SECRET, poolSize: 0 }, "poolSize"],
    ["half a connection", { connectionString: SECRET, poolSize: 1.5 }, "poolSize"],
    ["unknown hints", { connectionString: SECRET, hints: "push" }, "hints"],
    ["prepare that is no boolean", { connectionString: SECRET, prepare: "no" }, "prepare"],
  ])("refuses %s, names the option and shows no secret", (_, options, argument) => {
    // What JavaScript callers can pass, whatever the types say.
    const make = (): unknown => Reflect.apply(createPostgresDriver, undefined, [options]);
    expect(make).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT", argument: `options.${argument}` }));
    expect(make).not.toThrow("hunter2");
  });

  it("checks the schema of printed SQL too", () => {
    expect(() => postgresSchemaSql({ schema: "a; drop" })).toThrow(
      expect.objectContaining({ argument: "options.schema" }),
    );
    expect(postgresSchemaSql()).toContain(`"${POSTGRES_DEFAULTS.schema}".tasks`);
  });

  it("hands the store's own options to the store", () => {
    const make = (): unknown => createPostgresTaskStore({ connectionString: SECRET, leaseMs: 1 });
    expect(make).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT", argument: "options.leaseMs" }));
  });

  it("connects to nothing before it is used", async () => {
    const driver = createPostgresDriver({ connectionString: SECRET });
    expect(driver).toMatchObject({
      name: "postgres",
      capabilities: { durable: true, pushHints: true, messages: true },
    });
    await driver.close();
  });

  it("says that nothing was written when nobody answers there", async () => {
    const driver = createPostgresDriver({ connectionString: SECRET });
    const attempt = driver.read([]);
    await expect(attempt).rejects.toMatchObject({
      code: "STORE_UNAVAILABLE",
      message: expect.not.stringContaining("hunter2"),
    });
    await driver.close();
  });
});
