/** What a test file asks for. */
import { type FreshDatabase, freshDatabase } from "./fresh-database.ts";
import { postgresIsLeftOut } from "./start-postgres.ts";

export const TEST_POSTGRES_VARIABLE = "MCP_TASK_STORE_POSTGRES_URL";

/**
 * An empty database on the run's server. A file that calls this is skipped with
 * `describe.skipIf(postgresIsLeftOut())` when the run leaves Postgres out.
 */
export function freshTestDatabase(): Promise<FreshDatabase> {
  const url = process.env[TEST_POSTGRES_VARIABLE];
  if (url !== undefined) return freshDatabase(url);
  return Promise.reject(
    new Error(
      postgresIsLeftOut()
        ? "this run leaves Postgres out: MCP_TASK_STORE_POSTGRES=off"
        : `${TEST_POSTGRES_VARIABLE} is not set: run the tests with pnpm test, or vitest at the root`,
    ),
  );
}
