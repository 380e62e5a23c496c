import { randomUUID } from "node:crypto";
import { isTaskStoreError, TaskStoreError } from "@mcp-task-store/core";
import { BackendClock } from "@mcp-task-store/core/adapter";
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
  Write,
  WriteAnswer,
} from "@mcp-task-store/core";
import { SIMPLE } from "./collation.ts";
import { Connection, type RowsOptions } from "./connection.ts";
import { MongoHints } from "./hints.ts";
import { isDuplicateKey, isRefusal } from "./map-error.ts";
import { MongoMessages } from "./messages.ts";
import { checkOptions } from "./options.ts";
import type { CheckedOptions, MongoDocument, MongoDriverOptions } from "./options.ts";
import { checkPayload, MAX_PAYLOAD_BYTES } from "./payload-limit.ts";
import { toUs, VISIBLE_ROWS, writeLimitMs } from "./pipelines/clock.ts";
import { duePipeline, foundPipeline, lookedAt, lookPipeline } from "./pipelines/due.ts";
import type { Stage } from "./pipelines/expressions.ts";
import { rowOf } from "./pipelines/guards.ts";
import { insertPipeline } from "./pipelines/insert.ts";
import type { InsertKind } from "./pipelines/insert.ts";
import { pagePipeline, readPipeline } from "./pipelines/read.ts";
import { removableRow } from "./pipelines/remove.ts";
import { writePipeline } from "./pipelines/write.ts";
import type { WriteKind } from "./pipelines/write.ts";
import { CHANGED_FIELDS, CLOCK_ROW_ID, taskRecord } from "./row.ts";
import type { RowAnswer, TaskRow } from "./row.ts";
import { checkVersion, setUp } from "./setup.ts";

/** Only rivals of the same id that come and go at the same instant make an insert try again. */
const INSERT_ATTEMPTS = 5;

/**
 * The driver over one collection of a MongoDB database. It connects when it is first used.
 * @throws TaskStoreError INVALID_ARGUMENT naming the option and its limit
 */
export function createMongoDriver(options: MongoDriverOptions): TaskDriver {
  return new MongoDriver(checkOptions(options));
}

class MongoDriver implements TaskDriver {
  readonly name = "mongodb";
  readonly capabilities: DriverCapabilities;
  readonly hints?: DriverHints;
  readonly messages: DriverMessages;
  readonly #connection: Connection;
  readonly #endHints: () => Promise<void>;
  /** Whether the collection was seen to be set up, and nothing was heard or seen since that makes it doubtful. */
  #isReady = false;
  readonly #clock: BackendClock = new BackendClock();
  #closed: Promise<void> | undefined;

