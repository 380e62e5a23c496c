import { Client, Pool } from "pg";
import { TaskStoreError } from "@mcp-task-store/core";
import { unlessAborted, WaitAborted } from "@mcp-task-store/core/adapter";
import { leavesConnectionUsable, mapError } from "./map-error.ts";
import type { Doing } from "./map-error.ts";
import { POSTGRES_DEFAULTS } from "./options.ts";
import type { ConnectionSource, PgClientLike, PgPoolLike } from "./options.ts";
import { rowTypes } from "./row.ts";
import type { Statement } from "./statement.ts";

/**
 * How often the server checks, during a statement, that its client is still there. A call that was given up closes its
 * connection; without the check the server would keep waiting for a row lock, or for a standby, in its name, and each
 * such call would leave one connection of the server occupied.
 */
const CLIENT_CHECK = "2s";

/**
 * Every statement has an index to go by. A prepared plan that was made while the table was small would scan it, and
 * would go on scanning while the table grows, until the next analyze.
 *
 * Zero rows for the client check before Postgres 14, which has no such setting.
 */
const SESSION_SETTINGS = `\
select set_config(name, case name when 'enable_seqscan' then 'off' else '${CLIENT_CHECK}' end, false)
  from pg_settings
 where name in ('client_connection_check_interval', 'enable_seqscan')`;

const ignore = (): void => {};

export interface RunOptions {
  readonly doing: Exclude<Doing, "connecting">;
  readonly signal?: AbortSignal | undefined;
}

/** A client of its own for LISTEN. */
export interface DedicatedClient {
  readonly client: Pick<PgClientLike, "query" | "on">;
  /** Closes its connection. Harmless if it is closed already. */
  readonly close: () => void;
}

/** The way to the server: a pool, ours or the user's, and what may go wrong on it. */
export class Connection {
  readonly #source: ConnectionSource;
  readonly #pool: PgPoolLike;
  readonly #end: () => Promise<void>;
  readonly #closing: AbortController = new AbortController();
  #closed: Promise<void> | undefined;

