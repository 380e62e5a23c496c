import { MongoClient } from "mongodb";
import type { TaskStoreOptions } from "@mcp-task-store/core";
import { checkExactlyOne, checkPoolSize, invalidOption } from "@mcp-task-store/core/adapter";

/** A BSON document as plain data. */
export type MongoDocument = Record<string, unknown>;

/** What the store uses of a change stream. */
export interface MongoChangeStreamLike {
  next(): Promise<object>;
  close(): Promise<void>;
  on(event: "resumeTokenChanged", listener: () => void): unknown;
}

/** What the store uses of a collection. */
export interface MongoCollectionLike {
  aggregate(pipeline: MongoDocument[], options?: MongoDocument): { toArray(): Promise<MongoDocument[]> };
  watch(pipeline: MongoDocument[], options?: MongoDocument): MongoChangeStreamLike;
}

/** What the store uses of a database. */
export interface MongoDbLike {
  command(command: MongoDocument, options?: MongoDocument): Promise<MongoDocument>;
  collection(name: string): MongoCollectionLike;
}

/** What the store uses of a client: that of `mongodb` 7, whatever its copy. */
export interface MongoClientLike {
  /** Harmless where it is connected. Called until it has gone well once. */
  connect(): Promise<unknown>;
  db(name: string): MongoDbLike;
}

/** The part of mongodb's own options that concerns a store. Names and units are mongodb's. */
export interface MongoClientOptionsLike {
  readonly appName?: string | undefined;
  readonly auth?: { readonly username?: string | undefined; readonly password?: string | undefined } | undefined;
  readonly authSource?: string | undefined;
  readonly replicaSet?: string | undefined;
  readonly directConnection?: boolean | undefined;
  readonly tls?: boolean | undefined;
  readonly tlsCAFile?: string | undefined;
  readonly tlsCertificateKeyFile?: string | undefined;
  readonly tlsCertificateKeyFilePassword?: string | undefined;
  /** @default 5_000 */
  readonly connectTimeoutMS?: number | undefined;
  /** @default 5_000 */
  readonly serverSelectionTimeoutMS?: number | undefined;
  /** @default 10_000 */
  readonly heartbeatFrequencyMS?: number | undefined;
  /** @default none: connections stay open */
  readonly maxIdleTimeMS?: number | undefined;
}

/** Where the tasks are, and how to get there. */
export interface MongoDriverOptions {
  /** Exactly one of `connectionString` and `client`. */
  readonly connectionString?: string | undefined;
  /** Beside `connectionString`: what does not belong into a string, such as a password. */
  readonly clientOptions?: MongoClientOptionsLike | undefined;
  /**
   * Your own MongoClient, used as it is and never closed. Concerns and read preference are the store's own on every call.
   */
  readonly client?: MongoClientLike | undefined;
  /** @default that of the connection string, else "mcp_task_store"; letters, digits, _ and -, at most 63 */
  readonly database?: string | undefined;
  /** @default "mcp_tasks"; letters, digits, _, - and dots, at most 120 */
  readonly collection?: string | undefined;
  /**
   * "stream": wake-ups between processes by one change stream of this process; where the server has none (it is no
   * replica set) waiters look every second. "poll": no change stream; waiters look for themselves. @default "stream"
   */
  readonly hints?: "stream" | "poll" | undefined;
  /**
   * How many connections the store's own client opens to each server at most; with hints by stream one more, which the
   * change stream keeps. @default the maxPoolSize of the connection string, else 10; range 1 to 1,000
   */
  readonly poolSize?: number | undefined;
}

export interface MongoTaskStoreOptions extends TaskStoreOptions, MongoDriverOptions {}

export interface MongoDefaults {
  readonly database: string;
  readonly collection: string;
  readonly hints: "stream" | "poll";
  readonly poolSize: number;
  readonly connectTimeoutMS: number;
  readonly serverSelectionTimeoutMS: number;
}

export const MONGO_DEFAULTS: MongoDefaults = {
  database: "mcp_task_store",
  collection: "mcp_tasks",
  hints: "stream",
  poolSize: 10,
  connectTimeoutMS: 5_000,
  serverSelectionTimeoutMS: 5_000,
};

/** The client, and how to close it: somebody else's is left alone. */
export interface ConnectionSource {
  readonly client: MongoClientLike;
  readonly close: () => Promise<void>;
}

export interface CheckedOptions {
  readonly source: ConnectionSource;
  readonly database: string;
  readonly collection: string;
  readonly hints: "stream" | "poll";
}

