import { TaskStoreError } from "@mcp-task-store/core";
import { onAbort, settledWithin, unlessAborted, WaitAborted } from "@mcp-task-store/core/adapter";
import { SIMPLE } from "./collation.ts";
import { mapError } from "./map-error.ts";
import { COMMAND_LIMIT_MS } from "./pipelines/clock.ts";
import type { Stage } from "./pipelines/expressions.ts";
import type {
  ConnectionSource,
  MongoChangeStreamLike,
  MongoClientLike,
  MongoDbLike,
  MongoDocument,
} from "./options.ts";

/** How long `close` waits for the calls in flight before it ends their connections. */
const CLOSE_WITHIN_MS = 5_000;

/** Numbers as numbers, whatever the client says: every one of ours fits. Epoch µs stay below 2^53 until the year 2255. */
const PLAIN_VALUES = { promoteLongs: true, promoteValues: true, useBigInt64: false, raw: false };

/** Said on every call, whatever client, database or collection say. */
const PRIMARY = { readPreference: "primary" };
const MAJORITY = { readConcern: { level: "majority" } };

export interface RunOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface RowsOptions extends RunOptions {
  /** Whether the command says how texts are compared. @default true */
  readonly collated?: boolean;
}

export interface ChangeOptions extends RunOptions {
  /** Doing it twice does no harm: where it is not known whether it was done, it may be called not done. */
  readonly repeatable?: boolean;
  /** How long the server may take over it, ms; 0: as long as it wants. @default 30_000 */
  readonly limitMs?: number;
}

/** Says whether a command was sent: it is part of the command, and asked when that is put into bytes. */
class WriteConcern {
  readonly w = "majority";
  readonly j = true;
  isSent = false;

  toBSON(): { readonly w: "majority"; readonly j: true } {
    this.isSent = true;
    return { w: this.w, j: this.j };
  }
}

/** A call under way. */
interface RunningCall {
  readonly isSent: () => boolean;
  readonly giveUp: () => void;
  readonly settled: Promise<unknown>;
}

/** The way to one collection: through a client, ours or the user's. */
export class Connection {
  readonly collection: string;
  readonly #client: MongoClientLike;
  readonly #db: MongoDbLike;
  readonly #closeClient: () => Promise<void>;
  readonly #running: Set<RunningCall> = new Set();
  #isConnected = false;
  #connecting: Promise<void> | undefined;
  #closed: Promise<void> | undefined;

  /** Connects to nothing yet. */
  constructor(source: ConnectionSource, database: string, collection: string) {
    this.collection = collection;
    this.#client = source.client;
    this.#db = source.client.db(database);
    this.#closeClient = source.close;
  }

  get closed(): boolean {
    return this.#closed !== undefined;
  }

  /**
   * Runs a command that changes something, with our write concern. Never repeated by the client: a command that is run
   * as it is is none of its retryable writes.
   * @throws TaskStoreError
   */
  async change(
    command: MongoDocument,
    { signal, repeatable = false, limitMs = COMMAND_LIMIT_MS }: ChangeOptions,
  ): Promise<MongoDocument> {
    const writeConcern = new WriteConcern();
    const whole = { ...command, maxTimeMS: limitMs, writeConcern };
    return this.#run(
      signal,
      () => writeConcern.isSent,
      async (given) => checked(await this.#db.command(whole, { ...PLAIN_VALUES, ...PRIMARY, signal: given })),
      (error) => mapError(error, !writeConcern.isSent ? "unsent" : repeatable ? "reading" : "writing"),
    );
  }

