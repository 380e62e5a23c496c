import type { Names } from "./names.ts";

/** The newest migration that was applied. Rows: one; `version` is null if there is none. Errors: 42P01, 3F000. */
export const versionStatement = (names: Names): string => `select max(version) as version from ${names.migrations}`;

/**
 * Held by one migrating process at a time, until its transaction ends.
 * Params: $1 text naming the schema.
 */
export const migrationLockStatement = "select pg_advisory_xact_lock(hashtextextended($1::text, 0))";

/** Where the tables live, and the record of what was applied. Harmless if they are there. */
export const createMigrations = (names: Names): string => `\
do $$ begin
  -- "if not exists" asks for the right to create first, also where the schema is there.
  if to_regnamespace('${names.schema}') is null then create schema if not exists ${names.schema}; end if;
end $$;
create table if not exists ${names.migrations} (
  version integer primary key,
  name text not null,
  applied_at timestamptz not null default clock_timestamp()
);
`;

/** Params: $1 version, $2 name. */
export const recordMigration = (names: Names): string =>
  `insert into ${names.migrations} (version, name) values ($1::integer, $2::text)`;
