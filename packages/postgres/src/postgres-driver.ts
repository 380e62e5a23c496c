import { TaskStoreError } from "@mcp-task-store/core";
import type {
  DriverCallOptions,
  DriverCapabilities,
  DriverHints,
  DriverMessages,
  DueAnswer,
  Insert,
  InsertAnswer,
  PageQuery,
  ReadAnswer,
  TaskDriver,
  TaskRecord,
  Write,
  WriteAnswer,
} from "@mcp-task-store/core";
import { encodeAlternatives } from "@mcp-task-store/core/adapter";
import { Connection } from "./connection.ts";
import { PostgresHints } from "./hints.ts";
import { sqlState } from "./map-error.ts";
import { PostgresMessages } from "./messages.ts";
import { migrate } from "./migrate.ts";
import { checkOptions } from "./options.ts";
import type { CheckedOptions, PostgresDriverOptions } from "./options.ts";
import { taskRecord } from "./row.ts";
import type { MaybeTaskRow } from "./row.ts";
import { namesIn } from "./sql/names.ts";
import type { Names } from "./sql/names.ts";
import type { Statement } from "./statement.ts";
import { makeStatements } from "./statements.ts";
import type { Statements } from "./statements.ts";

/** Postgres keeps texts up to 1 GB; this is what a server can hold of them in memory for several callers at once. */
const MAX_PAYLOAD_BYTES = 64 * 1024 * 1024;

/** Only rivals of the same id that come and go between two statements make an insert try again. */
const INSERT_ATTEMPTS = 5;

/** Division by zero, raised by the insert statement on purpose: see there. */
const LATE_INSERT = "22012";

/** A position before every row. */
const START = { createdAt: Number.MAX_SAFE_INTEGER, taskId: "" } as const;

/**
 * The driver over one schema of a Postgres database. It connects when it is first used.
 * @throws TaskStoreError INVALID_ARGUMENT naming the option and its limit
 */
export function createPostgresDriver(options: PostgresDriverOptions): TaskDriver {
  return new PostgresDriver(checkOptions(options));
}

class PostgresDriver implements TaskDriver {
  readonly name = "postgres";
  readonly capabilities: DriverCapabilities;
  readonly hints?: DriverHints;
  readonly messages: DriverMessages;
  readonly #names: Names;
  readonly #statements: Statements;
  readonly #connection: Connection;
  readonly #endHints: () => Promise<void>;
  #closed: Promise<void> | undefined;

  constructor({ source, schema, hints, prepare }: CheckedOptions) {
    this.capabilities = {
      durable: true,
      multiProcess: true,
      pushHints: hints === "listen",
      messages: true,
      listing: true,
      maxPayloadBytes: MAX_PAYLOAD_BYTES,
    };
    this.#names = namesIn(schema);
    this.#statements = makeStatements(this.#names, prepare);
    this.#connection = new Connection(source, prepare);
    this.messages = new PostgresMessages(this.#connection, this.#statements);
    if (hints === "listen") {
      const listening = new PostgresHints(this.#connection, `mcp_task_store:${schema}`, this.#statements.notify);
      this.hints = listening;
      this.#endHints = () => listening.close();
    } else {
      this.#endHints = async () => {};
    }
  }

  setup(options: DriverCallOptions = {}): Promise<void> {
    return migrate(this.#connection, this.#names, options);
  }

  async insert(insert: Insert, options: DriverCallOptions = {}): Promise<InsertAnswer> {
    for (let attempt = 0; attempt < INSERT_ATTEMPTS; attempt += 1) {
      const answer = (await this.#tryInsert(insert, options)) ?? (await this.#findRival(insert, options));
      if (answer !== undefined) return answer;
    }
    throw new TaskStoreError("STORE_UNAVAILABLE", "tasks of the same id came and went; nothing was stored");
  }

  /** Undefined: nothing was stored, a rival has the id, and this statement could not see it. */
  async #tryInsert(insert: Insert, { signal }: DriverCallOptions): Promise<InsertAnswer | undefined> {
    const { taskId, createId, scope, generation, statusMessage, ttlMs, pollIntervalMs, claimInMs } = insert;
    const values = [taskId, createId, scope, generation, statusMessage, ttlMs, pollIntervalMs, claimInMs];
    values.push(insert.metadata, insert.request, insert.notAfterUs);
    try {
      const rows = await this.#connection.run<MaybeTaskRow>(this.#statements.insert, values, {
        doing: "writing",
        signal,
      });
      const [row] = rows;
      if (row === undefined) return undefined;
      return row.task_id === null
        ? { kind: "late", nowUs: row.now_us }
        : insertAnswer(insert, taskRecord(row), row.now_us);
    } catch (error) {
      if (!(error instanceof TaskStoreError) || sqlState(error.cause) !== LATE_INSERT) throw error;
      const { nowUs } = await this.#read([], this.#statements.read.none, signal);
      return { kind: "late", nowUs };
    }
  }

  async #findRival(insert: Insert, { signal }: DriverCallOptions): Promise<InsertAnswer | undefined> {
    const { rows, nowUs } = await this.#read([insert.taskId], this.#statements.read.none, signal);
    const [row] = rows;
    return row === undefined ? undefined : insertAnswer(insert, row, nowUs);
  }

