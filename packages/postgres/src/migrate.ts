import { TaskStoreError } from "@mcp-task-store/core";
import type { DriverCallOptions } from "@mcp-task-store/core";
import type { Connection } from "./connection.ts";
import { MIGRATIONS } from "./migrations/migrations.ts";
import { checkSchema } from "./options.ts";
import type { PgClientLike } from "./options.ts";
import { createMigrations, migrationLockStatement, recordMigration, versionStatement } from "./sql/migrations.ts";
import { namesIn } from "./sql/names.ts";
import type { Names } from "./sql/names.ts";
import { sqlState } from "./map-error.ts";

const KNOWN_VERSION = MIGRATIONS.at(-1)?.version ?? 0;

/**
 * Brings the schema to this version: in one transaction, under a lock that one process at a time holds. Where nothing
 * is to be done it only reads, so that a role without rights to create may call it.
 * @throws TaskStoreError SCHEMA_NOT_READY if the schema is newer than this package; STORE_UNAVAILABLE
 */
export async function migrate(connection: Connection, names: Names, { signal }: DriverCallOptions): Promise<void> {
  // An outcome that was lost does no harm: whoever calls again finds out. Hence "reading".
  await connection.withClient({ doing: "reading", signal }, async (client) => {
    if ((await readVersion(client, names)) === KNOWN_VERSION) return;
    await client.query({ text: "begin" });
    try {
      await applyMissing(client, names);
      await client.query({ text: "commit" });
    } catch (error) {
      // Where this fails the connection is lost, and the server rolls back by itself.
      await client.query({ text: "rollback" }).catch(() => {});
      throw error;
    }
  });
}

async function applyMissing(client: PgClientLike, names: Names): Promise<void> {
  await client.query({ text: migrationLockStatement, values: [lockName(names)] });
  await client.query({ text: createMigrations(names) });
  const version = await readVersion(client, names);
  for (const migration of MIGRATIONS) {
    if (migration.version <= version) continue;
    await client.query({ text: migration.sql(names) });
    await client.query({ text: recordMigration(names), values: [migration.version, migration.name] });
  }
}

/** 0 where there is no schema yet. */
async function readVersion(client: PgClientLike, names: Names): Promise<number> {
  let version: number;
  try {
    const { rows } = await client.query<{ version: number | null }>({ text: versionStatement(names) });
    version = rows[0]?.version ?? 0;
  } catch (error) {
    if (sqlState(error) === "42P01" || sqlState(error) === "3F000") return 0;
    throw error;
  }
  if (version <= KNOWN_VERSION) return version;
  throw new TaskStoreError(
    "SCHEMA_NOT_READY",
    `the schema ${names.schema} has version ${version}, this package knows ${KNOWN_VERSION}: install a newer one`,
  );
}

function lockName(names: Names): string {
  return `mcp_task_store:migrate:${names.schema}`;
}

/**
 * Everything that `setup()` does, as SQL for a migration tool or a role with more rights. May be run again.
 * @throws TaskStoreError INVALID_ARGUMENT naming the schema's limits
 */
export function postgresSchemaSql(options: { readonly schema?: string | undefined } = {}): string {
  const names = namesIn(checkSchema(options.schema));
  const lock = migrationLockStatement.replace("$1::text", `'${lockName(names)}'`);
  const steps = MIGRATIONS.map(
    ({ version, name, sql }) =>
      `${sql(names)}insert into ${names.migrations} (version, name) values (${version}, '${name}') on conflict do nothing;\n`,
  );
  return `begin;\n${lock};\n${createMigrations(names)}${steps.join("")}commit;\n`;
}
