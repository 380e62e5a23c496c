import { TaskStoreError } from "./errors.ts";
import { sleep } from "./sleep.ts";
import type { HintListener } from "./task-driver.ts";

/** How long it may take to listen, or to check that we still do. */
const ANSWER_WITHIN_MS = 5_000;

/** A connection that broke without a word is found after this; until then the engine's safety poll bounds the delay. */
const CHECK_EVERY_MS = 30_000;

/** The wait before connecting again doubles from the first to the second. */
const RECONNECT_MS = { first: 100, most: 5_000 } as const;

/** A connection on which hints are heard. */
export interface HintConnection {
  /** Settles when it is lost, and is known to be. */
  readonly lost: Promise<unknown>;
  /** Asks whether it is still there: rejects if it is not, or when the signal fires before the answer. */
  check(signal: AbortSignal): Promise<unknown>;
  /** Closes it. Harmless if it is closed already. */
  close(): void;
}

/**
 * Connects and listens. `hear` takes each payload that {@link encodeHints} made; what somebody else sent counts as a gap.
 * Rejects, and leaves nothing open, if that fails or the signal fires first.
 */
export type Listen = (hear: (payload: string) => void, signal: AbortSignal) => Promise<HintConnection>;

/** Ids as JSON lists, as many in each as fit into that many UTF-8 bytes; one at least. */
export function encodeHints(taskIds: readonly string[], maxBytes: number): readonly string[] {
  const encoder = new TextEncoder();
  const payloads: string[] = [];
  let ids: string[] = [];
  let bytes = 2;
  for (const taskId of new Set(taskIds)) {
    const cost = encoder.encode(JSON.stringify(taskId)).length + 1;
    if (ids.length > 0 && bytes + cost > maxBytes) {
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

/**
 * The subscriptions of a driver whose backend sends hints over a connection: one connection for all of them, opened with
 * the first and closed with the last.
 *
 * A subscription resolves when the connection listens; if that cannot be had at once, it resolves all the same, goes on
 * trying, and tells of the gap once it works. A connection that was lost is opened anew, and that is a gap too.
 */
export class HintSubscriptions {
  readonly #listen: Listen;
  readonly #listeners: Set<HintListener> = new Set();
  #listening: Listening | undefined;
  #closed = false;

  constructor(listen: Listen) {
    this.#listen = listen;
  }

  /** @throws TaskStoreError CLOSED */
  async subscribe(listener: HintListener): Promise<() => Promise<void>> {
    if (this.#closed) throw new TaskStoreError("CLOSED", "the store was closed");
    // A wrapper of its own: subscribing the same listener twice makes two subscriptions.
    const subscription: HintListener = {
      onHint: (taskIds) => listener.onHint(taskIds),
      onGap: () => listener.onGap(),
    };
    this.#listeners.add(subscription);
    this.#listening ??= new Listening(this.#listen, this.#listeners);
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

/** Keeps a connection listening until it is stopped. */
class Listening {
  /** Settles when it listens, or has failed once. Never rejects. */
  readonly firstAttempt: Promise<void>;
  readonly #listen: Listen;
  readonly #listeners: ReadonlySet<HintListener>;
  readonly #stopping: AbortController = new AbortController();
  readonly #ended: Promise<void>;

  constructor(listen: Listen, listeners: ReadonlySet<HintListener>) {
    this.#listen = listen;
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
      const connection = await this.#connect();
      if (connection !== undefined) {
        waitMs = RECONNECT_MS.first;
        if (missed) this.#tell((listener) => listener.onGap());
        tried();
        await this.#untilLost(connection);
        connection.close();
      }
      missed = true;
      tried();
      await sleep(waitMs * (0.5 + Math.random() / 2), signal);
      waitMs = Math.min(waitMs * 2, RECONNECT_MS.most);
    }
  }

  /** Undefined: that failed. */
  async #connect(): Promise<HintConnection | undefined> {
    try {
      return await inTime(this.#stopping.signal, (limit) => this.#listen((payload) => this.#hear(payload), limit));
    } catch {
      return undefined;
    }
  }

  /** Resolves when the connection has ended, does not answer, or is no longer wanted. */
  async #untilLost(connection: HintConnection): Promise<void> {
    const over = new AbortController();
    const end = (): void => over.abort();
    connection.lost.then(end, end);
    this.#stopping.signal.addEventListener("abort", end, { once: true });
    if (this.#stopping.signal.aborted) end();
    try {
      while (!over.signal.aborted) {
        await sleep(CHECK_EVERY_MS, over.signal);
        if (!over.signal.aborted) await inTime(over.signal, (limit) => connection.check(limit));
      }
    } catch {
      // No answer: it is lost.
    } finally {
      this.#stopping.signal.removeEventListener("abort", end);
    }
  }

  #hear(payload: string): void {
    const taskIds = decodeHint(payload);
    if (taskIds === undefined) this.#tell((listener) => listener.onGap());
    else this.#tell((listener) => listener.onHint(taskIds));
  }

  #tell(tell: (listener: HintListener) => void): void {
    for (const listener of this.#listeners) tell(listener);
  }
}

/** Anybody may send where hints are sent: what is not ours means only that something happened. */
function decodeHint(payload: string): readonly string[] | undefined {
  try {
    const value: unknown = JSON.parse(payload);
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