  /** Connects to nothing yet. @param lasting connections are ours from end to end, no pooler gives them to others */
  constructor(source: ConnectionSource, lasting: boolean) {
    this.#source = source;
    if ("pool" in source) {
      this.#pool = source.pool;
      this.#end = async () => {};
    } else {
      const pool = ownPool(source, lasting);
      this.#pool = pool;
      const open = new Set<unknown>();
      pool.on("connect", (client) => open.add(client));
      pool.on("remove", (client) => {
        open.delete(client);
        letGo(client);
      });
      this.#end = async () => {
        const ended = pool.end();
        for (const client of open) letGo(client);
        await ended;
      };
    }
  }

  get closed(): boolean {
    return this.#closed !== undefined;
  }

  /** Runs one statement, committed by itself. @throws TaskStoreError */
  async run<Row extends Record<string, unknown>>(
    statement: Statement,
    values: readonly unknown[],
    { doing, signal }: RunOptions,
  ): Promise<readonly Row[]> {
    return this.withClient({ doing, signal }, async (client) => {
      const { rows } = await client.query<Row>({ ...statement, values, types: rowTypes });
      return rows;
    });
  }

  /**
   * Lends a client. When the signal fires, what it does is given up: its connection is closed, so that no late answer
   * is taken for that of the next statement, and so that an open transaction is undone.
   */
  async withClient<T>({ doing, signal }: RunOptions, use: (client: PgClientLike) => Promise<T>): Promise<T> {
    const client = await this.#checkOut(signal);
    // A connection that breaks while it is lent says so twice: to the query, and in an event that ends the process
    // if nobody listens.
    client.on("error", ignore);
    let usable = false;
    const work = use(client);
    try {
      const result = await unlessAborted(work, signal);
      usable = true;
      return result;
    } catch (error) {
      usable = leavesConnectionUsable(error);
      throw error instanceof WaitAborted ? abandoned(doing) : mapError(error, doing);
    } finally {
      if (usable) client.removeListener("error", ignore);
      client.release(!usable);
    }
  }

  /** A connection that is nobody else's. @throws TaskStoreError STORE_UNAVAILABLE, CLOSED */
  async dedicate(signal: AbortSignal): Promise<DedicatedClient> {
    if ("pool" in this.#source) {
      const client = await this.#checkOut(signal);
      client.on("error", ignore);
      let released = false;
      return {
        client,
        close: () => {
          if (!released) client.release(true);
          released = true;
        },
      };
    }
    this.#throwIfClosed();
    const client = new Client({ ...this.#source.settings, ...ownDefaults(this.#source.settings) });
    client.on("error", ignore);
    const close = (): void => {
      client.end().catch(ignore);
      letGo(client);
    };
    try {
      await unlessAborted(client.connect(), signal);
      return { client, close };
    } catch (error) {
      close();
      throw mapError(error, "connecting");
    }
  }

  /** Ends our own pool once its calls have settled; calls that still wait for a client reject. */
  close(): Promise<void> {
    this.#closed ??= Promise.resolve().then(this.#end);
    this.#closing.abort();
    return this.#closed;
  }

  async #checkOut(signal: AbortSignal | undefined): Promise<PgClientLike> {
    this.#throwIfClosed();
    if (signal?.aborted) throw givenUp();
    let waiting: Promise<PgClientLike> | undefined;
    try {
      waiting = this.#pool.connect();
      const client = await unlessAborted(waiting, signal, this.#closing.signal);
      if (signal?.aborted === true) {
        client.release();
        throw givenUp();
      }
      return client;
    } catch (error) {
      // A client that comes too late goes back unused.
      if (error instanceof WaitAborted) waiting?.then((client) => client.release(), ignore);
      this.#throwIfClosed();
      throw error instanceof WaitAborted ? givenUp() : mapError(error, "connecting");
    }
  }

  #throwIfClosed(): void {
    if (this.closed) throw new TaskStoreError("CLOSED", "the store was closed");
  }
}

/**
 * An ended connection waits for the server's goodbye: one that fell silent must not keep the process alive. pg has the
 * method, its types do not.
 */
function letGo(client: unknown): void {
  if (typeof client === "object" && client !== null && "unref" in client && typeof client.unref === "function") {
    client.unref();
  }
}

function givenUp(): TaskStoreError {
  return new TaskStoreError("STORE_UNAVAILABLE", "gave up waiting for a connection to Postgres; nothing was sent");
}

function abandoned(doing: RunOptions["doing"]): TaskStoreError {
  return doing === "writing"
    ? new TaskStoreError("WRITE_OUTCOME_UNKNOWN", "gave up waiting for Postgres while a write was under way")
    : new TaskStoreError("STORE_UNAVAILABLE", "gave up waiting for an answer of Postgres");
}

function ownPool({ settings, poolSize }: Extract<ConnectionSource, { settings: unknown }>, lasting: boolean): Pool {
  const pool = new Pool({
    ...settings,
    ...ownDefaults(settings),
    max: poolSize,
    // oxlint-disable-next-line typescript/no-misused-promises -- the pool awaits it; its types do not say so
    ...(lasting ? { onConnect: (client) => prepareSession(client) } : {}),
  });
  // An idle connection that breaks is replaced when one is needed. Without a listener it would end the process.
  pool.on("error", ignore);
  return pool;
}

function ownDefaults(settings: { readonly connectionTimeoutMillis?: number | undefined }): {
  readonly connectionTimeoutMillis: number;
  readonly keepAlive: true;
} {
  const { connectionTimeoutMillis = POSTGRES_DEFAULTS.connectionTimeoutMillis } = settings;
  return { connectionTimeoutMillis, keepAlive: true };
}

/** Some platforms cannot do it and refuse; the connection serves all the same. */
async function prepareSession(client: { query(text: string): Promise<unknown> }): Promise<void> {
  await client.query(SESSION_SETTINGS).catch(ignore);
}