  read(
    taskIds: readonly string[],
    options: DriverCallOptions & { readonly request?: boolean; readonly outcome?: boolean } = {},
  ): Promise<ReadAnswer> {
    const { request = false, outcome = false, signal } = options;
    const { none, request: withRequest, outcome: withOutcome, both } = this.#statements.read;
    if (request) return this.#read(taskIds, outcome ? both : withRequest, signal);
    return this.#read(taskIds, outcome ? withOutcome : none, signal);
  }

  async #read(taskIds: readonly string[], statement: Statement, signal: AbortSignal | undefined): Promise<ReadAnswer> {
    return readAnswer(await this.#connection.run<MaybeTaskRow>(statement, [taskIds], { doing: "reading", signal }));
  }

  /** The one place that sends a write: writes may be gathered here. */
  async write(write: Write, { signal }: DriverCallOptions = {}): Promise<WriteAnswer> {
    const { json, texts } = encodeAlternatives(write.alternatives);
    const { taskId, writeId, notAfterUs, quiet = false } = write;
    const { sinceRevision = null, createId = null, bornByUs = null } = write;
    const values = [taskId, ...scopeValues(write), writeId, notAfterUs, quiet, json, texts];
    values.push(sinceRevision, bornByUs, createId);
    const [row] = await this.#connection.run<MaybeTaskRow & { readonly written: boolean }>(
      this.#statements.write,
      values,
      {
        doing: "writing",
        signal,
      },
    );
    if (row === undefined || row.task_id === null) return { kind: "gone" };
    return { kind: row.written ? "written" : "refused", row: taskRecord(row), nowUs: row.now_us };
  }

  async remove(
    remove: { readonly taskId: string; readonly scope?: string | null; readonly notAfterUs: number },
    { signal }: DriverCallOptions = {},
  ): Promise<"removed" | "gone" | "late"> {
    const values = [remove.taskId, ...scopeValues(remove), remove.notAfterUs];
    const rows = await this.#connection.run<{ readonly removed: boolean }>(this.#statements.remove, values, {
      doing: "writing",
      signal,
    });
    const [row] = rows;
    if (row === undefined) return "gone";
    return row.removed ? "removed" : "late";
  }

  async page(query: PageQuery, { signal }: DriverCallOptions = {}): Promise<ReadAnswer> {
    const { scope, status = null, after = START, limit } = query;
    const { any, owned, unowned } = this.#statements.page;
    const values: unknown[] = [limit, after.createdAt, after.taskId, status];
    if (typeof scope === "string") values.push(scope);
    const statement = scope === undefined ? any : scope === null ? unowned : owned;
    return readAnswer(await this.#connection.run<MaybeTaskRow>(statement, values, { doing: "reading", signal }));
  }

  /** Maintenance may be repeated: what it did without an answer is due again after its hold. Hence "reading". */
  async due(limit: number, holdMs: number, { signal }: DriverCallOptions = {}): Promise<DueAnswer> {
    const rows = await this.#connection.run<
      MaybeTaskRow & { readonly purged: readonly string[] | null; readonly more: boolean }
    >(this.#statements.due, [limit, holdMs], { doing: "reading", signal });
    return { ...readAnswer(rows), purged: rows[0]?.purged ?? [], more: rows[0]?.more ?? false };
  }

  close(): Promise<void> {
    this.#closed ??= Promise.all([this.#endHints(), this.#connection.close()]).then(() => {});
    return this.#closed;
  }
}

function insertAnswer(insert: Insert, row: TaskRecord, nowUs: number): InsertAnswer {
  return { kind: row.createId === insert.createId ? "inserted" : "exists", row, nowUs };
}

/** "Any scope", and which. */
function scopeValues({ scope }: { readonly scope?: string | null }): readonly [boolean, string | null] {
  return scope === undefined ? [true, null] : [false, scope];
}

function readAnswer(rows: readonly MaybeTaskRow[]): ReadAnswer {
  const [first] = rows;
  if (first === undefined) throw new TypeError("Postgres answered without its clock");
  return { rows: rows.flatMap((row) => (row.task_id === null ? [] : [taskRecord(row)])), nowUs: first.now_us };
}
