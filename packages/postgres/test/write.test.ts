import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { postgresIsLeftOut } from "@mcp-task-store/services";
import { describeWrite } from "../../../conformance/test/adapter-tests/write.ts";
import { plain, writeTo } from "../../../conformance/src/driver-model/sample-tasks.ts";
import { type ScratchDatabase, scratchDatabase } from "./scratch-database.ts";

const finish = { when: { open: true }, then: { set: { status: "completed" } } } as const;

describe.skipIf(postgresIsLeftOut())("on Postgres", () => {
  describeWrite(scratchDatabase);

  let database: ScratchDatabase;
  beforeAll(async () => {
    database = await scratchDatabase();
  });
  afterAll(() => database[Symbol.asyncDispose]());

  it("works without prepared statements", async () => {
    const { taskId } = plain();
    await database.plant({ taskId });
    const driver = database.another({ prepare: false });
    expect(await driver.write(writeTo(taskId, { alternatives: [finish] }))).toMatchObject({ kind: "written" });
  });
});