  /** Runs a command that only reads. @throws TaskStoreError */
  async ask(command: MongoDocument, { signal }: RunOptions): Promise<MongoDocument> {
    return this.#read(signal, (given) =>
      this.#db.command({ ...command, maxTimeMS: COMMAND_LIMIT_MS }, { ...PLAIN_VALUES, ...PRIMARY, signal: given }),
    );
  }

  /**
   * The rows of a pipeline over the collection.
   * @param atMost how many rows there can be; the first answer holds up to 16 MiB of them, further ones the rest
   * @throws TaskStoreError
   */
  async rows(
    pipeline: readonly Stage[],
    atMost: number,
    { signal, collated = true }: RowsOptions,
  ): Promise<readonly MongoDocument[]> {
    const options = {
      ...PLAIN_VALUES,
      ...PRIMARY,
      ...MAJORITY,
      ...(collated ? { collation: SIMPLE } : {}),
      maxTimeMS: COMMAND_LIMIT_MS,
      batchSize: atMost + 1,
    };
    return this.#read(signal, (given) =>
      this.#db
        .collection(this.collection)
        .aggregate([...pipeline], { ...options, signal: given })
        .toArray(),
    );
  }

  /** A change stream, which opens when it is first asked for news. Whoever made it closes it. */
  async watch(pipeline: readonly Stage[], signal: AbortSignal): Promise<MongoChangeStreamLike> {
    this.#throwIfClosed();
    await this.#connect(signal);
    return this.#db.collection(this.collection).watch([...pipeline], { ...PLAIN_VALUES, ...PRIMARY, ...MAJORITY });
  }

  /** What was not sent yet rejects; what was sent gets time to settle. Then our own client is closed. */
  close(): Promise<void> {
    this.#closed ??= Promise.resolve().then(async () => {
      for (const call of this.#running) if (!call.isSent()) call.giveUp();
      await settledWithin(Promise.allSettled([...this.#running].map(({ settled }) => settled)), CLOSE_WITHIN_MS);
      await this.#closeClient();
    });
    return this.#closed;
  }

  #read<T>(signal: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return this.#run(
      signal,
      () => true,
      work,
      (error) => mapError(error, "reading"),
    );
  }

  async #run<T>(
    signal: AbortSignal | undefined,
    isSent: () => boolean,
    work: (signal: AbortSignal) => Promise<T>,
    mapped: (error: unknown) => TaskStoreError,
  ): Promise<T> {
    this.#throwIfClosed();
    const given = new AbortController();
    const giveUp = (): void => given.abort();
    const stopListening = signal && onAbort(signal, giveUp);
    if (signal?.aborted === true) giveUp();
    const settled = this.#connect(given.signal).then(() => work(given.signal));
    const call: RunningCall = { isSent, giveUp, settled };
    this.#running.add(call);
    try {
      return await settled;
    } catch (error) {
      if (this.closed && !isSent()) this.#throwIfClosed();
      throw mapped(error === given.signal.reason ? new WaitAborted("the call was given up") : error);
    } finally {
      stopListening?.();
      this.#running.delete(call);
    }
  }

  /**
   * A client connects by itself when it is first used; but if that fails, it says for good that it is closed, unless it is
   * told to connect.
   */
  async #connect(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#isConnected) return;
    this.#connecting ??= this.#client
      .connect()
      .then(() => {
        this.#isConnected = true;
      })
      .finally(() => {
        this.#connecting = undefined;
      });
    await unlessAborted(this.#connecting, signal);
  }

  #throwIfClosed(): void {
    if (this.closed) throw new TaskStoreError("CLOSED", "the store was closed");
  }
}

/** What the server did, but not as asked: clients differ in what of it they throw. */
function checked(answer: MongoDocument): MongoDocument {
  const { writeErrors, writeConcernError } = answer;
  if (writeConcernError !== undefined) throw asServerError("MongoWriteConcernError", writeConcernError);
  if (Array.isArray(writeErrors) && writeErrors.length > 0) throw asServerError("MongoServerError", writeErrors[0]);
  return answer;
}

function asServerError(name: "MongoWriteConcernError" | "MongoServerError", problem: unknown): Error {
  const code = typeof problem === "object" && problem !== null && "code" in problem ? Number(problem.code) : 0;
  return Object.assign(new Error("the command was not carried out as asked"), { name, code });
}
