import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { postgresIsLeftOut } from "@mcp-task-store/services";
import { describeInsert } from "../../../conformance/test/adapter-tests/insert.ts";
import { newTask } from "../../../conformance/src/driver-model/sample-tasks.ts";
import { type ScratchDatabase, scratchDatabase } from "./scratch-database.ts";

describe.skipIf(postgresIsLeftOut())("on Postgres", () => {
  describeInsert(scratchDatabase);

  let database: ScratchDatabase;
  beforeAll(async () => {
    database = await scratchDatabase();
  });
  afterAll(() => database[Symbol.asyncDispose]());

  it("refuses a text that Postgres cannot store, and does not repeat it", async () => {
    const attempt = database.driver.insert(newTask({ statusMessage: "secret\u0000" }));
    await expect(attempt).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.not.stringContaining("secret"),
    });
  });
});
