/** What a test file asks for when it needs MongoDB. */
import { randomBytes } from "node:crypto";
import { dropMongoDatabase } from "./mongo-client.ts";
import { mongoIsLeftOut } from "./start-mongo.ts";
import { sharedServer } from "./shared-server.ts";

export const TEST_MONGO_VARIABLE = "MCP_TASK_STORE_TEST_MONGODB";

export interface SharedMongo {
  /** Of the run's server, without a database. */
  readonly url: string;
  /** See MongoService. */
  readonly isStandIn: boolean;
}

export interface FreshMongo extends SharedMongo, AsyncDisposable {
  /** The name of a database of this file alone; it goes when this is disposed. */
  readonly database: string;
}

/**
 * A database on the run's server. A file that calls this is skipped with `describe.skipIf(mongoIsLeftOut())` when the
 * run leaves MongoDB out.
 */
export async function freshTestMongo(): Promise<FreshMongo> {
  const server = sharedServer<SharedMongo>(TEST_MONGO_VARIABLE, mongoIsLeftOut());
  const database = `mts_${randomBytes(8).toString("hex")}`;
  return { ...server, database, [Symbol.asyncDispose]: () => dropMongoDatabase(server.url, database) };
}
