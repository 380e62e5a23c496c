import { TaskStoreError } from "@mcp-task-store/core";
import { settledWithin, unlessAborted, WaitAborted } from "@mcp-task-store/core/adapter";
import { hearAnswersOfAsking } from "./asking.ts";
import {
  clusterClient,
  clusterCopy,
  clusterFits,
  connectionLike,
  fits,
  singleClient,
  singleCopy,
} from "./client-settings.ts";
import { untilClient } from "./client-state.ts";
import type { ClientEvent } from "./client-state.ts";
import { mapError, replyCode } from "./map-error.ts";
import type { Doing } from "./map-error.ts";
import type { ConnectionSource, RedisClientLike, RedisClusterLike } from "./options.ts";
import { configOf } from "./redis-url.ts";
import type { Script } from "./script.ts";
import { TrackedCommand } from "./tracked-command.ts";

/** A call without a signal of its own waits for a connection, and for the last answers at the end, no longer. ms */
const PATIENCE_MS = 10_000;

/** A primary that has not answered after so long is left for another one, where any will do. ms */
const ANOTHER_AFTER_MS = 1_000;

/**
 * UTF-16 code units of one command: below the 512 MB that a server takes as one value, whatever the characters. It would
 * close the connection.
 */
const MAX_COMMAND_UNITS = 128 * 1024 * 1024;

const ignore = (): void => {};

export interface RunOptions {
  readonly doing: Exclude<Doing, "connecting">;
  readonly signal?: AbortSignal | undefined;
}

/** A connection that is nobody else's, and ends when it is lost. */
export interface DedicatedClient {
  readonly client: RedisClientLike;
  /** Runs one command on it. @throws Error when the signal fires first */
  readonly command: (name: string, values: readonly string[], signal: AbortSignal) => Promise<unknown>;
  /** Harmless if it is closed already. */
  readonly close: () => void;
}

type Client = RedisClientLike | RedisClusterLike;

/** The way to the servers: a client, ours or the user's, and what may go wrong on it. */
export class Connection {
  readonly isCluster: boolean;
  readonly #source: ConnectionSource;
  readonly #inFlight: Set<TrackedCommand> = new Set();
  readonly #closing: AbortController = new AbortController();
  #client: Client | undefined;
  readonly #waits: Map<ClientEvent, Promise<void>> = new Map();
  #closed: Promise<void> | undefined;
  #answering: RedisClientLike | undefined;
  #unhear: (() => void) | undefined;

  /** Connects to nothing yet. */
  constructor(source: ConnectionSource) {
    this.#source = source;
    this.isCluster = source.kind === "cluster" || source.kind === "cluster client";
  }

  /**
   * Runs a script, in one round trip if the server has seen it before.
   * @param keys all in one slot, if this is a cluster
   * @throws TaskStoreError
   */
  async run(script: Script, keys: readonly string[], values: readonly string[], options: RunOptions): Promise<unknown> {
    const rest = [String(keys.length), ...keys, ...values];
    try {
      return await this.#send("evalsha", [script.sha, ...rest], options);
    } catch (error) {
      if (replyCode(error) !== "NOSCRIPT") throw mapError(error, options.doing);
    }
    return await this.command("eval", [script.text, ...rest], options);
  }

  /** Runs any other command. @throws TaskStoreError */
  async command(name: string, values: readonly string[], options: RunOptions): Promise<unknown> {
    try {
      return await this.#send(name, values, options);
    } catch (error) {
      throw mapError(error, options.doing);
    }
  }