/**
 * Checks the options and fills in the defaults. Messages never show a connection string.
 * @throws TaskStoreError INVALID_ARGUMENT naming the option and its limit
 */
export function checkOptions(options: MongoDriverOptions): CheckedOptions {
  const { hints = MONGO_DEFAULTS.hints } = options;
  if (hints !== "stream" && hints !== "poll") throw invalidOption("hints", 'must be "stream" or "poll"');
  return {
    database: checkDatabase(options.database ?? databaseIn(options.connectionString) ?? MONGO_DEFAULTS.database),
    collection: checkCollection(options.collection ?? MONGO_DEFAULTS.collection),
    hints,
    source: checkSource(options, hints),
  };
}

function checkDatabase(database: string): string {
  const isOurs = typeof database === "string" && !["admin", "local", "config"].includes(database);
  if (isOurs && /^[A-Za-z0-9_-]{1,63}$/.test(database)) return database;
  throw invalidOption("database", "must be 1 to 63 letters, digits, _ and -, and no database of MongoDB's own");
}

function checkCollection(collection: string): string {
  const isOurs = typeof collection === "string" && !collection.startsWith("system.");
  if (isOurs && /^[A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*$/.test(collection) && collection.length <= 120) {
    return collection;
  }
  const what = "letters, digits, _, - and single dots, the first a letter or _, and no collection of MongoDB's own";
  throw invalidOption("collection", `must be 1 to 120 ${what}`);
}

/** Its path; undefined where there is none. What else is wrong with the string is for mongodb to say. */
function databaseIn(connectionString: unknown): string | undefined {
  if (typeof connectionString !== "string") return undefined;
  return /^mongodb(?:\+srv)?:\/\/[^/?]*\/([^?]+)/.exec(connectionString)?.[1];
}

function checkSource(options: MongoDriverOptions, hints: "stream" | "poll"): ConnectionSource {
  const { connectionString, clientOptions, client, poolSize } = options;
  checkExactlyOne({ connectionString, client });
  if (poolSize !== undefined) checkPoolSize(poolSize);
  if (client !== undefined) {
    if (typeof client !== "object" || client === null || typeof client.connect !== "function") {
      throw invalidOption("client", "must be a MongoClient of mongodb");
    }
    if (clientOptions !== undefined) throw invalidOption("clientOptions", "belongs to connectionString, not to client");
    return { client, close: async () => {} };
  }
  if (typeof connectionString !== "string" || connectionString === "") {
    throw invalidOption("connectionString", "must be a string that is not empty");
  }
  if (clientOptions !== undefined && (typeof clientOptions !== "object" || clientOptions === null)) {
    throw invalidOption("clientOptions", "must be an object");
  }
  const connections = poolSize ?? poolSizeIn(connectionString) ?? MONGO_DEFAULTS.poolSize;
  // The change stream keeps a connection. None is a limit of mongodb's own: as many as it likes.
  const kept = hints === "stream" && connections > 0 ? 1 : 0;
  return ownClient(connectionString, clientOptions ?? {}, connections + kept);
}

/** Its maxPoolSize; undefined where it has none that is a number, which is for mongodb to say. */
function poolSizeIn(connectionString: string): number | undefined {
  const size = /[?&]maxPoolSize=(\d{1,6})(?:&|$)/i.exec(connectionString)?.[1];
  return size === undefined ? undefined : Number(size);
}

/** It connects when it is first used. Its errors about the string are dropped: they may quote it, password and all. */
function ownClient(
  connectionString: string,
  clientOptions: MongoClientOptionsLike,
  maxPoolSize: number,
): ConnectionSource {
  const asked = connectionString.slice(connectionString.indexOf("?") + 1).toLowerCase();
  const unlessAsked = (name: "connectTimeoutMS" | "serverSelectionTimeoutMS"): MongoDocument =>
    asked.includes(`${name.toLowerCase()}=`) ? {} : { [name]: MONGO_DEFAULTS[name] };
  let client: MongoClient;
  try {
    client = new MongoClient(connectionString, {
      ...unlessAsked("connectTimeoutMS"),
      ...unlessAsked("serverSelectionTimeoutMS"),
      ...givenIn(clientOptions),
      maxPoolSize,
      // The engine repeats by itself, and knows for how long and what became of it.
      retryWrites: false,
      retryReads: false,
    });
  } catch {
    throw invalidOption("connectionString", "or clientOptions are not what mongodb can read");
  }
  client.on("error", () => {});
  return { client, close: () => client.close() };
}

/** mongodb takes an option that is `undefined` for a bad value. */
function givenIn(options: MongoClientOptionsLike): MongoDocument {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
