export { createPostgresTaskStore } from "./create-postgres-task-store.ts";
export { postgresSchemaSql } from "./migrate.ts";
export {
  type PgClientLike,
  type PgConfigLike,
  type PgPoolLike,
  type PgQueryLike,
  type PgTlsOptions,
  POSTGRES_DEFAULTS,
  type PostgresDefaults,
  type PostgresDriverOptions,
  type PostgresTaskStoreOptions,
} from "./options.ts";
export { createPostgresDriver } from "./postgres-driver.ts";
export { type RowTypes } from "./row.ts";
