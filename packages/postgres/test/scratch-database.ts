/** A database of its own for a test file, with the schema set up, and ways to look behind the driver's back. */
import { Client, Pool } from "pg";
import type { TaskDriver, TaskRecord } from "@mcp-task-store/core";
import { type FreshDatabase, freshTestDatabase } from "@mcp-task-store/services";
import { createPostgresDriver, type PgConfigLike, type PostgresDriverOptions } from "../src/index.ts";
import { rowTypes, taskRecord, type TaskRow } from "../src/row.ts";
import type { Scratch } from "../../../conformance/test/adapter-tests/scratch.ts";
import { plain } from "../../../conformance/src/driver-model/sample-tasks.ts";

export const SCHEMA: string = "tasks_of_a_test";

export interface ScratchDatabase extends Scratch {
  readonly url: string;
  /** Another driver on the same database, closed with it. */
  another(options?: Partial<PostgresDriverOptions>): TaskDriver;
  /** Runs a statement on a pool of the test's own. */
  sql<R extends Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<readonly R[]>;
  /** A connection of the test's own, say for holding locks. Closed with the database. */
  session(): Promise<Client>;
}

/** @param given a database of another server than the run's; dropped with what is returned */
export async function scratchDatabase(given?: FreshDatabase): Promise<ScratchDatabase> {
  const database = given ?? (await freshTestDatabase());
  const pool = new Pool({ connectionString: database.url, max: 4 });
  pool.on("error", () => {});
  const drivers: TaskDriver[] = [];
  const sessions: Client[] = [];
  const another = (options: Partial<PostgresDriverOptions> = {}): TaskDriver => {
    const from = options.pool === undefined && options.config === undefined ? { connectionString: database.url } : {};
    const driver = createPostgresDriver({ ...from, schema: SCHEMA, ...options });
    drivers.push(driver);
    return driver;
  };
  const driver = another();
  await driver.setup();
  return {
    url: database.url,
    driver,
    another,
    async sql(text, values = []) {
      const { rows } = await pool.query({ text, values: [...values], types: rowTypes });
      return rows;
    },
    async session() {
      const client = new Client({ connectionString: database.url });
      client.on("error", () => {});
      sessions.push(client);
      await client.connect();
      return client;
    },
    async plant(...records) {
      for (const record of records) await pool.query(PLANT, Object.values(columnsOf({ ...plain(), ...record })));
    },
    async stored(taskId) {
      const { rows } = await pool.query<TaskRow>({
        text: `select * from ${SCHEMA}.tasks where task_id = $1`,
        values: [taskId],
        types: rowTypes,
      });
      return rows[0] && taskRecord(rows[0]);
    },
    async storedMessages(taskId) {
      const { rows } = await pool.query<{ message_id: string; message: string | null }>(
        `select message_id, message from ${SCHEMA}.task_messages where task_id = $1 order by place`,
        [taskId],
      );
      return rows.map(({ message_id: messageId, message: text }) => ({ messageId, text }));
    },
    async expire(taskId) {
      await pool.query(`update ${SCHEMA}.tasks set due_at = 5, expires_at = 5 where task_id = $1`, [taskId]);
    },
    async clear() {
      await pool.query(`truncate ${SCHEMA}.tasks`);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...drivers.map((each) => each.close()), ...sessions.map((each) => each.end()), pool.end()]);
      await database.drop();
    },
  };
}

function columnsOf(record: TaskRecord): Record<string, unknown> {
  return {
    task_id: record.taskId,
    scope: record.scope,
    generation: record.generation,
    create_id: record.createId,
    revision: record.revision,
    ring_ids: record.ring.map(({ writeId }) => writeId),
    ring_revisions: record.ring.map(({ revision }) => revision),
    inputs_id: record.inputsId,
    status: record.status,
    status_message: record.statusMessage,
    created_at: record.createdAt,
    last_updated_at: record.lastUpdatedAt,
    ttl_ms: record.ttlMs,
    poll_interval_ms: record.pollIntervalMs,
    expires_at: record.expiresAt,
    claim_by: record.claimBy,
    run_until: record.runUntil,
    attempts: record.attempts,
    cancel_requested_at: record.cancelRequestedAt,
    inputs: record.inputs,
    metadata: record.metadata,
    lease_token: record.lease?.token,
    lease_holder: record.lease?.holder,
    lease_expires_at: record.lease?.expiresAt,
    due_at: record.dueAt,
    request: record.request,
    outcome: record.outcome,
  };
}

const COLUMNS = Object.keys(columnsOf(plain()));
const PLANT = `insert into ${SCHEMA}.tasks (${COLUMNS.join(", ")}) values (${COLUMNS.map((_, index) => `$${index + 1}`).join(", ")})`;

/** The settings of a URL one by one, to be changed. */
export function configOf(url: string): PgConfigLike & { readonly port: number } {
  const { hostname, port, pathname, username, password } = new URL(url);
  return { host: hostname, port: Number(port), database: pathname.slice(1), user: username, password };
}