  constructor({ source, database, collection, hints }: CheckedOptions) {
    this.capabilities = {
      durable: true,
      multiProcess: true,
      pushHints: hints === "stream",
      messages: true,
      listing: true,
      maxPayloadBytes: MAX_PAYLOAD_BYTES,
    };
    this.#connection = new Connection(source, database, collection);
    this.messages = new MongoMessages(({ taskId, notAfterUs }, pipeline, fields, options) =>
      this.#change({ query: { ...rowOf(taskId), ...VISIBLE_ROWS }, update: pipeline, fields }, notAfterUs, options),
    );
    if (hints === "stream") {
      const watching = new MongoHints(this.#connection, () => {
        this.#isReady = false;
      });
      this.hints = watching;
      this.#endHints = () => watching.close();
    } else {
      this.#endHints = async () => {};
    }
  }

  async setup(options: DriverCallOptions = {}): Promise<void> {
    await setUp(this.#connection, options);
    this.#isReady = true;
  }

  async insert(insert: Insert, options: DriverCallOptions = {}): Promise<InsertAnswer> {
    checkPayload(insert.metadata, "metadata");
    checkPayload(insert.request, "request");
    for (let attempt = 0; attempt < INSERT_ATTEMPTS; attempt += 1) {
      try {
        const row = await this.#change<TaskRow & RowAnswer<InsertKind>>(
          { query: rowOf(insert.taskId), update: insertPipeline(insert), upsert: true, fields: CHANGED_FIELDS },
          insert.notAfterUs,
          options,
        );
        // MongoDB says that the id was taken meanwhile. Others that speak its protocol answer that there is no row.
        if (row === null) continue;
        const { at, kind } = row.answer;
        return { kind: kind === "exists" ? kind : "inserted", row: taskRecord(row), nowUs: toUs(at) };
      } catch (error) {
        if (isTaskStoreError(error) && isDuplicateKey(error.cause)) continue;
        return { kind: "late", nowUs: await this.#whenLate(error, insert.notAfterUs, options) };
      }
    }
    throw new TaskStoreError("STORE_UNAVAILABLE", "tasks of the same id came and went; nothing was stored");
  }

  async read(
    taskIds: readonly string[],
    options: DriverCallOptions & { readonly request?: boolean; readonly outcome?: boolean } = {},
  ): Promise<ReadAnswer> {
    const { request = false, outcome = false, signal } = options;
    const ids = new Set(taskIds);
    return this.#rows(readPipeline(taskIds, { request, outcome }), ids.size, { signal });
  }

  async write(write: Write, options: DriverCallOptions = {}): Promise<WriteAnswer> {
    for (const { then } of write.alternatives) {
      checkPayload(then.set?.inputs, "inputs");
      checkPayload(then.set?.metadata, "metadata");
      checkPayload(then.set?.outcome, "outcome");
    }
    const row = await this.#change<TaskRow & RowAnswer<WriteKind>>(
      {
        query: { ...rowOf(write.taskId, write.scope), ...VISIBLE_ROWS },
        update: writePipeline(write),
        fields: CHANGED_FIELDS,
      },
      write.notAfterUs,
      options,
    );
    if (row === null || row.answer.kind === "gone") return { kind: "gone" };
    const { at, kind } = row.answer;
    return { kind: kind === "refused" ? kind : "written", row: taskRecord(row), nowUs: toUs(at) };
  }

  async remove(
    remove: { readonly taskId: string; readonly scope?: string | null; readonly notAfterUs: number },
    options: DriverCallOptions = {},
  ): Promise<"removed" | "gone" | "late"> {
    try {
      const change = { query: removableRow(remove), remove: true, fields: { _id: 1 } };
      return (await this.#change(change, remove.notAfterUs, options)) === null ? "gone" : "removed";
    } catch (error) {
      await this.#whenLate(error, remove.notAfterUs, options);
      return "late";
    }
  }

  async page(query: PageQuery, { signal }: DriverCallOptions = {}): Promise<ReadAnswer> {
    // Secantus compares texts of a range wrongly where a collation is said, the simple one too. Nothing is lost without:
    // `setup()` refuses a collection that has another.
    const options = { signal, collated: false };
    const { rows, nowUs } = await this.#rows(pagePipeline(this.#connection.collection, query), query.limit, options);
    return { rows: rows.toSorted(inListingOrder), nowUs };
  }

  /**
   * One command where nothing is due, else three, or four where rows expired. Each row's step is atomic and guarded by
   * its `dueAt`, so that of two processes one gets it; all are decided by the reading of the first command. Of a row that
   * expired both may say that it is gone.
   */
  async due(limit: number, holdMs: number, options: DriverCallOptions = {}): Promise<DueAnswer> {
    const { collection } = this.#connection;
    const { signal } = options;
    const { rows, now } = await this.#withClock<DueRow>(duePipeline(collection, limit), limit + 1, { signal });
    const nowUs = toUs(now);
    if (rows.length === 0) return { rows: [], purged: [], more: false, nowUs };
    const earliest = rows.toSorted((a, b) => a.dueAt - b.dueAt).slice(0, limit);
    const ids = earliest.map(({ _id }) => _id);
    const id = randomUUID();
    const look = { q: lookedAt(ids, now), u: lookPipeline(id, now, holdMs), multi: true, collation: SIMPLE };
    await this.#repeatable({ update: collection, updates: [look] }, options);
    const { rows: found } = await this.#rows(foundPipeline(id, ids, now), ids.length, { signal });
    const expired = found.filter(({ expiresAt }) => expiresAt !== null && expiresAt <= now);
    const purged = expired.map(({ taskId }) => taskId);
    if (purged.length > 0) {
      const statement = { q: { _id: { $in: purged }, expiresAt: { $lte: now } }, limit: 0, collation: SIMPLE };
      await this.#repeatable({ delete: collection, deletes: [statement] }, options);
    }
    return { rows: found.filter((row) => !expired.includes(row)), purged, more: rows.length > limit, nowUs };
  }

  close(): Promise<void> {
    this.#closed ??= Promise.all([this.#endHints(), this.#connection.close()]).then(() => {});
    return this.#closed;
  }

  /** Changes one row by one findAndModify. @returns it as it is then, null if there is none */
  async #change<Row>(change: MongoDocument, notAfterUs: number, options: DriverCallOptions): Promise<Row | null> {
    if (!this.#isReady) await this.read([], options);
    const limitMs = writeLimitMs(notAfterUs, this.#clock.atLeastUs);
    const isRemoval = change["remove"] === true;
    const { value } = await this.#connection.change(
      { findAndModify: this.#connection.collection, ...change, collation: SIMPLE, ...(isRemoval ? {} : { new: true }) },
      { ...options, limitMs },
    );
    const row = (value ?? null) as (Row & Partial<RowAnswer<unknown>>) | null;
    if (row?.answer !== undefined) this.#clock.observe(toUs(row.answer.at));
    return row;
  }

  /**
   * Where a command was refused because it came too late (see `FAIL_LATE`), what time it is. @throws the error, if it is no such
   */
  async #whenLate(error: unknown, notAfterUs: number, options: DriverCallOptions): Promise<number> {
    if (!isTaskStoreError(error) || !isRefusal(error.cause)) throw error;
    const { nowUs } = await this.read([], options);
    if (nowUs <= notAfterUs) throw error;
    return nowUs;
  }

  async #repeatable(command: MongoDocument, { signal }: DriverCallOptions): Promise<void> {
    await this.#connection.change(command, { ...(signal === undefined ? {} : { signal }), repeatable: true });
  }

  async #rows(pipeline: readonly Stage[], atMost: number, options: RowsOptions): Promise<ReadAnswer> {
    const { rows, now } = await this.#withClock<TaskRow>(pipeline, atMost, options);
    return { rows: rows.map(taskRecord), nowUs: toUs(now) };
  }

  /** The rows of a pipeline, apart from the one that carries the clock. */
  async #withClock<Row>(
    pipeline: readonly Stage[],
    atMost: number,
    options: RowsOptions,
  ): Promise<{ readonly rows: readonly Row[]; readonly now: number }> {
    const all = await this.#connection.rows(pipeline, atMost + 1, options);
    const clock = all.find((row) => row["_id"] === CLOCK_ROW_ID);
    this.#isReady = false;
    checkVersion(clock?.["version"]);
    this.#isReady = true;
    const now = clock?.["now"];
    if (typeof now !== "number") throw new TypeError("MongoDB answered without its clock");
    this.#clock.observe(toUs(now));
    return { rows: all.filter((row) => row !== clock) as Row[], now };
  }
}

/** What is read first of a row that is due. */
interface DueRow {
  readonly _id: string;
  readonly dueAt: number;
}

/** The server sorts so too, but promises no order of rows that it puts together with others. */
function inListingOrder(
  a: { readonly createdAt: number; readonly taskId: string },
  b: { readonly createdAt: number; readonly taskId: string },
): number {
  return b.createdAt - a.createdAt || Buffer.compare(Buffer.from(b.taskId), Buffer.from(a.taskId));
}
