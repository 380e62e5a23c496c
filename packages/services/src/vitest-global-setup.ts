/** Vitest's global setup: one Postgres server for the whole run, its address in an environment variable. */
import { type PostgresService, postgresIsLeftOut, startPostgres } from "./start-postgres.ts";
import { TEST_POSTGRES_VARIABLE } from "./test-database.ts";

let service: PostgresService | undefined;

export async function setup(): Promise<void> {
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  if (postgresIsLeftOut()) {
    say("postgres: LEFT OUT by MCP_TASK_STORE_POSTGRES=off");
    return;
  }
  service = await startPostgres({ fast: true, log: say });
  // The workers are child processes and inherit it.
  process.env[TEST_POSTGRES_VARIABLE] = service.url;
}

export async function teardown(): Promise<void> {
  await service?.stop();
}
