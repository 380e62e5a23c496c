import { Client } from "pg";
import type { TaskStoreOptions } from "@mcp-task-store/core";
import { checkExactlyOne, checkPoolSize, invalidOption } from "@mcp-task-store/core/adapter";
import type { RowTypes } from "./row.ts";

/** One query as we hand it to pg. */
export interface PgQueryLike {
  readonly name?: string;
  readonly text: string;
  readonly values?: readonly unknown[];
  readonly types?: RowTypes;
}

/** What the store uses of a client checked out of a pool: that of `pg`, whatever its copy or version. */
export interface PgClientLike {
  query<R extends Record<string, unknown>>(query: PgQueryLike): Promise<{ readonly rows: R[] }>;
  /** `true` closes the connection instead of giving it back. */
  release(destroy?: boolean): void;
  on(
    event: "notification",
    listener: (message: { readonly channel: string; readonly payload?: string | undefined }) => void,
  ): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "end", listener: () => void): unknown;
  removeListener(event: string, listener: () => void): unknown;
}

/** What the store uses of a pool: that of `pg`, whatever its copy or version. */
export interface PgPoolLike {
  connect(): Promise<PgClientLike>;
}

/** How to connect: the part of pg's own configuration that concerns a store. Its names and units are pg's. */
export interface PgConfigLike {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly user?: string | undefined;
  readonly database?: string | undefined;
  readonly password?: string | (() => string | Promise<string>) | undefined;
  readonly ssl?: boolean | PgTlsOptions | undefined;
  readonly application_name?: string | undefined;
  readonly options?: string | undefined;
  /** @default 5_000 */
  readonly connectionTimeoutMillis?: number | undefined;
  /** @default 10_000 */
  readonly idleTimeoutMillis?: number | undefined;
  readonly maxLifetimeSeconds?: number | undefined;
  /** Server-side limits, ms. @default the server's */
  readonly statement_timeout?: number | undefined;
  readonly lock_timeout?: number | undefined;
}

/** The usual part of `tls.ConnectionOptions`. */
export interface PgTlsOptions {
  readonly ca?: string | Buffer | (string | Buffer)[] | undefined;
  readonly cert?: string | Buffer | undefined;
  readonly key?: string | Buffer | undefined;
  readonly rejectUnauthorized?: boolean | undefined;
  readonly servername?: string | undefined;
}

/** Where the tasks are, and how to get there. */
export interface PostgresDriverOptions {
  /** Exactly one of `connectionString`, `config` and `pool`. */
  readonly connectionString?: string | undefined;
  readonly config?: PgConfigLike | undefined;
  /**
   * Your own pool, used as it is and never ended. With hints "listen" one of its clients is kept for LISTEN. It needs
   * isolation level read committed (the default) and an `error` listener, as every pool of pg does.
   */
  readonly pool?: PgPoolLike | undefined;
  /** The schema of the tables. @default "mcp_task_store"; lower-case letters, digits and _, at most 48 */
  readonly schema?: string | undefined;
  /**
   * "listen": wake-ups between processes by LISTEN and NOTIFY, over one connection of this process. "poll": none, where
   * LISTEN cannot be had (a pooler in transaction mode); waiters then look for themselves. @default "listen"
   */
  readonly hints?: "listen" | "poll" | undefined;
  /** Named prepared statements; false for a pooler in transaction mode. @default true */
  readonly prepare?: boolean | undefined;
  /** How many connections the store's own pool opens at most. @default 10, range 1 to 1,000 */
  readonly poolSize?: number | undefined;
}

export interface PostgresTaskStoreOptions extends TaskStoreOptions, PostgresDriverOptions {}

export interface PostgresDefaults {
  readonly schema: string;
  readonly hints: "listen" | "poll";
  readonly prepare: boolean;
  readonly poolSize: number;
  readonly connectionTimeoutMillis: number;
}

export const POSTGRES_DEFAULTS: PostgresDefaults = {
  schema: "mcp_task_store",
  hints: "listen",
  prepare: true,
  poolSize: 10,
  connectionTimeoutMillis: 5_000,
};

/** Where connections come from: somebody's pool, or settings for our own. */
export type ConnectionSource =
  | { readonly pool: PgPoolLike }
  | { readonly settings: PgConfigLike & { readonly connectionString?: string }; readonly poolSize: number };

export interface CheckedOptions {
  readonly source: ConnectionSource;
  readonly schema: string;
  readonly hints: "listen" | "poll";
  readonly prepare: boolean;
}

/**
 * Checks the options and fills in the defaults. Messages never show a connection string.
 * @throws TaskStoreError INVALID_ARGUMENT naming the option and its limit
 */
export function checkOptions(options: PostgresDriverOptions): CheckedOptions {
  const { hints = POSTGRES_DEFAULTS.hints, prepare = POSTGRES_DEFAULTS.prepare } = options;
  if (hints !== "listen" && hints !== "poll") throw invalidOption("hints", 'must be "listen" or "poll"');
  if (typeof prepare !== "boolean") throw invalidOption("prepare", "must be true or false");
  return { source: checkSource(options), schema: checkSchema(options.schema), hints, prepare };
}

/** A schema's name goes into statements as it is; nothing but this pattern gets there. */
export function checkSchema(schema: string = POSTGRES_DEFAULTS.schema): string {
  const isFree = typeof schema === "string" && !schema.startsWith("pg_") && schema !== "information_schema";
  if (isFree && /^[a-z_][a-z0-9_]{0,47}$/.test(schema)) return schema;
  const what =
    "must be 1 to 48 lower-case letters, digits and underscores, the first no digit, and no name of Postgres's own";
  throw invalidOption("schema", what);
}

function checkSource(options: PostgresDriverOptions): ConnectionSource {
  const { connectionString, config, pool, poolSize = POSTGRES_DEFAULTS.poolSize } = options;
  checkExactlyOne({ connectionString, config, pool });
  checkPoolSize(poolSize);
  if (pool !== undefined) {
    if (typeof pool !== "object" || pool === null || typeof pool.connect !== "function") {
      throw invalidOption("pool", "must be a pool of pg");
    }
    return { pool };
  }
  if (connectionString !== undefined) {
    if (typeof connectionString !== "string" || connectionString === "") {
      throw invalidOption("connectionString", "must be a string that is not empty");
    }
    if (!isReadable(connectionString)) throw invalidOption("connectionString", "is not one that pg can read");
    return { settings: { connectionString }, poolSize };
  }
  if (typeof config !== "object" || config === null) throw invalidOption("config", "must be an object");
  return { settings: config, poolSize };
}

/** Asked of pg itself, without connecting. Its error is dropped: it quotes the string, password and all. */
function isReadable(connectionString: string): boolean {
  try {
    return new Client({ connectionString }) instanceof Client;
  } catch {
    return false;
  }
}
