import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { postgresIsLeftOut } from "@mcp-task-store/services";
import { namesIn } from "../src/sql/names.ts";
import { makeStatements } from "../src/statements.ts";
import { SCHEMA, type ScratchDatabase, scratchDatabase } from "./scratch-database.ts";

const { write, insert, remove, due, read, page } = makeStatements(namesIn(SCHEMA), false);

/** What a prepared statement is planned as, whatever its parameters: the plan that connections keep. */
describe.skipIf(postgresIsLeftOut())("plans", () => {
  let database: ScratchDatabase;
  beforeAll(async () => {
    database = await scratchDatabase();
  });
  afterAll(() => database[Symbol.asyncDispose]());

  async function plan(text: string, values: string, settings: string): Promise<string> {
    const session = await database.session();
    await session.query(`set plan_cache_mode = force_generic_plan; ${settings}`);
    await session.query(`prepare planned as ${text}`);
    const { rows } = await session.query<{ "QUERY PLAN": string }>(`explain (costs off) execute planned (${values})`);
    await session.query("deallocate planned");
    return rows.map((row) => row["QUERY PLAN"]).join("\n");
  }

  const cases: readonly (readonly [string, string, string])[] = [
    ["write", write.text, "'a', true, null, 'w', 1, false, '[]', '{}', null, null, null"],
    ["insert", insert.text, "'a', 'c', null, null, null, null, 1, 1, null, null, 1"],
    ["remove", remove.text, "'a', true, null, 1"],
    ["due", due.text, "100, 1000"],
    ["read", read.both.text, "array['a']"],
    ["page of all", page.any.text, "50, 1, 'a', null"],
    ["page of an owner", page.owned.text, "50, 1, 'a', null, 'alice'"],
    ["page of unowned tasks", page.unowned.text, "50, 1, 'a', null"],
  ];

  it.each(cases)("%s goes by an index, also where the table was empty when it was planned", async (_, text, values) => {
    // As on the store's own connections.
    const found = await plan(text, values, "set enable_seqscan = off");
    expect(found).toMatch(/Index (Only )?Scan|Bitmap Heap Scan on tasks|Insert on tasks/);
    expect(found).not.toContain("Seq Scan");
  });

  it.each(cases)("%s goes by an index on a large table, on any connection", async (_, text, values) => {
    await database.sql(
      `insert into ${SCHEMA}.tasks (task_id, scope, create_id, revision, ring_ids, ring_revisions, status, created_at,
         last_updated_at, poll_interval_ms, attempts, due_at)
       select 'task-' || n, case when n % 3 > 0 then 'owner-' || n % 50 end, 'c', n, '{}', '{}', 'working', n, n, 500, 0, n * 1e9
         from generate_series(1, 20000) as n
       on conflict do nothing`,
    );
    await database.sql(`analyze ${SCHEMA}.tasks`);
    const found = await plan(text, values, "");
    expect(found).not.toContain("Seq Scan");
    // A page reads its index in order: sorting would mean reading every task of the scope.
    if (text === page.any.text || text === page.owned.text || text === page.unowned.text) {
      expect(found.indexOf("Sort", found.indexOf("Limit"))).toBe(-1);
    }
  });
});
