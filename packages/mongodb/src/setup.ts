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
const NAMESPACE_NOT_FOUND = 26;

/** IndexOptionsConflict, IndexKeySpecsConflict: another index has the name or the keys. */
const CONFLICTS: ReadonlySet<number> = new Set([85, 86]);

/** What the server says of an index. */
interface ListedIndex {
  readonly name: string;
  readonly key: Readonly<Record<string, unknown>>;
  readonly collation?: unknown;
  readonly hidden?: boolean;
  readonly sparse?: boolean;
  readonly unique?: boolean;
  readonly partialFilterExpression?: unknown;
}

/**
 * Makes the collection, its indexes and the row that says its version. Where all is there it only reads. Any number of
 * processes may do it at once.
 * @throws TaskStoreError SCHEMA_NOT_READY if the collection is newer than this package, or has a collation or an index
 * by which it cannot be used; STORE_UNAVAILABLE
 */
export async function setUp(connection: Connection, { signal }: DriverCallOptions): Promise<void> {
  try {
    const [row] = await connection.rows(readPipeline([], { request: false, outcome: false }), 1, { signal });
    if (row !== undefined) throwIfNewer(row["version"]);
    const hasIndexes = hasAll(await listIndexes(connection, signal));
    if (row?.["version"] === SCHEMA_VERSION && hasIndexes) return;
    if (!hasIndexes) await createIndexes(connection, signal);
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

/** None where there is no collection. */
async function listIndexes(connection: Connection, signal: AbortSignal | undefined): Promise<readonly ListedIndex[]> {
  try {
    const { cursor } = await connection.ask({ listIndexes: connection.collection, cursor: {} }, { signal });
    // A collection has 64 indexes at most: one batch.
    return (cursor as { readonly firstBatch: readonly ListedIndex[] }).firstBatch;
  } catch (error) {
    if (codeOf(error) === NAMESPACE_NOT_FOUND) return [];
    throw error;
  }
}

/** Whether all our indexes are there. @throws TaskStoreError SCHEMA_NOT_READY if what is there cannot be used */
function hasAll(listed: readonly ListedIndex[]): boolean {
  // The index of the ids has the collation that the collection was given.
  const ofIds = listed.find(({ key }) => JSON.stringify(key) === '{"_id":1}');
  if (ofIds !== undefined && !isSimple(ofIds.collation)) {
    throw new TaskStoreError(
      "SCHEMA_NOT_READY",
      "the collection has a collation of its own, by which different ids may be equal: give the store another collection",
    );
  }
  return INDEXES.every(({ name, key }) => {
    const found = listed.find((index) => index.name === name);
    if (found === undefined) return false;
    if (!isPlain(found) || JSON.stringify(found.key) !== JSON.stringify(key)) throw inTheWay(name);
    return true;
  });
}

/** Whether it holds every row, in the order of its keys, for every query. */
function isPlain({ collation, hidden, sparse, unique, partialFilterExpression }: ListedIndex): boolean {
  if (hidden === true || sparse === true || unique === true) return false;
  return partialFilterExpression === undefined && isSimple(collation);
}

/** Older servers list no collation where texts are compared byte by byte. */
function isSimple(collation: unknown): boolean {
  if (collation === undefined) return true;
  const locale = typeof collation === "object" && collation !== null && "locale" in collation && collation.locale;
  return locale === SIMPLE.locale;
}

function inTheWay(name: string, cause?: unknown): TaskStoreError {
  const message = `the index ${name} is not one that setup() makes, and in the way of one: drop it and run setup() again`;
  return new TaskStoreError("SCHEMA_NOT_READY", message, { cause });
}

async function createIndexes(connection: Connection, signal: AbortSignal | undefined): Promise<void> {
  const indexes = INDEXES.map((index) => ({ ...index, collation: SIMPLE }));
  const command = { createIndexes: connection.collection, indexes };
  try {
    // Without a limit of the server's: where the collection is large already, it goes on although nobody waits for it.
    await connection.change(command, { signal, repeatable: true, limitMs: 0 });
  } catch (error) {
    if (!CONFLICTS.has(codeOf(error))) throw error;
    const listed = await listIndexes(connection, signal);
    hasAll(listed);
    // The same keys under another name.
    const keys = new Set(INDEXES.map(({ key }) => JSON.stringify(key)));
    const other = listed.find(
      ({ name, key }) => keys.has(JSON.stringify(key)) && !INDEXES.some((i) => i.name === name),
    );
    throw inTheWay(other?.name ?? "of the same name or keys", error);
  }
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
  if (codeOf(error) !== UNAUTHORIZED) return error;
  return new TaskStoreError(
    "STORE_UNAVAILABLE",
    "setup() needs the actions find, listIndexes, insert, update, createCollection and createIndex on the collection; " +
      "the role readWrite has them",
    { cause: error.cause, retryable: false },
  );
}

/** Of the server's error behind a store's error; 0: there is none. */
function codeOf(error: unknown): number {
  const cause = isTaskStoreError(error) ? error.cause : undefined;
  return cause instanceof Error && "code" in cause && typeof cause.code === "number" ? cause.code : 0;
}
