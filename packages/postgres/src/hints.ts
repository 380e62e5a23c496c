import { TaskStoreError } from "@mcp-task-store/core";
import type { DriverHints, HintListener } from "@mcp-task-store/core";
import type { Connection, DedicatedClient } from "./connection.ts";
import type { Statement } from "./statement.ts";

/** Postgres refuses a payload of 8,000 bytes. */
const MAX_PAYLOAD_BYTES = 7_900;

/** How long LISTEN, a check of its connection, or a NOTIFY may take. */
const ANSWER_WITHIN_MS = 5_000;

/** A connection that broke without a word is found after this; until then the engine's safety poll bounds the delay. */
const CHECK_EVERY_MS = 30_000;

/** The wait before connecting again doubles from the first to the second. */
const RECONNECT_MS = { first: 100, most: 5_000 } as const;

/**
 * Wake-ups by LISTEN and NOTIFY, over one connection for all subscriptions of this driver.
 *
 * A subscription resolves when LISTEN works; if it cannot be had at once, it resolves all the same, goes on trying, and
 * tells of the gap once it works.
 */
export class PostgresHints implements DriverHints {
  readonly #connection: Connection;
  readonly #channel: string;
  readonly #notify: Statement;
  readonly #listeners: Set<HintListener> = new Set();
  #listening: Listening | undefined;
  #closed = false;

  constructor(connection: Connection, channel: string, notify: Statement) {
    this.#connection = connection;
    this.#channel = channel;
    this.#notify = notify;
  }

  async publish(taskIds: readonly string[]): Promise<void> {
    if (taskIds.length === 0) return;
    const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
    await this.#connection.run(this.#notify, [this.#channel, hintPayloads(taskIds)], { doing: "reading", signal });
  }

  async subscribe(listener: HintListener): Promise<() => Promise<void>> {
    if (this.#closed) throw new TaskStoreError("CLOSED", "the store was closed");
    // A wrapper of its own: subscribing the same listener twice makes two subscriptions.
    const subscription: HintListener = {
      onHint: (taskIds) => listener.onHint(taskIds),
      onGap: () => listener.onGap(),
    };
    this.#listeners.add(subscription);
    this.#listening ??= new Listening(this.#connection, this.#channel, this.#listeners);
    await this.#listening.firstAttempt;
    return async () => {
      this.#listeners.delete(subscription);
      if (this.#listeners.size > 0) return;
      const ended = this.#listening;
      this.#listening = undefined;
      await ended?.stop();
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#listeners.clear();
    await this.#listening?.stop();
  }
}

/** Ids as JSON arrays, as many as fit into each payload. */
export function hintPayloads(taskIds: readonly string[]): readonly string[] {
  const payloads: string[] = [];
  let ids: string[] = [];
  let bytes = 2;
  for (const taskId of new Set(taskIds)) {
    const cost = Buffer.byteLength(JSON.stringify(taskId)) + 1;
    if (ids.length > 0 && bytes + cost > MAX_PAYLOAD_BYTES) {
      payloads.push(JSON.stringify(ids));
      ids = [];
      bytes = 2;
    }
    ids.push(taskId);
    bytes += cost;
  }
  payloads.push(JSON.stringify(ids));
  return payloads;
}

/** The listening connection: keeps one open until it is stopped. */
class Listening {
  /** Settles when LISTEN works, or has failed once. Never rejects. */
  readonly firstAttempt: Promise<void>;
  readonly #connection: Connection;
  readonly #channel: string;
  readonly #listeners: ReadonlySet<HintListener>;
  readonly #stopping: AbortController = new AbortController();
  readonly #ended: Promise<void>;

  constructor(connection: Connection, channel: string, listeners: ReadonlySet<HintListener>) {
    this.#connection = connection;
    this.#channel = channel;
    this.#listeners = listeners;
    let tried: () => void = () => {};
    this.firstAttempt = new Promise((resolve) => {
      tried = resolve;
    });
    this.#ended = this.#keepListening(tried).finally(tried);
  }

  stop(): Promise<void> {
    this.#stopping.abort();
    return this.#ended;
  }

  async #keepListening(tried: () => void): Promise<void> {
    const { signal } = this.#stopping;
    let missed = false;
    let waitMs: number = RECONNECT_MS.first;
    while (!signal.aborted) {
      const client = await this.#listen();
      if (client !== undefined) {
        waitMs = RECONNECT_MS.first;
        if (missed) this.#tell((listener) => listener.onGap());
        tried();
        await this.#untilLost(client.client);
        client.close();
      }
      missed = true;
      tried();
      await pause(waitMs * (0.5 + Math.random() / 2), signal);
      waitMs = Math.min(waitMs * 2, RECONNECT_MS.most);
    }
  }

  /** A client on which LISTEN is active; undefined if that failed. */
  async #listen(): Promise<DedicatedClient | undefined> {
    const { signal } = this.#stopping;
    let dedicated: DedicatedClient | undefined;
    try {
      dedicated = await inTime(signal, (limit) => this.#connection.dedicate(limit));
      const { client } = dedicated;
      client.on("notification", ({ channel, payload }) => {
        if (channel === this.#channel) this.#receive(payload);
      });
      await inTime(signal, (limit) => answered(client.query({ text: `listen "${this.#channel}"` }), limit));
      return dedicated;
    } catch {
      dedicated?.close();
      return undefined;
    }
  }

  /** Resolves when the connection has ended, does not answer, or is no longer wanted. */
  async #untilLost(client: DedicatedClient["client"]): Promise<void> {
    const over = new AbortController();
    const end = (): void => over.abort();
    client.on("end", end);
    client.on("error", end);
    this.#stopping.signal.addEventListener("abort", end, { once: true });
    if (this.#stopping.signal.aborted) end();
    try {
      while (!over.signal.aborted) {
        await pause(CHECK_EVERY_MS, over.signal);
        if (!over.signal.aborted)
          await inTime(over.signal, (limit) => answered(client.query({ text: "select" }), limit));
      }
    } catch {
      // No answer: it is lost.
    } finally {
      this.#stopping.signal.removeEventListener("abort", end);
    }
  }

  #receive(payload: string | undefined): void {
    const taskIds = parsePayload(payload);
    if (taskIds === undefined) this.#tell((listener) => listener.onGap());
    else this.#tell((listener) => listener.onHint(taskIds));
  }

  #tell(tell: (listener: HintListener) => void): void {
    for (const listener of this.#listeners) tell(listener);
  }
}

/** Anybody may send to the channel: what is not ours means only that something happened. */
function parsePayload(payload: string | undefined): readonly string[] | undefined {
  try {
    const value: unknown = JSON.parse(payload ?? "");
    return Array.isArray(value) && value.every((item) => typeof item === "string") ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Runs `work` with a signal that fires after ANSWER_WITHIN_MS, or with `stop`. */
async function inTime<T>(stop: AbortSignal, work: (limit: AbortSignal) => Promise<T>): Promise<T> {
  const limit = new AbortController();
  const abort = (): void => limit.abort();
  const timer = setTimeout(abort, ANSWER_WITHIN_MS);
  stop.addEventListener("abort", abort, { once: true });
  if (stop.aborted) abort();
  try {
    return await work(limit.signal);
  } finally {
    clearTimeout(timer);
    stop.removeEventListener("abort", abort);
  }
}

/** Rejects when the signal fires first. */
function answered(query: Promise<unknown>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(new Error("no answer in time"));
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    query.then(() => resolve(), reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

/** Waits, at most until the signal fires. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
  });
}
