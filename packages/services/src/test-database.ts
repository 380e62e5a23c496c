/** What a test file asks for when it needs Postgres. */
import { type FreshDatabase, freshDatabase } from "./fresh-database.ts";
import { sharedServer } from "./shared-server.ts";
import { postgresIsLeftOut } from "./start-postgres.ts";

export const TEST_POSTGRES_VARIABLE = "MCP_TASK_STORE_TEST_POSTGRES";

/**
 * An empty database on the run's server. A file that calls this is skipped with
 * `describe.skipIf(postgresIsLeftOut())` when the run leaves Postgres out.
 */
export async function freshTestDatabase(): Promise<FreshDatabase> {
  return freshDatabase(sharedServer<{ url: string }>(TEST_POSTGRES_VARIABLE, postgresIsLeftOut()).url);
}
