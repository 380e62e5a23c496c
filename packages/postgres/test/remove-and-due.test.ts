import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { postgresIsLeftOut } from "@mcp-task-store/services";
import { describeRemoveAndDue } from "../../../conformance/test/adapter-tests/remove-and-due.ts";
import { plain } from "../../../conformance/src/driver-model/sample-tasks.ts";
import { SCHEMA, type ScratchDatabase, scratchDatabase } from "./scratch-database.ts";

describe.skipIf(postgresIsLeftOut())("on Postgres", () => {
  describeRemoveAndDue(scratchDatabase);

  let database: ScratchDatabase;
  beforeAll(async () => {
    database = await scratchDatabase();
  });
  afterAll(() => database[Symbol.asyncDispose]());

  it("due does not wait for a row that somebody holds", async () => {
    const [held, free] = [
      { ...plain(), dueAt: 5, claimBy: 5 },
      { ...plain(), dueAt: 6, claimBy: 5 },
    ];
    await database.plant(held, free);
    const holder = await database.session();
    await holder.query("begin");
    await holder.query(`select from ${SCHEMA}.tasks where task_id = $1 for no key update`, [held.taskId]);
    expect((await database.driver.due(10, 60_000)).rows.map(({ taskId }) => taskId)).toEqual([free.taskId]);
    await holder.query("rollback");
    expect((await database.driver.due(10, 60_000)).rows.map(({ taskId }) => taskId)).toEqual([held.taskId]);
  });
});