  /** Runs a command that only reads on each primary. @throws TaskStoreError */
  async onEachPrimary(
    name: string,
    values: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<readonly unknown[]> {
    const client = await this.#ready(signal);
    const options: RunOptions = { doing: "reading", signal };
    const sends =
      "nodes" in client
        ? client.nodes("master").map((primary) => this.#sendOn(primary, name, values, options))
        : [this.#send(name, values, options)];
    try {
      return await Promise.all(sends);
    } catch (error) {
      await Promise.allSettled(sends);
      throw mapError(error, "reading");
    }
  }

  /**
   * Runs a command that any primary may be given, and two of them: where one does not answer soon another one is asked.
   * @throws TaskStoreError when none has answered, or the signal fires
   */
  async onAnyPrimary(name: string, values: readonly string[], signal: AbortSignal): Promise<unknown> {
    const client = await this.#ready(signal);
    if (!("nodes" in client)) return await this.command(name, values, { doing: "reading", signal });
    const primaries = client.nodes("master");
    // By chance which one, not all processes the same; then the one that answered, not the silent one again.
    const begin = Math.floor(Math.random() * primaries.length);
    const inTurn = [...primaries.slice(begin), ...primaries.slice(0, begin)];
    const known = inTurn.filter((primary) => primary === this.#answering);
    let failure: unknown = noPrimary();
    for (const primary of new Set([...known, ...inTurn])) {
      const soon = AbortSignal.any([signal, AbortSignal.timeout(ANOTHER_AFTER_MS)]);
      try {
        const answer = await this.#sendOn(primary, name, values, { doing: "reading", signal: soon });
        this.#answering = primary;
        return answer;
      } catch (error) {
        failure = error;
      }
      if (signal.aborted) break;
    }
    throw mapError(failure, "reading");
  }

  /** A connection that is nobody else's: in a cluster to any of its primaries. @throws TaskStoreError */
  async dedicate(signal: AbortSignal): Promise<DedicatedClient> {
    const shared = await this.#ready(signal);
    const like = "nodes" in shared ? anyOf(shared.nodes("master")) : shared;
    if (like === undefined) throw noPrimary();
    const client = connectionLike(like);
    client.on("error", ignore);
    const close = (): void => client.disconnect();
    try {
      await unlessAborted(client.connect(), signal, this.#closing.signal);
    } catch (error) {
      close();
      throw mapError(error, "connecting");
    }
    const command = (name: string, values: readonly string[], limit: AbortSignal): Promise<unknown> => {
      const sent = new TrackedCommand(name, values);
      client.sendCommand(sent);
      return unlessAborted(sent.promise, limit);
    };
    return { client, command, close };
  }

  /** Whether a connection leads to a primary, as far as is known: a node that left its cluster answers as ever. */
  leadsToPrimary({ options }: RedisClientLike): boolean {
    if (this.#client === undefined || !("nodes" in this.#client)) return true;
    const primaries = this.#client.nodes("master").map((each) => each.options);
    return primaries.length === 0 || primaries.some(({ host, port }) => host === options.host && port === options.port);
  }

  /** Waits for what is in flight, and ends our own client. New calls reject, and those that wait for a connection. */
  close(): Promise<void> {
    this.#closed ??= (async () => {
      this.#closing.abort();
      const last = [...this.#inFlight].map((command) => command.promise);
      await settledWithin(Promise.allSettled(last), PATIENCE_MS);
      this.#client?.off("close", this.#onClose);
      this.#unhear?.();
      if (this.#client !== undefined && !this.#isUsers(this.#client)) this.#client.disconnect();
    })();
    return this.#closed;
  }

  async #send(name: string, values: readonly string[], options: RunOptions): Promise<unknown> {
    if (values.reduce((units, value) => units + value.length, 0) > MAX_COMMAND_UNITS) {
      throw new TaskStoreError("PAYLOAD_TOO_LARGE", "the call is larger than Redis takes");
    }
    for (;;) {
      const client = await this.#ready(options.signal);
      try {
        return await this.#sendOn(client, name, values, options);
      } catch (error) {
        // A connection that is being closed says that it is ready until it is closed, and takes nothing.
        if (!(error instanceof NotTaken)) throw error;
        await this.#waitFor("close", client, options.signal);
      }
    }
  }

  /** @throws whatever the client says, or a TaskStoreError */
  async #sendOn(
    client: Client,
    name: string,
    values: readonly string[],
    { doing, signal }: RunOptions,
  ): Promise<unknown> {
    const command = new TrackedCommand(name, values);
    this.#inFlight.add(command);
    try {
      client.sendCommand(command);
      command.watch();
      return await unlessAborted(command.promise, signal);
    } catch (error) {
      command.abandon();
      if (error instanceof WaitAborted) throw command.inFlight ? abandoned(doing) : givenUp();
      if (replyCode(error) === "READONLY") this.#leaveReplica(client);
      if (replyCode(error) !== undefined || command.inFlight) throw error;
      throw isClosing(client, error)
        ? new NotTaken("nothing was sent", { cause: error })
        : mapError(error, "connecting");
    } finally {
      this.#inFlight.delete(command);
    }
  }

  /** A client that can send at once. @throws TaskStoreError STORE_UNAVAILABLE: nothing was sent; CLOSED */
  async #ready(signal: AbortSignal | undefined): Promise<Client> {
    this.#throwIfClosed();
    if (signal?.aborted) throw givenUp();
    const client = this.#openClient();
    if (client.status === "ready") return client;
    await this.#waitFor("ready", client, signal);
    return client;
  }

  /** What many calls wait for is waited for once: an emitter and a signal are heard by few at a time. */
  async #waitFor(event: ClientEvent, client: Client, signal: AbortSignal | undefined): Promise<void> {
    let waiting = this.#waits.get(event);
    if (waiting === undefined) {
      waiting = untilClient(client, event, this.#closing.signal, PATIENCE_MS).finally(() => this.#waits.delete(event));
      this.#waits.set(event, waiting);
    }
    try {
      await unlessAborted(waiting, signal);
    } catch (error) {
      this.#throwIfClosed();
      throw error instanceof WaitAborted ? givenUp() : mapError(error, "connecting");
    }
  }

  #openClient(): Client {
    const { status } = this.#client ?? {};
    // One of ours ends by itself only where it could not even begin, for lack of a name to connect to say.
    if (this.#client !== undefined && (status !== "end" || this.#isUsers(this.#client))) return this.#client;
    this.#client?.off("close", this.#onClose);
    this.#unhear?.();
    this.#client = clientFor(this.#source);
    this.#unhear = "nodes" in this.#client ? hearAnswersOfAsking(this.#client) : undefined;
    this.#client.on("close", this.#onClose);
    // An error without a listener would be printed; whoever waits for the client hears of it.
    if (!this.#isUsers(this.#client)) this.#client.on("error", ignore);
    return this.#client;
  }

  /** One of ours connects anew by itself. The user's may stay where it is: a copy finds the new primary. */
  #leaveReplica(client: Client): void {
    if (this.#source.kind !== "client" || client !== this.#client || !this.#isUsers(client)) return;
    const last = [...this.#inFlight].map((command) => command.promise);
    void Promise.allSettled(last).then(() => client.off("close", this.#onClose));
    this.#client = singleCopy(this.#source.client);
    this.#client.on("close", this.#onClose);
    this.#client.on("error", ignore);
  }

  #isUsers(client: Client): boolean {
    return "client" in this.#source && this.#source.client === client;
  }

  /** The client does not settle what was in flight when it means to connect again. */
  readonly #onClose = (): void => {
    for (const command of this.#inFlight) command.reject(new Error("the connection was lost"));
  };

  #throwIfClosed(): void {
    if (this.#closed !== undefined) throw new TaskStoreError("CLOSED", "the store was closed");
  }
}

/** Of ioredis, about a connection that it has begun to close, or that the server has. */
function isClosing(client: Client, error: unknown): boolean {
  return client.status === "ready" && error instanceof Error && error.message.includes("isn't writeable");
}

class NotTaken extends Error {
  override readonly name = "NotTaken";
}

function clientFor(source: ConnectionSource): Client {
  switch (source.kind) {
    case "server":
      return singleClient(source.url === undefined ? source.config : configOf(source.url));
    case "cluster":
      return clusterClient(source.config);
    case "client":
      return fits(source.client) ? source.client : singleCopy(source.client);
    case "cluster client":
      return clusterFits(source.client) ? source.client : clusterCopy(source.client);
  }
}

function anyOf<T>(items: readonly T[]): T | undefined {
  return items[Math.floor(Math.random() * items.length)];
}

function noPrimary(): TaskStoreError {
  return new TaskStoreError("STORE_UNAVAILABLE", "the cluster has no primary just now");
}

function givenUp(): TaskStoreError {
  return new TaskStoreError("STORE_UNAVAILABLE", "gave up waiting for a connection to Redis; nothing was sent");
}

function abandoned(doing: RunOptions["doing"]): TaskStoreError {
  return doing === "writing"
    ? new TaskStoreError("WRITE_OUTCOME_UNKNOWN", "gave up waiting for Redis while a write was under way")
    : new TaskStoreError("STORE_UNAVAILABLE", "gave up waiting for an answer of Redis");
}
