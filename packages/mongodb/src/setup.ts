import { isTaskStoreError, TaskStoreError } from "@mcp-task-store/core";
import type { DriverCallOptions } from "@mcp-task-store/core";
import { SIMPLE } from "./collation.ts";
import type { Connection } from "./connection.ts";
import { isDuplicateKey } from "./map-error.ts";
import { readPipeline } from "./pipelines/read.ts";
import { CLOCK_ROW_ID } from "./row.ts";
import type { MongoDocument } from "./options.ts";

/** The version of the schema that this package reads and writes. */
export const SCHEMA_VERSION = 1;

/** Only what heartbeats leave alone: no index has to follow them. */
const INDEXES: readonly { readonly name: string; readonly key: Readonly<Record<string, 1 | -1>> }[] = [
  { name: "mcp_tasks_due", key: { dueAt: 1, _id: 1 } },
  { name: "mcp_tasks_of_scope", key: { scope: 1, createdAt: -1, _id: -1 } },
  { name: "mcp_tasks_by_age", key: { createdAt: -1, _id: -1 } },
];

const UNAUTHORIZED = 13;

/**
 * Makes the collection, its indexes and the row that says its version. Where all is there it only reads. Any number of
 * processes may do it at once.
 * @throws TaskStoreError SCHEMA_NOT_READY if the collection is newer than this package; STORE_UNAVAILABLE
 */
export async function setUp(connection: Connection, { signal }: DriverCallOptions): Promise<void> {
  try {
    const [row] = await connection.rows(readPipeline([], { request: false, outcome: false }), 1, { signal });
    if (row !== undefined) throwIfNewer(row["version"]);
    if (row?.["version"] === SCHEMA_VERSION && (await hasIndexes(connection, signal))) return;
    // Without a limit of the server's: where the collection is large already, it goes on although nobody waits for it.
    const indexes = INDEXES.map((index) => ({ ...index, collation: SIMPLE }));
    const command = { createIndexes: connection.collection, indexes, maxTimeMS: 0 };
    await connection.change(command, { signal, repeatable: true });
    await saveVersion(connection, signal);
  } catch (error) {
    throw withRights(error);
  }
}

/** @throws TaskStoreError SCHEMA_NOT_READY */
export function checkVersion(version: unknown): void {
  throwIfNewer(version);
  if (version !== SCHEMA_VERSION) {
    throw new TaskStoreError("SCHEMA_NOT_READY", "the collection is missing or not set up: run setup()");
  }
}

function throwIfNewer(version: unknown): void {
  if (typeof version !== "number" || version <= SCHEMA_VERSION) return;
  throw new TaskStoreError(
    "SCHEMA_NOT_READY",
    `the collection has version ${version}, this package knows ${SCHEMA_VERSION}: install a newer one`,
  );
}

async function hasIndexes(connection: Connection, signal: AbortSignal | undefined): Promise<boolean> {
  const { cursor } = await connection.ask({ listIndexes: connection.collection, cursor: {} }, { signal });
  const names = JSON.stringify(cursor);
  return INDEXES.every(({ name }) => names.includes(JSON.stringify(name)));
}

async function saveVersion(connection: Connection, signal: AbortSignal | undefined): Promise<void> {
  const statement: MongoDocument = {
    q: { _id: CLOCK_ROW_ID },
    u: { $max: { version: SCHEMA_VERSION }, $setOnInsert: { expiresAt: null } },
    upsert: true,
    collation: SIMPLE,
  };
  try {
    await connection.change({ update: connection.collection, updates: [statement] }, { signal, repeatable: true });
  } catch (error) {
    // Another process made it at the same time.
    if (!isTaskStoreError(error) || !isDuplicateKey(error.cause)) throw error;
  }
}

function withRights(error: unknown): unknown {
  if (!isTaskStoreError(error, "STORE_UNAVAILABLE")) return error;
  const { cause } = error;
  if (!(cause instanceof Error) || !("code" in cause) || cause.code !== UNAUTHORIZED) return error;
  return new TaskStoreError(
    "STORE_UNAVAILABLE",
    "setup() needs the actions find, listIndexes, insert, update, createCollection and createIndex on the collection; " +
      "the role readWrite has them",
    { cause, retryable: false },
  );
}
