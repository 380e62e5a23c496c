/** A collection of its own for a test file, set up, and ways to look behind the driver's back. */
import { type Collection, MongoClient, type MongoClientOptions } from "mongodb";
import type { TaskDriver, TaskRecord } from "@mcp-task-store/core";
import { freshTestMongo } from "@mcp-task-store/services";
import type { Scratch } from "../../../conformance/test/adapter-tests/scratch.ts";
import { plain } from "../../../conformance/src/driver-model/sample-tasks.ts";
import { createMongoDriver, type MongoDriverOptions } from "../src/index.ts";
import { taskRecord, type TaskRow } from "../src/row.ts";

export const COLLECTION: string = "tasks_of_a_test";

interface StoredText {
  readonly id: string;
  readonly text: string;
}

/** Everything that is stored of a task. */
export interface StoredRow extends TaskRow {
  readonly answer: { readonly at: number; readonly kind?: unknown };
  readonly messages: readonly StoredText[];
  readonly messageIds: readonly string[];
  readonly given: readonly { readonly receipt: string; readonly messages: readonly StoredText[] }[];
  readonly spentReceipts: readonly string[];
  readonly look?: unknown;
}

export interface ScratchMongo extends Scratch {
  readonly url: string;
  readonly database: string;
  /** See MongoService: it is slow. */
  readonly isStandIn: boolean;
  /** Another driver on the same database, closed with it. */
  another(options?: Partial<MongoDriverOptions>): TaskDriver;
  /** A client of the test's own, closed with the database. */
  client(options?: MongoClientOptions, url?: string): MongoClient;
  /** The collection, through a client of the test's own. */
  readonly rows: Collection<StoredRow>;
}

export async function scratchMongo(): Promise<ScratchMongo> {
  const fresh = await freshTestMongo();
  const { url, database, isStandIn } = fresh;
  const drivers: TaskDriver[] = [];
  const clients: MongoClient[] = [];
  const client = (options: MongoClientOptions = {}, through: string = url): MongoClient => {
    const made = new MongoClient(through, options);
    clients.push(made);
    return made;
  };
  const another = (options: Partial<MongoDriverOptions> = {}): TaskDriver => {
    const from = options.client === undefined ? { connectionString: url } : {};
    const made = createMongoDriver({ ...from, database, collection: COLLECTION, ...options });
    drivers.push(made);
    return made;
  };
  const rows = client().db(database).collection<StoredRow>(COLLECTION);
  const driver = another();
  await driver.setup();
  return {
    url,
    database,
    isStandIn,
    driver,
    another,
    client,
    rows,
    async plant(...records) {
      await rows.insertMany(records.map((record) => rowOf({ ...plain(), ...record })));
    },
    async stored(taskId) {
      const row = await rows.findOne({ _id: taskId });
      return row === null ? undefined : taskRecord(row);
    },
    async storedMessages(taskId) {
      const row = await rows.findOne({ _id: taskId });
      const kept = [...(row?.messages ?? []), ...(row?.given ?? []).flatMap((each) => each.messages)];
      const texts = new Map(kept.map(({ id, text }) => [id, text]));
      return (row?.messageIds ?? []).map((messageId) => ({ messageId, text: texts.get(messageId) ?? null }));
    },
    async expire(taskId) {
      await rows.updateOne({ _id: taskId }, { $set: { dueAt: 5, expiresAt: 5 } });
    },
    async clear() {
      await rows.deleteMany({ _id: { $type: "string" } });
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(drivers.map((each) => each.close()));
      await Promise.all(clients.map((each) => each.close()));
      await fresh[Symbol.asyncDispose]();
    },
  };
}

function rowOf({ taskId, ring, lease, request = null, outcome = null, ...record }: TaskRecord): StoredRow {
  return {
    _id: taskId,
    ...record,
    ringIds: ring.map(({ writeId }) => writeId),
    ringRevisions: ring.map(({ revision }) => revision),
    leaseToken: lease?.token ?? null,
    leaseHolder: lease?.holder ?? null,
    leaseExpiresAt: lease?.expiresAt ?? null,
    request,
    outcome,
    answer: { at: 0 },
    messages: [],
    messageIds: [],
    given: [],
    spentReceipts: [],
  };
}
